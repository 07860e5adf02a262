"""``audit list | export | archive``: the trail for an auditor, with the policy and the evidence of each moment."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gatekeeper.core.canonical import canonical_bytes, to_plain
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import ConfigurationError, ConflictError, MalformedError, NotFoundError
from gatekeeper.core.reference import parse_reference
from gatekeeper.ports import AuditHead, AuditQuestion, AuditRow, AuditStore, Checkpoint, StatusStore

PAGE = 500
_TEXTS = ("actor", "action", "subject", "reason", "prev_hash", "hash")
_WILD = frozenset("*?")
UNAUTHENTICATED = "local:"
"""Actors on the machine of the database: the name is the operating system's word, and its owner can say any."""


@dataclass(frozen=True, slots=True)
class Told:
    """One row as an auditor reads it."""

    row: AuditRow
    authenticated: bool
    """False for local use: nobody proved who they are."""
    policy: Mapping[str, Any] | None = None
    """The whole policy a verdict was judged by; None where the row names none, or it was not kept then."""
    evidence: Mapping[str, Any] | None = None

    @property
    def plain(self) -> dict[str, Any]:
        """JSON-ready, in the order in which people read it."""
        plain = to_plain(self.row)
        assert isinstance(plain, dict)
        plain.pop("type")
        return {
            **plain,
            "authenticated": self.authenticated,
            "policy": self.policy,
            "evidence": self.evidence,
        }


def asked_about(store: StatusStore, image: str | None) -> AuditQuestion:
    """The question about a repository, a glob of them or one image. A tag asks for every digest that it ever showed.

    Raises MalformedError, and NotFoundError for a tag that nobody has seen.
    """
    if image is None:
        return AuditQuestion()
    if _WILD & set(image):
        return AuditQuestion(repositories=(_glob(image),))
    reference = parse_reference(image)
    if reference.digest is not None:
        return AuditQuestion(repository=str(reference.repository), digests=(reference.digest,))
    if reference.tag is None or not image.endswith(f":{reference.tag}"):
        return AuditQuestion(repository=str(reference.repository))
    seen = tuple({digest: None for digest, _ in store.observed(reference.repository, reference.tag)})
    if not seen:
        raise NotFoundError(
            f"{reference.repository}:{reference.tag} was never seen; name a digest or the repository alone",
            reason_code="tag-never-seen",
        )
    return AuditQuestion(repository=str(reference.repository), digests=seen)


def _glob(image: str) -> str:
    registry, _, path = image.partition("/")
    if not registry or not path or {":", "@"} & set(path):
        raise MalformedError(
            f"{image!r}: a glob names repositories (registry.example.com/shop/**), no tag and no digest",
            reason_code="glob-malformed",
        )
    return image


def report(store: AuditStore, question: AuditQuestion, *, full: bool) -> Iterator[Told]:
    """Every row that fits, in order. ``full`` adds policies and evidence. Constant memory."""
    after = 0
    while rows := store.audit_rows(question, after=after, limit=PAGE):
        for row in rows:
            yield _told(store, row, full=full)
        after = rows[-1].seq


def _told(store: AuditStore, row: AuditRow, *, full: bool) -> Told:
    authenticated = not row.actor.startswith(UNAUTHENTICATED)
    if not full:
        return Told(row, authenticated)
    policy, evidence = row.detail.get("policy"), row.detail.get("evidence")
    return Told(
        row,
        authenticated,
        None if policy is None else _read(store.policy_text(policy)),
        None if evidence is None else _read(store.evidence_text(Digest.parse(evidence))),
    )


def _read(text: str | None) -> Mapping[str, Any] | None:
    return None if text is None else json.loads(text)


@dataclass(frozen=True, slots=True)
class Archived:
    """What went into an archive."""

    file: Path
    rows: int
    head: AuditHead
    content: Digest


def archive(
    store: AuditStore, file: Path, *, before: datetime, actor: str, reason: str, now: datetime
) -> Archived:
    """Writes every row older than ``before`` to a new file, reads it back, then drops those rows.

    The chain stays verifiable: it begins at a checkpoint then, which a row of it tells of, and which the archive's
    last row has. Raises ConflictError when there is nothing to archive, the chain is broken or the file exists,
    ConfigurationError when it cannot be written.
    """
    broken = store.broken_at()
    if broken is not None:
        raise ConflictError(
            f"the audit trail is broken, so nothing is archived: {broken}", reason_code="audit-broken"
        )
    newest = store.head().seq
    last: AuditRow | None = None
    count, digest = 0, hashlib.sha256()
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConflictError(f"{file} exists; name a new file", reason_code="archive-exists") from None
    except OSError as error:
        raise ConfigurationError(
            (f"{file} cannot be written: {error.strerror}",), reason_code="archive-unwritable"
        ) from error
    with os.fdopen(descriptor, "wb") as stream:
        for row in _rows(store, AuditQuestion(until=before)):
            if row.seq == newest:
                break
            line = canonical_bytes(row) + b"\n"
            stream.write(line)
            digest.update(line)
            last, count = row, count + 1
        stream.flush()
        os.fsync(stream.fileno())
    if last is None:
        file.unlink()
        raise ConflictError(
            f"no row is older than {before:%Y-%m-%d %H:%M} UTC (the newest always stays)",
            reason_code="nothing-to-archive",
        )
    content = Digest("sha256", digest.hexdigest())
    head = AuditHead(last.seq, last.hash)
    store.cut(Checkpoint(head, now, content), actor=actor, reason=reason, now=now)
    return Archived(file, count, head, content)


def _rows(store: AuditStore, question: AuditQuestion) -> Iterator[AuditRow]:
    after = 0
    while rows := store.audit_rows(question, after=after, limit=PAGE):
        # A clock that went back leaves later rows with earlier times: an archive is a beginning without gaps.
        for row in rows:
            if after and row.seq != after + 1:
                return
            yield row
            after = row.seq


def read_archive(file: Path) -> Iterator[AuditRow]:
    """The rows of an archive. Raises MalformedError for what is none, ConfigurationError when it cannot be read."""
    try:
        with file.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                yield _archived(file, number, line)
    except OSError as error:
        raise ConfigurationError(
            (f"{file} cannot be read: {error.strerror}",), reason_code="archive-unreadable"
        ) from error


def _archived(file: Path, number: int, line: bytes) -> AuditRow:
    try:
        plain = json.loads(line)
        texts = {name: str(plain[name]) for name in _TEXTS}
        detail = {str(name): str(value) for name, value in plain["detail"].items()}
        return AuditRow(seq=int(plain["seq"]), at=datetime.fromisoformat(plain["at"]), detail=detail, **texts)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedError(
            f"{file}:{number}: is no row of an audit archive", reason_code="archive-malformed"
        ) from error
