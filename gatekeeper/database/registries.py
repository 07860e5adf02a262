"""Registries as a whole: what their repositories told lately, and whether that is believed."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, func, or_, select, update

from gatekeeper.core.doubt import Doubt, Unrest
from gatekeeper.core.errors import NotFoundError
from gatekeeper.database import audit, tables
from gatekeeper.database.claims import fenced
from gatekeeper.database.connection import Link, touch
from gatekeeper.database.rows import repository_named
from gatekeeper.ports import BlindRepository, Glance, Lease, RegistryRow
from gatekeeper.ports.registries import CATALOG_UNREAD, registry_subject


class RegistryRows:
    """``ports.RegistryStore``."""

    _link: Link

    def unrest(self, lease: Lease, *, known: int, changed: int, since: datetime) -> Unrest:
        """The leased repository with these figures, and every other of its registry as last seen.

        A change that was seen before ``since`` opens no sample: only looks since the first later one are compared.
        """
        table = tables.repository
        with self._link.reading() as connection:
            mine = fenced(connection, lease)
            first = connection.execute(
                select(func.min(table.c.read_at)).where(
                    table.c.registry_id == mine.registry_id,
                    table.c.id != mine.id,
                    table.c.changed_tags > 0,
                    table.c.read_at >= since,
                )
            ).scalar()
            changed_too = table.c.changed_tags > 0
            seen = changed_too if first is None else or_(table.c.read_at >= first, changed_too)
            row = connection.execute(
                select(
                    func.coalesce(func.sum(table.c.known_tags), 0).label("known"),
                    func.coalesce(func.sum(case((seen, table.c.known_tags), else_=0)), 0).label("looked_at"),
                    func.coalesce(func.sum(table.c.changed_tags), 0).label("changed"),
                ).where(table.c.registry_id == mine.registry_id, table.c.id != mine.id)
            ).one()
        return Unrest(int(row.known) + known, int(row.looked_at) + known, int(row.changed) + changed)

    def doubts(self) -> tuple[Doubt, ...]:
        """Registries that are not believed."""
        registry = tables.registry
        with self._link.reading() as connection:
            rows = connection.execute(
                select(registry).where(registry.c.doubted_at.is_not(None)).order_by(registry.c.host)
            ).all()
        return tuple(_doubt(row) for row in rows)

    def doubt(self, host: str, *, reason: str, now: datetime) -> bool:
        """Believes nothing of it from now on. False when that is so already."""
        registry = tables.registry
        with self._link.writing(serial=True) as connection:
            doubted = connection.execute(
                update(registry)
                .where(registry.c.host == host, registry.c.doubted_at.is_(None))
                .values(doubted_at=now, doubt=reason)
            ).rowcount
            if not doubted:
                return False
            _tell(connection, host, audit.DAEMON, "registry-doubted", reason, now)
            touch(connection)
            return True

    def record_glance(self, lease: Lease, glance: Glance, *, now: datetime) -> None:
        """Remembers what a round saw without recording any of it; fenced by the lease."""
        table = tables.repository
        with self._link.writing() as connection:
            row = fenced(connection, lease)
            connection.execute(
                update(table)
                .where(table.c.id == row.id)
                .values(
                    known_tags=glance.known,
                    changed_tags=glance.changed,
                    read_at=now,
                    next_due=glance.next_due,
                    lease_until=None,
                    error=None,
                )
            )

    def believe(
        self, host: str, *, actor: str, reason: str, now: datetime, dues: Sequence[float], accepted: bool
    ) -> int:
        """Believes it again; returns how many repositories that concerns. NotFoundError when it is not doubted.

        Its repositories are due after ``dues`` seconds in turn, the one that changed last first. ``accepted``: what
        each shows then is recorded whatever it is.
        """
        registry, table = tables.registry, tables.repository
        with self._link.writing(serial=True) as connection:
            row = connection.execute(select(registry).where(registry.c.host == host)).first()
            if row is None or row.doubted_at is None:
                raise NotFoundError(
                    f"{host} is not doubted: there is nothing to accept", reason_code="registry-not-doubted"
                )
            connection.execute(
                update(registry).where(registry.c.id == row.id).values(doubted_at=None, doubt=None)
            )
            values: dict[str, Any] = {"believed": accepted, "changed_tags": 0}
            connection.execute(update(table).where(table.c.registry_id == row.id).values(values))
            newest = connection.execute(_newest_first(row.id)).scalars().all()
            # One statement for all of them: every other writer waits for this transaction.
            moved = [
                {"row": repository_id, "due": now + timedelta(seconds=due)}
                for repository_id, due in zip(newest, dues, strict=False)
            ]
            if moved:
                connection.execute(
                    update(table)
                    .where(table.c.id == bindparam("row"), table.c.next_due.is_not(None))
                    .values(next_due=bindparam("due")),
                    moved,
                )
            _tell(
                connection, host, actor, "registry-accepted" if accepted else "registry-believed", reason, now
            )
            touch(connection)
            return len(newest)

    def repositories_of(self, host: str) -> int:
        """How many are known."""
        registry, table = tables.registry, tables.repository
        statement = (
            select(func.count())
            .select_from(table)
            .join(registry, registry.c.id == table.c.registry_id)
            .where(registry.c.host == host)
        )
        with self._link.reading() as connection:
            return int(connection.execute(statement).scalar_one())

    def registry_rows(self, *, hosts: Collection[str], blind_before: datetime) -> Sequence[RegistryRow]:
        """The registries by their hosts; those that nothing is known of yet included."""
        registry, table = tables.registry, tables.repository
        last = func.coalesce(table.c.read_at, table.c.added_at)
        blind = last < blind_before
        statement = (
            select(
                registry,
                func.count(table.c.id).label("repositories"),
                func.count(case((blind, 1))).label("blind"),
                func.min(case((blind, last))).label("blind_since"),
            )
            .outerjoin(table, table.c.registry_id == registry.c.id)
            .where(registry.c.host.in_(sorted(hosts)))
            .group_by(registry.c.id)
        )
        with self._link.reading() as connection:
            found = {row.host: row for row in connection.execute(statement)}
            unlisted = _unlisted(connection, blind_before)
            return [
                dataclasses.replace(
                    _row(connection, host, found.get(host), blind_before),
                    unlisted_since=unlisted.get(registry_subject(host)),
                )
                for host in sorted(hosts)
            ]

    def blind_repositories(
        self, host: str, *, blind_before: datetime, limit: int
    ) -> Sequence[BlindRepository]:
        """Those of a registry that were not read since ``blind_before``, the one that was read first before all."""
        registry, table = tables.registry, tables.repository
        last = func.coalesce(table.c.read_at, table.c.added_at).label("last")
        statement = (
            select(table.c.name, table.c.error, last)
            .join(registry, registry.c.id == table.c.registry_id)
            .where(registry.c.host == host, last < blind_before)
            .order_by(last, table.c.name)
            .limit(limit)
        )
        with self._link.reading() as connection:
            return [
                BlindRepository(repository_named(row.name), row.last, row.error)
                for row in connection.execute(statement)
            ]


def _unlisted(connection: Connection, blind_before: datetime) -> Mapping[str, datetime]:
    alarm = tables.alarm
    lasting = select(alarm).where(alarm.c.kind == CATALOG_UNREAD, alarm.c.since < blind_before)
    return {row.subject: row.since for row in connection.execute(lasting)}


def _row(connection: Connection, host: str, row: Any, blind_before: datetime) -> RegistryRow:
    if row is None:
        return RegistryRow(host, 0, 0, None, None, None)
    example = None
    if row.blind:
        table = tables.repository
        last = func.coalesce(table.c.read_at, table.c.added_at)
        worst = connection.execute(
            select(table.c.name, table.c.error)
            .where(table.c.registry_id == row.id, last < blind_before)
            .order_by(last, table.c.name)
            .limit(1)
        ).one()
        example = worst.name if worst.error is None else f"{worst.name}: {worst.error}"
    since = row.blind_since
    return RegistryRow(
        host, row.repositories, row.blind, since, example, _doubt(row) if row.doubted_at else None
    )


def _doubt(row: Any) -> Doubt:
    return Doubt(row.host, row.doubted_at, row.doubt or "")


def _newest_first(registry_id: int) -> Select[tuple[int]]:
    table, tag = tables.repository, tables.tag
    changed = select(func.max(tag.c.since)).where(tag.c.repository_id == table.c.id).scalar_subquery()
    return (
        select(table.c.id)
        .where(table.c.registry_id == registry_id)
        .order_by(func.coalesce(changed, table.c.added_at).desc(), table.c.id.desc())
    )


def _tell(connection: Connection, host: str, actor: str, action: str, reason: str, now: datetime) -> None:
    audit.add(
        connection,
        actor=actor,
        action=action,
        subject=registry_subject(host),
        reason=reason,
        detail={},
        now=now,
    )
