"""Repositories: watched, claimed, and what a round over one saw."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, update

from gatekeeper.core.reference import Repository
from gatekeeper.database import pointing, tables
from gatekeeper.database.claims import fenced
from gatekeeper.database.connection import Link, touch
from gatekeeper.database.marks import add_subjects, chunks, drop, mark_digests
from gatekeeper.database.rows import new_repository, repository_named
from gatekeeper.database.upsert import insert_missing
from gatekeeper.ports import Lease, Round, WatchedRepository

# Asked in each round, so built once.
_TAGS = select(tables.tag.c.name, tables.tag.c.digest, tables.tag.c.missing, tables.tag.c.missing_at).where(
    tables.tag.c.repository_id == bindparam("repository_id")
)
_DOUBTED = select(tables.registry.c.doubted_at).where(tables.registry.c.id == bindparam("registry_id"))
_MISSING = select(tables.tag.c.name).where(
    tables.tag.c.repository_id == bindparam("repository_id"), tables.tag.c.missing
)


class Repositories:
    """The part of ``ports.WatchStore`` about repositories."""

    _link: Link

    def add_repositories(self, repositories: Sequence[Repository], *, now: datetime) -> int:
        """Inserts unknown ones as due now; returns how many were new."""
        unknown = self._unknown(repositories)
        if not unknown:
            return 0
        registry = tables.registry
        with self._link.writing(serial=True) as connection:
            before = _count(connection)
            hosts = sorted({repository.registry for repository in unknown})
            insert_missing(connection, registry, [{"host": host} for host in hosts])
            ids = {row.host: row.id for row in connection.execute(select(registry))}
            insert_missing(
                connection,
                tables.repository,
                [new_repository(repository, ids[repository.registry], now) for repository in unknown],
            )
            return _count(connection) - before

    def _unknown(self, repositories: Sequence[Repository]) -> list[Repository]:
        wanted = {str(repository): repository for repository in sorted(repositories)}
        table = tables.repository
        with self._link.reading() as connection:
            for chunk in chunks(list(wanted)):
                for name in connection.execute(select(table.c.name).where(table.c.name.in_(chunk))).scalars():
                    del wanted[name]
        return list(wanted.values())

    def repository(self, lease: Lease, *, gone_since: datetime | None = None) -> WatchedRepository:
        """The claimed row with its tags. ConflictError when the lease was lost.

        ``gone_since``: a tag that has been missing since then at least is gone when it is missing once more; None:
        since any round before.
        """
        with self._link.reading() as connection:
            row = fenced(connection, lease)
            found = connection.execute(_TAGS, {"repository_id": row.id}).all()
            doubted_at = connection.execute(_DOUBTED, {"registry_id": row.registry_id}).scalar()
        return WatchedRepository(
            id=row.id,
            repository=repository_named(row.name),
            interval=row.interval,
            tags={known.name: known.digest for known in found},
            missing=frozenset(
                known.name
                for known in found
                if known.missing
                and (gone_since is None or known.missing_at is None or known.missing_at <= gone_since)
            ),
            believed=row.believed,
            doubted=doubted_at is not None,
        )

    def record_round(self, lease: Lease, outcome: Round, *, now: datetime) -> None:
        """Observations, due subjects and the next due time; fenced by the lease. One transaction."""
        changed = bool(
            outcome.moved or outcome.gone or outcome.subjects or outcome.touched or outcome.ignored
        )
        table, subject = tables.repository, tables.subject
        with self._link.writing(serial=changed) as connection:
            row = fenced(connection, lease)
            pointing.point(connection, row.id, outcome.moved, now=now)
            pointing.remove(connection, row.id, outcome.gone, now=now)
            _remember_missing(connection, row.id, outcome.missing, now)
            for chunk in chunks(sorted(outcome.ignored)):
                drop(
                    connection,
                    subject.c.repository_id == row.id,
                    subject.c.digest.in_(chunk),
                    why="not-a-subject",
                )
            moved = frozenset(outcome.moved.values()) & outcome.subjects
            mark_digests(connection, row.id, moved, now=now, revive=True)
            mark_digests(connection, row.id, outcome.touched, now=now, new_evidence=True)
            add_subjects(connection, row, outcome.subjects, now=now)
            connection.execute(
                update(table)
                .where(table.c.id == row.id)
                .values(
                    next_due=outcome.next_due,
                    interval=outcome.interval,
                    lease_until=None,
                    priority=0,
                    error=outcome.error,
                    known_tags=outcome.known,
                    changed_tags=outcome.changed,
                    believed=row.believed and outcome.error is not None,
                    read_at=now if outcome.error is None else row.read_at,
                )
            )
            if changed:
                touch(connection)


def _count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(tables.repository)).scalar_one()


def _remember_missing(
    connection: Connection, repository_id: int, missing: frozenset[str], now: datetime
) -> None:
    tag = tables.tag
    here = tag.c.repository_id == repository_id
    found = set(connection.execute(_MISSING, {"repository_id": repository_id}).scalars())
    for chunk in chunks(sorted(found - missing)):
        connection.execute(
            update(tag).where(here, tag.c.name.in_(chunk)).values(missing=False, missing_at=None)
        )
    for chunk in chunks(sorted(missing - found)):
        connection.execute(
            update(tag).where(here, tag.c.name.in_(chunk)).values(missing=True, missing_at=now)
        )
