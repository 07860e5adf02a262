"""``ports.AuditStore``: the chain read, searched and verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, or_, select

from gatekeeper.core.digest import Digest
from gatekeeper.core.policy import matches_any
from gatekeeper.database import tables
from gatekeeper.database.audit import GENESIS, add, head_of, row_of
from gatekeeper.database.audit_archive import ARCHIVED, AuditArchive, newest_checkpoint
from gatekeeper.database.columns import canonical_text
from gatekeeper.database.connection import touch
from gatekeeper.ports import AuditHead, AuditQuestion, AuditRow, Checkpoint
from gatekeeper.ports.audit import image_of, trouble_with

_CHUNK = 1000
_BEFORE_ALL = -(2**62)
_UNREADABLE = (ValueError, TypeError, OverflowError, AttributeError)


class AuditTrail(AuditArchive):
    """``ports.AuditStore``."""

    def head(self) -> AuditHead:
        """The newest link."""
        with self._link.reading() as connection:
            return head_of(connection)

    def rows(self, *, after: int, limit: int) -> Sequence[AuditRow]:
        """Links in order."""
        with self._link.reading() as connection:
            return self._rows(connection, after, limit)

    def _rows(self, connection: Connection, after: int, limit: int) -> list[AuditRow]:
        audit = tables.audit
        found = connection.execute(
            select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(limit)
        )
        return [row_of(row) for row in found]

    def audit_rows(self, question: AuditQuestion, *, after: int, limit: int) -> Sequence[AuditRow]:
        """The rows that fit, in order."""
        table = tables.audit
        found: list[AuditRow] = []
        with self._link.reading() as connection:
            while len(found) < limit:
                rows = [
                    row_of(row)
                    for row in connection.execute(
                        select(table)
                        .where(table.c.seq > after, *_fitting(question))
                        .order_by(table.c.seq)
                        .limit(_CHUNK)
                    )
                ]
                found += [row for row in rows if _matched(question, row)]
                if len(rows) < _CHUNK:
                    break
                after = rows[-1].seq
        return found[:limit]

    def policy_text(self, revision: str) -> str | None:
        """The canonical form of a policy that was in force once; its sha256 is the revision."""
        policy = tables.policy
        with self._link.reading() as connection:
            return connection.execute(select(policy.c.body).where(policy.c.revision == revision)).scalar()

    def evidence_text(self, digest: Digest) -> str | None:
        """The canonical form of evidence that a verdict rested on; its sha256 is the digest."""
        evidence = tables.evidence
        with self._link.reading() as connection:
            return connection.execute(select(evidence.c.body).where(evidence.c.digest == digest)).scalar()

    def broken_at(self) -> str | None:
        """None when the whole chain verifies, else where and how it does not. Constant memory."""
        after = _BEFORE_ALL
        with self._link.reading() as connection:
            checkpoint = newest_checkpoint(connection)
            before = GENESIS if checkpoint is None else checkpoint.head
            witnessed = checkpoint is None
            while True:
                try:
                    rows = self._rows(connection, after, _CHUNK)
                except _UNREADABLE:
                    rows = self._readable(connection, after)
                    if not rows:
                        return f"row {before.seq + 1} was changed: it cannot be read any more"
                for row in rows:
                    trouble = trouble_with(row, before)
                    if trouble is not None:
                        return trouble
                    witnessed = witnessed or _archives(row, checkpoint)
                    before = AuditHead(row.seq, row.hash)
                if not rows:
                    return None if witnessed else f"no row tells that everything up to {before} was archived"
                after = before.seq

    def _readable(self, connection: Connection, after: int) -> list[AuditRow]:
        """The rows up to the first that cannot be read: some tool wrote what no column of ours can hold."""
        found: list[AuditRow] = []
        for _ in range(_CHUNK):
            try:
                row = self._rows(connection, found[-1].seq if found else after, 1)
            except _UNREADABLE:
                break
            found.extend(row)
        return found

    def append(
        self, *, actor: str, action: str, subject: str, reason: str, detail: Mapping[str, str], now: datetime
    ) -> AuditHead:
        """One more link, in a transaction of its own."""
        with self._link.writing(serial=True) as connection:
            added = add(
                connection,
                actor=actor,
                action=action,
                subject=subject,
                reason=reason,
                detail=detail,
                now=now,
            )
            touch(connection)
            return added


def _archives(row: AuditRow, checkpoint: Checkpoint | None) -> bool:
    return (
        checkpoint is not None and row.action == ARCHIVED and row.detail.get("head") == str(checkpoint.head)
    )


def _matched(question: AuditQuestion, row: AuditRow) -> bool:
    """What globs say, which no database can."""
    if question.actors and not matches_any(question.actors, row.actor):
        return False
    return not question.repositories or matches_any(question.repositories, image_of(row)[0])


def _fitting(question: AuditQuestion) -> list[ColumnElement[bool]]:
    table = tables.audit
    wanted: list[ColumnElement[bool]] = []
    if question.since is not None:
        wanted.append(table.c.at >= question.since)
    if question.until is not None:
        wanted.append(table.c.at < question.until)
    if question.repository is not None:
        name = question.repository
        wanted.append(
            or_(
                table.c.subject == name,
                table.c.subject.startswith(f"{name}@", autoescape=True),
                table.c.detail.contains(canonical_text({"repository": name})[1:-1], autoescape=True),
            )
        )
    if question.digests:
        named = [
            or_(
                table.c.subject.endswith(f"@{digest}", autoescape=True),
                table.c.detail.contains(str(digest), autoescape=True),
            )
            for digest in question.digests
        ]
        wanted.append(or_(*named))
    return wanted
