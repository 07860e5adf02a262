"""The audit chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatekeeper.core.canonical import canonical_bytes, to_plain
from gatekeeper.core.digest import Digest


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One link of the audit chain."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    detail: Mapping[str, str]
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditHead:
    """``seq:hash`` of the newest audit row; 0 and 64 zeros when there is none."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


def image_of(row: AuditRow) -> tuple[str, str]:
    """(``registry/path``, digest) that a row is about; empty where it names none."""
    repository, found, digest = row.subject.partition("@")
    named = (repository, digest) if found and digest.startswith("sha256:") else ("", "")
    return row.detail.get("repository", named[0]), row.detail.get("digest", named[1])


def link_hash(row: AuditRow) -> str:
    """The hash that a row must carry: hexadecimal sha256 over the canonical JSON of everything else in it."""
    content = {
        "seq": row.seq,
        "at": row.at,
        "actor": row.actor,
        "action": row.action,
        "subject": row.subject,
        "reason": row.reason,
        "detail": row.detail,
        "prev_hash": row.prev_hash,
    }
    return Digest.of(canonical_bytes({name: to_plain(value) for name, value in content.items()})).encoded


def trouble_with(row: AuditRow, before: AuditHead) -> str | None:
    """None when a row is whole and follows ``before``, else what is wrong."""
    if row.seq != before.seq + 1:
        return f"row {before.seq + 1} is missing: row {before.seq} is followed by row {row.seq}"
    if row.prev_hash != before.hash:
        return f"row {row.seq} does not follow row {before.seq}: one of them was replaced or moved"
    if row.hash != link_hash(row):
        return f"row {row.seq} was changed: its hash does not match what it says"
    return None


@dataclass(frozen=True, slots=True)
class AuditQuestion:
    """Which rows are asked for; what is left out narrows nothing."""

    since: datetime | None = None
    until: datetime | None = None
    """Rows before this moment."""
    actors: tuple[str, ...] = ()
    """Globs over the actor: ``token:*``, ``local:**``."""
    repository: str | None = None
    """``registry/path``: rows about it, its images, cases and actions."""
    repositories: tuple[str, ...] = ()
    """Globs over ``registry/path``."""
    digests: tuple[Digest, ...] = ()
    """Rows that name one of these."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Up to here (inclusive) the chain lies in an archive."""

    head: AuditHead
    archived_at: datetime
    content: Digest
    """Of the archive's bytes."""


class AuditChain(Protocol):
    """What verifying the chain needs."""

    def head(self) -> AuditHead:
        """The newest link."""
        ...

    def rows(self, *, after: int, limit: int) -> Sequence[AuditRow]:
        """Links in order."""
        ...

    def broken_at(self) -> str | None:
        """None when the whole chain verifies, else where and how it does not."""
        ...

    def checkpoint(self) -> Checkpoint | None:
        """Where the chain begins in the database; None: with its first row."""
        ...


class AuditStore(AuditChain, Protocol):
    """The append-only chain."""

    def audit_rows(self, question: AuditQuestion, *, after: int, limit: int) -> Sequence[AuditRow]:
        """The rows that fit, in order."""
        ...

    def policy_text(self, revision: str) -> str | None:
        """The canonical form of a policy that was in force once; its sha256 is the revision."""
        ...

    def evidence_text(self, digest: Digest) -> str | None:
        """The canonical form of evidence that a verdict rested on; its sha256 is the digest."""
        ...

    def cut(self, checkpoint: Checkpoint, *, actor: str, reason: str, now: datetime) -> int:
        """Drops what was archived, and adds a row that says so; returns how many rows went.

        ConflictError when the row is not there any more, or is the newest one.
        """
        ...

    def append(
        self, *, actor: str, action: str, subject: str, reason: str, detail: Mapping[str, str], now: datetime
    ) -> AuditHead:
        """One more link."""
        ...
