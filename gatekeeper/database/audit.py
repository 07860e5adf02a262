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

from gatekeeper.core.event import told
from gatekeeper.database import tables
from gatekeeper.database.columns import canonical_text, storable
from gatekeeper.ports import AuditHead, AuditRow
from gatekeeper.ports.audit import link_hash

DAEMON = "gatekeeper"
"""The actor of everything that no person did."""
GENESIS = AuditHead(0, "0" * 64)


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
    return tuple(row_of(row) for row in found)


def row_of(row: Row[Any]) -> AuditRow:
    """A stored link as a value."""
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
