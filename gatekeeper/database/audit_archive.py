"""What leaves the audit chain once it is archived, and where the chain begins then."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from gatekeeper.core.errors import ConflictError
from gatekeeper.database import audit, tables
from gatekeeper.database.connection import Link, touch
from gatekeeper.ports import AuditHead, Checkpoint

ARCHIVED = "audit-archived"


class AuditArchive:
    """The part of ``ports.AuditStore`` about archives."""

    _link: Link

    def checkpoint(self) -> Checkpoint | None:
        """Where the chain begins in the database; None: with its first row."""
        with self._link.reading() as connection:
            return newest_checkpoint(connection)

    def cut(self, checkpoint: Checkpoint, *, actor: str, reason: str, now: datetime) -> int:
        """Drops what was archived, and adds a row that says so; returns how many rows went.

        ConflictError when the row is not there any more, or is the newest one.
        """
        table, rows = tables.audit_checkpoint, tables.audit
        head = checkpoint.head
        with self._link.writing(serial=True) as connection:
            kept = connection.execute(select(rows.c.hash).where(rows.c.seq == head.seq)).scalar()
            if kept != head.hash:
                raise ConflictError(
                    f"row {head.seq} is not in the audit trail any more: it was archived meanwhile",
                    reason_code="audit-row-gone",
                )
            if audit.head_of(connection).seq == head.seq:
                raise ConflictError(
                    f"row {head.seq} is the newest: the next must have something to follow",
                    reason_code="audit-row-newest",
                )
            connection.execute(
                insert(table).values(
                    seq=head.seq,
                    hash=head.hash,
                    archived_at=checkpoint.archived_at,
                    content=checkpoint.content,
                )
            )
            gone = connection.execute(delete(rows).where(rows.c.seq <= head.seq)).rowcount
            audit.add(
                connection,
                actor=actor,
                action=ARCHIVED,
                subject="audit trail",
                reason=reason,
                detail={"head": str(head), "rows": str(gone), "content": str(checkpoint.content)},
                now=now,
            )
            touch(connection)
        return gone


def newest_checkpoint(connection: Connection) -> Checkpoint | None:
    """Where the chain begins."""
    table = tables.audit_checkpoint
    row = connection.execute(select(table).order_by(table.c.seq.desc()).limit(1)).first()
    if row is None:
        return None
    return Checkpoint(AuditHead(row.seq, row.hash), row.archived_at, row.content)
