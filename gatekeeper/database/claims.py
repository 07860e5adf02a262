"""Leases: due rows are claimed, carried out, and completed only by whoever still holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)

from gatekeeper.core.errors import ConflictError
from gatekeeper.database import tables
from gatekeeper.database.connection import Link, touch
from gatekeeper.ports import Lease, WorkKind

TABLES: Mapping[WorkKind, Table] = {
    WorkKind.REPOSITORY: tables.repository,
    WorkKind.SUBJECT: tables.subject,
    WorkKind.INTENT: tables.intent,
}
# Asked several times for each piece of work, so built once.
_LEASED = {
    kind: select(table).where(table.c.id == bindparam("row")).with_for_update()
    for kind, table in TABLES.items()
}


class Hosts:
    """Which registry row belongs to which host. Rows are never changed, so what was read once stays true."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._lock = Lock()
        self._by_id: dict[int, str] = {}

    def host(self, connection: Connection, registry_id: int) -> str:
        """The host of a registry row."""
        if registry_id not in self._by_id:
            self._read(connection)
        return self._by_id[registry_id]

    def ids(self, connection: Connection, hosts: frozenset[str]) -> tuple[int, ...]:
        """The rows of these hosts; a host that nothing is known of yet has none."""
        if not hosts <= set(self._by_id.values()):
            self._read(connection)
        return tuple(sorted(key for key, host in self._by_id.items() if host in hosts))

    def _read(self, connection: Connection) -> None:
        found = {row.id: row.host for row in connection.execute(select(tables.registry))}
        with self._lock:
            self._by_id = {**self._by_id, **found}


def fenced(connection: Connection, lease: Lease) -> Row[Any]:
    """The leased row, locked. Raises ConflictError when the lease was lost or given back."""
    row = connection.execute(_LEASED[lease.kind], {"row": lease.id}).first()
    if row is None or row.lease_token != lease.token or row.lease_until is None:
        raise ConflictError(
            f"the lease on {lease.kind} {lease.id} was lost: another worker has taken it up",
            reason_code="lease-lost",
        )
    return row


class Claims:
    """Claiming and giving back."""

    _link: Link
    _hosts: Hosts

    def claim(
        self,
        kind: WorkKind,
        *,
        now: datetime,
        limit: int,
        lease_for: timedelta,
        hosts: frozenset[str] | None = None,
    ) -> tuple[Lease, ...]:
        """Claims due rows in one statement; highest priority and longest due first, hosts in turn.

        No host gets more than its fair share of ``limit`` while another has work.
        """
        table = TABLES[kind]
        with self._link.reading() as connection:
            registries = None if hosts is None else self._hosts.ids(connection, hosts)
            wanted = _due(table, now, registries)
            if connection.execute(select(table.c.id).where(wanted).limit(1)).first() is None:
                return ()
        chosen = _chosen(table, wanted, limit, alone=registries is not None and len(registries) == 1)
        values: dict[str, Any] = {
            "lease_until": now + lease_for,
            "lease_token": table.c.lease_token + 1,
        }
        if kind is WorkKind.SUBJECT:
            values["claimed_marks"] = table.c.marks
        statement = (
            update(table)
            .where(table.c.id.in_(select(chosen.cte("chosen").c.id)))
            .values(values)
            .returning(
                table.c.id,
                table.c.lease_token,
                table.c.lease_until,
                table.c.registry_id,
                table.c.priority,
                table.c.next_due,
            )
        )
        with self._link.writing() as connection:
            rows = connection.execute(statement).all()
            return tuple(
                Lease(
                    kind,
                    row.id,
                    row.lease_token,
                    row.lease_until,
                    self._hosts.host(connection, row.registry_id),
                )
                for row in sorted(rows, key=lambda row: (-row.priority, row.next_due, row.id))
            )

    def claim_intent(self, intent_id: int, *, now: datetime, lease_for: timedelta) -> Lease | None:
        """Claims one open intent, due or not; None when another holds it or it is finished."""
        intent = tables.intent
        statement = (
            update(intent)
            .where(intent.c.id == intent_id, intent.c.next_due.is_not(None), _free(intent, now))
            .values(lease_until=now + lease_for, lease_token=intent.c.lease_token + 1)
            .returning(intent.c.lease_token, intent.c.lease_until, intent.c.registry_id)
        )
        with self._link.writing() as connection:
            row = connection.execute(statement).first()
            if row is None:
                return None
            host = self._hosts.host(connection, row.registry_id)
            return Lease(WorkKind.INTENT, intent_id, row.lease_token, row.lease_until, host)

    def renew(self, leases: Sequence[Lease], *, until: datetime) -> None:
        """Work under way takes longer than its lease. A lost lease stays lost: nothing happens to it."""
        self._end_at(leases, until)

    def give_back(self, leases: Sequence[Lease]) -> None:
        """Work that was never begun is free for others at once, due as it was. Lost leases are silently ignored."""
        self._end_at(leases, None)

    def _end_at(self, leases: Sequence[Lease], until: datetime | None) -> None:
        if not leases:
            return
        with self._link.writing() as connection:
            for kind, table in TABLES.items():
                # Always in the order of their ids: two writers that lock the same rows must not wait for each other.
                for lease in sorted((one for one in leases if one.kind is kind), key=lambda one: one.id):
                    connection.execute(
                        update(table)
                        .where(
                            table.c.id == lease.id,
                            table.c.lease_token == lease.token,
                            table.c.lease_until.is_not(None),
                        )
                        .values(lease_until=until)
                    )

    def release(
        self, lease: Lease, *, next_due: datetime, error: str | None, read_at: datetime | None = None
    ) -> None:
        """Gives a lease back without a result. A lost lease is silently ignored."""
        with self._link.writing() as connection:
            try:
                row = fenced(connection, lease)
            except ConflictError:
                return
            table = TABLES[lease.kind]
            values: dict[str, Any] = {"lease_until": None, "error": error}
            if not (lease.kind is WorkKind.SUBJECT and row.marks != row.claimed_marks):
                values["next_due"] = next_due
            if lease.kind is WorkKind.REPOSITORY and read_at is not None:
                values["read_at"] = read_at
            if lease.kind is WorkKind.INTENT:
                values["note"] = error or row.note
            connection.execute(update(table).where(table.c.id == lease.id).values(values))
            if lease.kind is not WorkKind.REPOSITORY:
                touch(connection)


def _free(table: Table, now: datetime) -> ColumnElement[bool]:
    return or_(table.c.lease_until.is_(None), table.c.lease_until <= now)


def _due(table: Table, now: datetime, registries: tuple[int, ...] | None) -> ColumnElement[bool]:
    wanted = and_(table.c.next_due <= now, _free(table, now))
    return wanted if registries is None else and_(wanted, table.c.registry_id.in_(registries))


def _chosen(table: Table, wanted: ColumnElement[bool], limit: int, *, alone: bool) -> Select[tuple[int]]:
    """The rows to claim, locked where the database can (elsewhere writers are alone anyway)."""
    urgency = (table.c.priority.desc(), table.c.next_due, table.c.id)
    if alone:
        ranked = select(table.c.id).where(wanted).order_by(*urgency)
    else:
        turn = func.row_number().over(partition_by=table.c.registry_id, order_by=urgency)
        turns = select(table.c.id.label("id"), turn.label("turn")).where(wanted).subquery("turns")
        ranked = (
            select(table.c.id)
            .join(turns, turns.c.id == table.c.id)
            .where(wanted)
            .order_by(turns.c.turn, *urgency)
        )
    return ranked.limit(limit).with_for_update(skip_locked=True, of=table)
