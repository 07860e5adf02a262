"""Hold, breaker and caps: what stops enforcement, across restarts (law 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, case, delete, func, select

from gatekeeper.core.errors import ConflictError
from gatekeeper.core.lifecycle import Allowance, Breaker, Budget, Caps, CapUse, Hold
from gatekeeper.core.reference import Repository
from gatekeeper.database import audit, tables
from gatekeeper.database.connection import Link, touch
from gatekeeper.database.rows import repository_row
from gatekeeper.database.upsert import insert_missing, upsert

_HOLD, _BREAKER, _RECOVERY = "hold", "breaker", "recovery"
WINDOW = timedelta(hours=1)
"""Over which the caps per repository and per hour count."""
# Asked for each subject that is judged, so built once.
_BRAKES = select(tables.brake)
_CLOSED = select(func.max(tables.audit.c.at)).where(
    tables.audit.c.subject == _BREAKER, tables.audit.c.action == "breaker-closed"
)
_COUNTED = select(
    func.count(case((tables.intent.c.created_at >= bindparam("run"), 1))).label("run"),
    func.count(case((tables.intent.c.repository_id == bindparam("repository_id"), 1))).label("repository"),
    func.count().label("hour"),
).where(tables.intent.c.counted, tables.intent.c.created_at > bindparam("since"))


class Brakes:
    """``ports.BrakeStore`` and ``budget``."""

    _link: Link

    def hold(self) -> Hold | None:
        """The hold, if it is on."""
        with self._link.reading() as connection:
            return _hold(_on(connection), _HOLD)

    def recovery(self) -> Hold | None:
        """Set while the registry shows more than this database knows."""
        with self._link.reading() as connection:
            return _hold(_on(connection), _RECOVERY)

    def set_recovery(self, recovery: Hold | None, *, actor: str, reason: str, now: datetime) -> None:
        """Switches it on (a Hold) or off (None), with an audit row."""
        self._set(_RECOVERY, recovery, actor=actor, reason=reason, now=now)

    def set_hold(self, hold: Hold | None, *, actor: str, reason: str, now: datetime) -> None:
        """Switches it on (a Hold) or off (None), with an audit row."""
        self._set(_HOLD, hold, actor=actor, reason=reason, now=now)

    def _set(self, name: str, hold: Hold | None, *, actor: str, reason: str, now: datetime) -> None:
        brake = tables.brake
        with self._link.writing(serial=True) as connection:
            if hold is None:
                connection.execute(delete(brake).where(brake.c.name == name))
            else:
                row = {"name": name, "actor": hold.actor, "reason": hold.reason, "since": hold.since}
                upsert(connection, brake, [row], key=("name",))
            audit.add(
                connection,
                actor=actor,
                action=f"{name}-off" if hold is None else f"{name}-on",
                subject=name,
                reason=reason,
                detail={},
                now=now,
            )
            touch(connection)

    def breaker(self) -> Breaker | None:
        """The breaker, if it is open."""
        with self._link.reading() as connection:
            return _breaker(_on(connection))

    def close_breaker(self, *, actor: str, reason: str, now: datetime) -> None:
        """ConflictError when it is not open."""
        brake = tables.brake
        with self._link.writing(serial=True) as connection:
            if connection.execute(delete(brake).where(brake.c.name == _BREAKER)).rowcount == 0:
                raise ConflictError("the breaker is not open", reason_code="breaker-not-open")
            audit.add(
                connection,
                actor=actor,
                action="breaker-closed",
                subject=_BREAKER,
                reason=reason,
                detail={},
                now=now,
            )
            touch(connection)

    def allowance(self, intent_id: int, caps: Caps, *, now: datetime) -> Allowance:
        """Whether an act may go on: not while the breaker is open, nor beyond the caps, older acts counted first.

        What was planned before somebody closed the breaker may.
        """
        intent = tables.intent
        with self._link.reading() as connection:
            mine = connection.execute(select(intent).where(intent.c.id == intent_id)).one()
            closed = _closed(connection)
            if not mine.counted or (closed is not None and mine.created_at <= closed):
                return Allowance.GRANTED
            if _BREAKER in _on(connection):
                return Allowance.BREAKER
            before = connection.execute(
                select(
                    func.count(case((intent.c.repository_id == mine.repository_id, 1))).label("repository"),
                    func.count().label("hour"),
                ).where(
                    intent.c.counted, intent.c.created_at > _since(connection, now), intent.c.id < intent_id
                )
            ).one()
        if before.repository >= caps.per_repository:
            return Allowance.PER_REPOSITORY
        return Allowance.PER_HOUR if before.hour >= caps.per_hour else Allowance.GRANTED

    def trip_breaker(self, cap: str, *, now: datetime) -> None:
        """Opens it because a cap was used up. Nothing happens when it is open already."""
        with self._link.writing(serial=True) as connection:
            open_breaker(connection, cap, now=now)
            touch(connection)

    def cap_uses(self, caps: Caps, *, now: datetime) -> Sequence[CapUse]:
        """How much of the caps per hour and per repository is used."""
        intent, repository = tables.intent, tables.repository
        with self._link.reading() as connection:
            statement = (
                select(
                    repository.c.name, func.count().label("used"), func.max(intent.c.created_at).label("last")
                )
                .join(repository, repository.c.id == intent.c.repository_id)
                .where(intent.c.counted, intent.c.created_at > _since(connection, now))
                .group_by(repository.c.name)
                .order_by(repository.c.name)
            )
            rows = connection.execute(statement).all()
        used = sum(row.used for row in rows)
        last = max((row.last for row in rows), default=None)
        full = [row for row in rows if row.used >= caps.per_repository]
        return (
            CapUse("per_hour", caps.per_hour, used, since=last if used >= caps.per_hour else None),
            CapUse(
                "per_repository",
                caps.per_repository,
                max((row.used for row in rows), default=0),
                tuple(row.name for row in full),
                max((row.last for row in full), default=None),
            ),
        )

    def budget(self, repository: Repository, caps: Caps, *, run_started: datetime, now: datetime) -> Budget:
        """What is left of the caps, with hold and breaker."""
        with self._link.reading() as connection:
            row = repository_row(connection, repository)
            return budget_of(
                connection, None if row is None else row.id, caps, run_started=run_started, now=now
            )


def budget_of(
    connection: Connection,
    repository_id: int | None,
    caps: Caps,
    *,
    run_started: datetime | None,
    now: datetime,
) -> Budget:
    """What is left of the caps as this transaction sees it. A breaker that was closed starts the count anew."""
    since = _since(connection, now)
    run = since if run_started is None else run_started
    counted = connection.execute(_COUNTED, {"run": run, "repository_id": repository_id, "since": since}).one()
    brakes = _on(connection)
    return Budget(
        run=caps.per_run - (0 if run_started is None else counted.run),
        repository=caps.per_repository - counted.repository,
        hour=caps.per_hour - counted.hour,
        hold=_hold(brakes, _HOLD),
        breaker=_breaker(brakes),
        recovery=_hold(brakes, _RECOVERY),
    )


def _since(connection: Connection, now: datetime) -> datetime:
    """From when on acts count: an hour ago, or since the breaker was closed last."""
    since, closed = now - WINDOW, _closed(connection)
    return since if closed is None else max(since, closed)


def _closed(connection: Connection) -> datetime | None:
    """When the breaker was closed last."""
    closed: datetime | None = connection.execute(_CLOSED).scalar()
    return closed


def open_breaker(connection: Connection, cap: str, *, now: datetime) -> None:
    """Turns enforcement into proposals until a person closes it. Nothing happens when it is open already."""
    if _BREAKER in _on(connection):
        return
    reason = f"cap-{cap.replace('_', '-')}"
    insert_missing(
        connection,
        tables.brake,
        [{"name": _BREAKER, "actor": audit.DAEMON, "reason": reason, "since": now}],
    )
    audit.add(
        connection,
        actor=audit.DAEMON,
        action="breaker-opened",
        subject=_BREAKER,
        reason=reason,
        detail={},
        now=now,
    )


def _on(connection: Connection) -> Mapping[str, Row[Any]]:
    """Every brake that is on, by its name: three at most."""
    return {row.name: row for row in connection.execute(_BRAKES)}


def _hold(brakes: Mapping[str, Row[Any]], name: str) -> Hold | None:
    row = brakes.get(name)
    return None if row is None else Hold(row.actor, row.reason, row.since)


def _breaker(brakes: Mapping[str, Row[Any]]) -> Breaker | None:
    row = brakes.get(_BREAKER)
    return None if row is None else Breaker(row.reason, row.since)
