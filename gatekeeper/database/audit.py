"""The audit chain: append-only, each row carries the hash of the one before it (law 11).

``hash`` is the sha256 over the canonical JSON of every other column, ``prev_hash`` included. Rows are added inside the
transaction that they tell of; triggers refuse UPDATE and DELETE.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from gatekeeper.core.canonical import canonical_bytes, to_plain
from gatekeeper.core.digest import Digest
from gatekeeper.core.event import told
from gatekeeper.database import tables
from gatekeeper.database.columns import canonical_text, storable
from gatekeeper.database.connection import Link, touch
from gatekeeper.ports import AuditHead, AuditRow

DAEMON = "gatekeeper"
"""The actor of everything that no person did."""
GENESIS = AuditHead(0, "0" * 64)
_CHUNK = 1000
_BEFORE_ALL = -(2**62)
_UNREADABLE = (ValueError, TypeError, OverflowError, AttributeError)


def add(
    connection: Connection,
    *,
    actor: str,
    action: str,
    subject: str,
    reason: str,
    detail: Mapping[str, str],
    now: datetime,
) -> AuditHead:
    """One more link. The transaction must be a serial one."""
    before = head_of(connection)
    # What is hashed is what is stored, whatever the caller wrote.
    said = {storable(name): storable(value) for name, value in detail.items()}
    row: dict[str, Any] = {
        "seq": before.seq + 1,
        "at": now,
        "actor": storable(actor),
        "action": action,
        "subject": storable(subject),
        "reason": storable(reason),
        "prev_hash": before.hash,
    }
    row["hash"] = link_hash(AuditRow(**row, detail=said, hash=""))
    connection.execute(insert(tables.audit).values(**row, detail=canonical_text(said)))
    if told(action, said):
        body = {"actor": row["actor"], "reason": row["reason"], "detail": said, "audit": row["seq"]}
        connection.execute(
            insert(tables.outbox).values(
                at=now, kind=action, subject=row["subject"], body=canonical_text(body), unsent=True
            )
        )
    return AuditHead(row["seq"], row["hash"])


def link_hash(row: AuditRow) -> str:
    """The hash that a row must carry: hexadecimal sha256."""
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


def head_of(connection: Connection) -> AuditHead:
    """The newest link."""
    found = connection.execute(
        select(tables.audit.c.seq, tables.audit.c.hash).order_by(tables.audit.c.seq.desc()).limit(1)
    ).first()
    return GENESIS if found is None else AuditHead(found.seq, found.hash)


def about(connection: Connection, subjects: Sequence[str]) -> tuple[AuditRow, ...]:
    """Every link about these subjects, in order."""
    found = connection.execute(
        select(tables.audit).where(tables.audit.c.subject.in_(subjects)).order_by(tables.audit.c.seq)
    )
    return tuple(_row(row) for row in found)


def _row(row: Row[Any]) -> AuditRow:
    return AuditRow(
        seq=row.seq,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        reason=row.reason,
        detail=json.loads(row.detail),
        prev_hash=row.prev_hash,
        hash=row.hash,
    )


class AuditTrail:
    """``ports.AuditStore``."""

    _link: Link

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
        return [_row(row) for row in found]

    def broken_at(self) -> str | None:
        """None when the whole chain verifies, else where and how it does not. Constant memory."""
        before, after = GENESIS, _BEFORE_ALL
        with self._link.reading() as connection:
            while True:
                try:
                    rows = self._rows(connection, after, _CHUNK)
                except _UNREADABLE:
                    rows = self._readable(connection, after)
                    if not rows:
                        return f"row {before.seq + 1} was changed: it cannot be read any more"
                for row in rows:
                    trouble = _trouble(row, before)
                    if trouble is not None:
                        return trouble
                    before = AuditHead(row.seq, row.hash)
                if not rows:
                    return None
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


def _trouble(row: AuditRow, before: AuditHead) -> str | None:
    if row.seq != before.seq + 1:
        return f"row {before.seq + 1} is missing: row {before.seq} is followed by row {row.seq}"
    if row.prev_hash != before.hash:
        return f"row {row.seq} does not follow row {before.seq}: one of them was replaced or moved"
    if row.hash != link_hash(row):
        return f"row {row.seq} was changed: its hash does not match what it says"
    return None
