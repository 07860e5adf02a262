"""Events and their deliveries: told once to each endpoint that wants them, again and again until it takes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, delete, func, insert, or_, select, update

from gatekeeper.core.errors import NotFoundError
from gatekeeper.core.event import Event
from gatekeeper.core.policy import matches_any
from gatekeeper.database import audit, tables
from gatekeeper.database.connection import Link, touch
from gatekeeper.database.marks import chunks
from gatekeeper.database.upsert import insert_missing
from gatekeeper.ports.notifications import DeadLetter, Delivery

MOST_AT_ONCE = 1000


class Outbox:
    """``ports.OutboxStore``."""

    _link: Link

    def events(self, *, after: int, limit: int) -> Sequence[Event]:
        """In order."""
        outbox = tables.outbox
        with self._link.reading() as connection:
            found = connection.execute(
                select(outbox).where(outbox.c.id > after).order_by(outbox.c.id).limit(limit)
            )
            return [_event(row) for row in found]

    def newest_event(self) -> int:
        """0 when there is none."""
        with self._link.reading() as connection:
            return connection.execute(select(func.max(tables.outbox.c.id))).scalar() or 0

    def address_events(self, endpoints: Mapping[str, tuple[str, ...]], *, now: datetime) -> int:
        """Makes a delivery of each new event for each endpoint that wants it; returns how many."""
        outbox = tables.outbox
        new = select(outbox.c.id, outbox.c.kind).where(outbox.c.unsent).order_by(outbox.c.id)
        with self._link.reading() as connection:
            if connection.execute(new.limit(1)).first() is None:
                return 0
        with self._link.writing(serial=True) as connection:
            rows = connection.execute(new.limit(MOST_AT_ONCE)).all()
            made = [
                {"outbox_id": row.id, "endpoint": endpoint, "next_due": now}
                for row in rows
                for endpoint, kinds in sorted(endpoints.items())
                if matches_any(kinds, row.kind)
            ]
            insert_missing(connection, tables.delivery, made)
            for chunk in chunks([row.id for row in rows]):
                connection.execute(update(outbox).where(outbox.c.id.in_(chunk)).values(unsent=False))
            return len(made)

    def claim_delivery(self, endpoint: str, *, now: datetime, lease_for: timedelta) -> Delivery | None:
        """The oldest that waits, when it is due and free: later ones wait behind it, so that order is kept."""
        delivery, outbox = tables.delivery, tables.outbox
        oldest = (
            select(delivery.c.id)
            .where(delivery.c.endpoint == endpoint, delivery.c.next_due.is_not(None))
            .order_by(delivery.c.id)
            .limit(1)
            .scalar_subquery()
        )
        mine = and_(
            delivery.c.id == oldest,
            delivery.c.next_due <= now,
            or_(delivery.c.lease_until.is_(None), delivery.c.lease_until <= now),
        )
        with self._link.reading() as connection:
            if connection.execute(select(delivery.c.id).where(mine)).first() is None:
                return None
        with self._link.writing() as connection:
            claimed = connection.execute(
                update(delivery)
                .where(mine)
                .values(lease_until=now + lease_for, lease_token=delivery.c.lease_token + 1)
                .returning(delivery)
            ).first()
            if claimed is None:
                return None
            event = connection.execute(select(outbox).where(outbox.c.id == claimed.outbox_id)).one()
        return Delivery(claimed.id, claimed.lease_token, endpoint, claimed.attempts, _event(event))

    def delivered(self, delivery: Delivery) -> None:
        """It was taken. Nothing happens when another has claimed it meanwhile."""
        self._end(delivery, next_due=None, error=None)

    def not_delivered(
        self, delivery: Delivery, *, error: str, now: datetime, retry_at: datetime | None
    ) -> None:
        """It was not taken: again at ``retry_at``, or never (None) until a person says so."""
        self._end(
            delivery,
            next_due=retry_at,
            error=error,
            attempts=delivery.attempts + 1,
            dead_at=now if retry_at is None else None,
        )

    def _end(self, claimed: Delivery, **values: Any) -> None:
        delivery = tables.delivery
        with self._link.writing() as connection:
            connection.execute(
                update(delivery)
                .where(delivery.c.id == claimed.id, delivery.c.lease_token == claimed.token)
                .values(lease_until=None, **values)
            )

    def dead_letters(self) -> Sequence[DeadLetter]:
        """Oldest first, at most 1,000."""
        delivery, outbox = tables.delivery, tables.outbox
        statement = (
            select(
                outbox,
                delivery.c.id.label("letter"),
                delivery.c.endpoint,
                delivery.c.attempts,
                delivery.c.error,
                delivery.c.dead_at,
            )
            .join(delivery, delivery.c.outbox_id == outbox.c.id)
            .where(delivery.c.dead_at.is_not(None))
            .order_by(delivery.c.id)
            .limit(MOST_AT_ONCE)
        )
        with self._link.reading() as connection:
            return [
                DeadLetter(row.letter, row.endpoint, row.attempts, row.error or "", row.dead_at, _event(row))
                for row in connection.execute(statement)
            ]

    def resend(self, ids: Sequence[int] | None, *, actor: str, reason: str, now: datetime) -> int:
        """Makes dead letters due again, all of them for None; returns how many. NotFoundError for an unknown id."""
        delivery = tables.delivery
        with self._link.writing(serial=True) as connection:
            dead = set(
                connection.execute(select(delivery.c.id).where(delivery.c.dead_at.is_not(None))).scalars()
            )
            wanted = dead if ids is None else set(ids)
            unknown = sorted(wanted - dead)
            if unknown:
                raise NotFoundError(
                    f"there is no dead letter {unknown[0]}", reason_code="dead-letter-unknown"
                )
            for chunk in chunks(sorted(wanted)):
                connection.execute(
                    update(delivery)
                    .where(delivery.c.id.in_(chunk))
                    .values(dead_at=None, attempts=0, next_due=now, error=None)
                )
            if wanted:
                audit.add(
                    connection,
                    actor=actor,
                    action="notifications-resent",
                    subject="notifications",
                    reason=reason,
                    detail={"count": str(len(wanted))},
                    now=now,
                )
                touch(connection)
        return len(wanted)

    def forget_events(self, *, before: datetime) -> int:
        """Drops events older than this that wait for nobody; returns how many."""
        delivery, outbox = tables.delivery, tables.outbox
        waiting = select(delivery.c.outbox_id).where(
            or_(delivery.c.next_due.is_not(None), delivery.c.dead_at.is_not(None))
        )
        old = and_(outbox.c.at < before, ~outbox.c.unsent, outbox.c.id.not_in(waiting))
        with self._link.writing() as connection:
            ids = connection.execute(
                select(outbox.c.id).where(old).order_by(outbox.c.id).limit(MOST_AT_ONCE)
            ).scalars()
            gone = list(ids)
            for chunk in chunks(gone):
                connection.execute(delete(delivery).where(delivery.c.outbox_id.in_(chunk)))
                connection.execute(delete(outbox).where(outbox.c.id.in_(chunk)))
        return len(gone)

    def raise_alarm(self, kind: str, subject: str, *, reason: str, now: datetime) -> bool:
        """Tells people once; False when they know already."""
        alarm = tables.alarm
        known = select(alarm.c.since).where(alarm.c.kind == kind, alarm.c.subject == subject)
        with self._link.reading() as connection:
            if connection.execute(known).first() is not None:
                return False
        with self._link.writing(serial=True) as connection:
            if connection.execute(known).first() is not None:
                return False
            connection.execute(insert(alarm).values(kind=kind, subject=subject, since=now))
            audit.add(
                connection,
                actor=audit.DAEMON,
                action=kind,
                subject=subject,
                reason=reason,
                detail={},
                now=now,
            )
            return True

    def alarms(self, kind: str) -> Mapping[str, datetime]:
        """What lasts of this kind: subject and since when."""
        alarm = tables.alarm
        with self._link.reading() as connection:
            raised = connection.execute(select(alarm).where(alarm.c.kind == kind))
            return {row.subject: row.since for row in raised}

    def end_alarms(
        self, kind: str, lasting: frozenset[str], *, told_as: str, now: datetime
    ) -> tuple[str, ...]:
        """Ends every alarm of this kind whose subject is not among ``lasting``, and tells so; returns those."""
        alarm = tables.alarm
        raised = select(alarm).where(alarm.c.kind == kind).order_by(alarm.c.subject)
        with self._link.reading() as connection:
            over = [row for row in connection.execute(raised) if row.subject not in lasting]
        if not over:
            return ()
        with self._link.writing(serial=True) as connection:
            ended = []
            for row in over:
                gone = connection.execute(
                    delete(alarm).where(alarm.c.kind == kind, alarm.c.subject == row.subject)
                )
                if gone.rowcount:
                    ended.append(row.subject)
                    audit.add(
                        connection,
                        actor=audit.DAEMON,
                        action=told_as,
                        subject=row.subject,
                        reason=f"{kind} is over",
                        detail={"since": row.since.isoformat()},
                        now=now,
                    )
        return tuple(ended)


def _event(row: Row[Any]) -> Event:
    body = json.loads(row.body)
    return Event(
        row.id,
        row.at,
        row.kind,
        row.subject,
        body["actor"],
        body["reason"],
        body["detail"],
        body["audit"],
    )
