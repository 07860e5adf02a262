"""Waivers and releases as rows, and what they were used for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update

from gatekeeper.core.errors import ConflictError, NotFoundError
from gatekeeper.core.verdict import Verdict
from gatekeeper.core.waiver import Waiver
from gatekeeper.database import audit, tables
from gatekeeper.database.connection import Link, touch
from gatekeeper.database.marks import chunks, mark
from gatekeeper.database.rows import like_any, matching, repository_named, waiver_of
from gatekeeper.database.upsert import insert_missing
from gatekeeper.ports import WaiverRow


class Waivers:
    """``ports.WaiverStore``."""

    _link: Link

    def add_waiver(self, waiver: Waiver, *, actor: str, now: datetime) -> None:
        """Records it with an audit row; every subject that it could concern is due."""
        with self._link.writing(serial=True) as connection:
            insert_waiver(connection, waiver, now=now)
            audit.add(
                connection,
                actor=actor,
                action="waiver-added",
                subject=waiver_subject(waiver.id),
                reason=waiver.reason,
                detail=_told(waiver),
                now=now,
            )
            _mark_concerned(connection, waiver, now)
            touch(connection)

    def waiver_rows(self) -> Sequence[WaiverRow]:
        """All, newest first."""
        statement = _rows().order_by(tables.waiver.c.added_at.desc(), tables.waiver.c.id)
        with self._link.reading() as connection:
            return [_row(row) for row in connection.execute(statement)]

    def waiver_row(self, waiver_id: str) -> WaiverRow:
        """NotFoundError when there is none."""
        with self._link.reading() as connection:
            return _row(_named(connection, waiver_id))

    def revoke_waiver(self, waiver_id: str, *, actor: str, reason: str, now: datetime) -> None:
        """It accepts nothing from ``now`` on, and what it could concern is due. ConflictError when revoked already."""
        waiver = tables.waiver
        with self._link.writing(serial=True) as connection:
            row = _named(connection, waiver_id)
            if row.revoked_at is not None:
                raise ConflictError(f"waiver {waiver_id} was revoked already", reason_code="waiver-revoked")
            connection.execute(update(waiver).where(waiver.c.id == waiver_id).values(revoked_at=now))
            audit.add(
                connection,
                actor=actor,
                action="waiver-revoked",
                subject=waiver_subject(waiver_id),
                reason=reason,
                detail=_told(waiver_of(row)),
                now=now,
            )
            _mark_concerned(connection, waiver_of(row), now)
            touch(connection)

    def announce_waivers(self, *, now: datetime, before: datetime) -> Sequence[Waiver]:
        """Those that end by ``before`` and were not told of yet, with an audit row each; told of from now on."""
        waiver = tables.waiver
        ending = select(waiver).where(
            waiver.c.expires_at > now,
            waiver.c.expires_at <= before,
            waiver.c.announced_at.is_(None),
            waiver.c.revoked_at.is_(None),
        )
        with self._link.reading() as connection:
            if connection.execute(ending.limit(1)).first() is None:
                return ()
        with self._link.writing(serial=True) as connection:
            found = [waiver_of(row) for row in connection.execute(ending.order_by(waiver.c.expires_at))]
            for told in found:
                connection.execute(update(waiver).where(waiver.c.id == told.id).values(announced_at=now))
                audit.add(
                    connection,
                    actor=audit.DAEMON,
                    action="waiver-ending",
                    subject=waiver_subject(told.id),
                    reason=f"ends at {told.expires_at}",
                    detail=_told(told),
                    now=now,
                )
            return found


def insert_waiver(
    connection: Connection, waiver: Waiver, *, now: datetime, case_id: int | None = None
) -> None:
    """One more row. ``case_id`` is set for a release."""
    connection.execute(
        insert(tables.waiver).values(
            id=waiver.id,
            rule=waiver.rule,
            fingerprints=tuple(sorted(waiver.fingerprints)),
            digest=waiver.digest,
            repository_glob=waiver.repository_glob,
            reason=waiver.reason,
            owner=waiver.owner,
            approver=waiver.approver,
            expires_at=waiver.expires_at,
            added_at=now,
            case_id=case_id,
        )
    )


def record_uses(connection: Connection, subject_id: int, verdict: Verdict, *, now: datetime) -> None:
    """Which waivers made this verdict what it is; the first use by a subject is told in the audit trail."""
    use, waiver = tables.waiver_use, tables.waiver
    named = sorted({finding.waived_by for finding in verdict.findings if finding.waived_by is not None})
    if not named:
        return
    known = set(connection.execute(select(waiver.c.id).where(waiver.c.id.in_(named))).scalars())
    here = select(use.c.waiver_id).where(use.c.subject_id == subject_id, use.c.waiver_id.in_(named))
    used = set(connection.execute(here).scalars())
    for name in sorted(known & used):
        connection.execute(
            update(use).where(use.c.waiver_id == name, use.c.subject_id == subject_id).values(last_at=now)
        )
    for name in sorted(known - used):
        insert_missing(
            connection,
            use,
            [{"waiver_id": name, "subject_id": subject_id, "first_at": now, "last_at": now}],
        )
        audit.add(
            connection,
            actor=audit.DAEMON,
            action="waiver-used",
            subject=waiver_subject(name),
            reason=verdict.reason_code,
            detail={
                "repository": str(verdict.subject.repository),
                "digest": str(verdict.subject.digest),
                "rules": " ".join(sorted({one.rule for one in verdict.findings if one.waived_by == name})),
                "policy": verdict.policy_revision,
                "evidence": str(verdict.evidence),
            },
            now=now,
        )


def waiver_subject(waiver_id: str) -> str:
    """How the audit trail names a waiver."""
    return f"waiver {waiver_id}"


def _told(waiver: Waiver) -> dict[str, str]:
    return {
        "rule": waiver.rule or "",
        "digest": "" if waiver.digest is None else str(waiver.digest),
        "repositories": waiver.repository_glob,
        "owner": waiver.owner,
        "ends": "" if waiver.expires_at is None else waiver.expires_at.isoformat(),
    }


def _mark_concerned(connection: Connection, waiver: Waiver, now: datetime) -> None:
    """Every judged subject of the repositories: a waiver may name a platform child, which no subject row tells."""
    subject, repository = tables.subject, tables.repository
    rows = connection.execute(
        select(repository.c.id, repository.c.name).where(
            like_any(repository.c.name, (waiver.repository_glob,))
        )
    )
    concerned = [row.id for row in rows if matching((waiver.repository_glob,), repository_named(row.name))]
    for chunk in chunks(concerned):
        mark(connection, subject.c.repository_id.in_(chunk), subject.c.verdict_id.is_not(None), now=now)


def _rows() -> Select[Any]:
    waiver, use, case = tables.waiver, tables.waiver_use, tables.case
    uses = (
        select(use.c.waiver_id, func.count().label("uses"), func.max(use.c.last_at).label("last_used_at"))
        .group_by(use.c.waiver_id)
        .subquery("uses")
    )
    return (
        select(waiver, uses.c.uses, uses.c.last_used_at, case.c.name.label("case_name"))
        .outerjoin(uses, uses.c.waiver_id == waiver.c.id)
        .outerjoin(case, case.c.id == waiver.c.case_id)
    )


def _named(connection: Connection, waiver_id: str) -> Any:
    row = connection.execute(_rows().where(tables.waiver.c.id == waiver_id)).first()
    if row is None:
        raise NotFoundError(f"there is no waiver {waiver_id}", reason_code="waiver-unknown")
    return row


def _row(row: Any) -> WaiverRow:
    return WaiverRow(waiver_of(row), row.uses or 0, row.last_used_at, row.case_name)
