"""Imports of feeds: small transactions under the next version, then one that publishes it.

1. ``begin_import`` takes up an interrupted import of the same content, or clears away one of other content
2. ``add_records`` / ``add_facts`` write what is new; what it replaces is retired with the same version
3. ``publish`` makes the version the one that readers see, and changes the groups that it concerns
4. ``sweep`` removes what no reader and no action rests on any more
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, insert, select, update

from gatekeeper.core.errors import ConflictError
from gatekeeper.core.feed import FeedKind
from gatekeeper.database import audit, tables
from gatekeeper.database.advisories import Batch, delete_rows
from gatekeeper.database.changes import change_groups, next_change
from gatekeeper.database.columns import storable
from gatekeeper.database.connection import Link, touch
from gatekeeper.database.coverage import (
    abandon_ecosystems,
    coverage_of,
    forget_ecosystems,
    meet_ecosystems,
)
from gatekeeper.database.facts import write_facts
from gatekeeper.database.feeds import ensure_feed, feed_named, wake_undetermined
from gatekeeper.database.upsert import upsert
from gatekeeper.ports.vulnerabilities import (
    FeedFact,
    FeedImport,
    FeedProblem,
    FeedRecord,
    FeedSpec,
    Matcher,
    Published,
)

_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)
_PROBLEMS = 1_000
"""Records that are named one by one when they are set aside; more are only counted by the import."""
_SWEPT = 500


class Imports:
    """The writing part of ``ports.FeedStore``."""

    _link: Link

    def begin_import(self, spec: FeedSpec, *, sha256: str, now: datetime) -> FeedImport:
        """Where to go on; ``sha256`` is of the content. ConflictError when the name is another kind of feed."""
        table = tables.feed_import
        with self._link.writing() as connection:
            feed = ensure_feed(connection, spec)
            row = connection.execute(select(table).where(table.c.feed_id == feed.id)).first()
            if row is not None and row.sha256 == sha256 and row.version == feed.version + 1:
                return FeedImport(spec.name, feed.id, row.version, sha256, row.done)
        if row is not None:
            self._abandon(feed.id, row.version)
        version = feed.version + 1
        with self._link.writing() as connection:
            upsert(
                connection,
                table,
                [
                    {
                        "feed_id": feed.id,
                        "version": version,
                        "sha256": sha256,
                        "done": 0,
                        "started_at": now,
                    }
                ],
                key=("feed_id",),
            )
        return FeedImport(spec.name, feed.id, version, sha256, 0)

    def _abandon(self, feed_id: int, version: int) -> None:
        """Takes away what an import wrote that will never be published."""
        table = tables.feed_import
        with self._link.writing() as connection:
            # Whoever still writes under it is refused from now on.
            connection.execute(delete(table).where(table.c.feed_id == feed_id))
            for rows in (tables.advisory, tables.feed_fact):
                connection.execute(
                    update(rows)
                    .where(rows.c.feed_id == feed_id, rows.c.retired == version)
                    .values(retired=None)
                )
            abandon_ecosystems(connection, feed_id, version)
        for rows in (tables.advisory, tables.feed_fact):
            self._remove(rows, rows.c.feed_id == feed_id, rows.c.loaded == version)

    def add_records(
        self,
        under: FeedImport,
        records: Sequence[FeedRecord],
        problems: Sequence[FeedProblem],
        matcher: Matcher,
        *,
        done: int,
        now: datetime,
    ) -> None:
        """One batch; ``done`` records of the whole are there then. ConflictError when another import took its place."""
        with self._link.writing(serial=True) as connection:
            first = _under(connection, under, done)
            newest: dict[str, FeedRecord] = {}
            for record in records:
                name = storable(record.advisory.id)
                known = newest.get(name)
                if known is None or known.advisory.modified <= record.advisory.modified:
                    newest[name] = record
            Batch(connection, under, matcher, first=first, now=now).write(newest)
            meet_ecosystems(connection, under, (record.advisory for record in newest.values()))
            _keep_problems(connection, under, problems)

    def add_facts(
        self,
        under: FeedImport,
        facts: Sequence[FeedFact],
        problems: Sequence[FeedProblem],
        *,
        done: int,
        now: datetime,
    ) -> None:
        """The same for KEV, EPSS and end-of-life feeds."""
        with self._link.writing(serial=True) as connection:
            _under(connection, under, done)
            write_facts(connection, under, {storable(fact.name): fact for fact in facts}, now)
            _keep_problems(connection, under, problems)

    def publish(
        self,
        under: FeedImport,
        matcher: Matcher,
        *,
        source: str,
        complete: bool,
        fetched_at: datetime,
        cursor: str | None,
        now: datetime,
    ) -> Published:
        """Readers see the version from here on, and the groups that it concerns are changed: one transaction.

        ``complete``: what the import did not meet is gone. An EPSS score that stays in its percent changes nothing:
        all of them move a little every day. Actions rest on a version only when its effect has been weighed.
        """
        feed = tables.feed
        with self._link.writing(serial=True) as connection:
            row = feed_named(connection, under.feed)
            _under(connection, under, None)
            rows = tables.advisory if row.kind == FeedKind.OSV else tables.feed_fact
            if complete:
                connection.execute(
                    update(rows)
                    .where(rows.c.feed_id == under.id, rows.c.retired.is_(None), rows.c.met < under.version)
                    .values(retired=under.version)
                )
            counted = _counted(connection, rows, under)
            first = row.version == 0
            before = coverage_of(connection, matcher)
            if complete:
                forget_ecosystems(connection, under)
            connection.execute(update(feed).where(feed.c.id == under.id).values(version=under.version))
            after = coverage_of(connection, matcher)
            change = next_change(connection) if first or any(counted) or before.labels != after.labels else 0
            groups = (
                change_groups(connection, row, under, change, first=first, before=before, after=after)
                if change
                else 0
            )
            kept = connection.execute(
                select(func.count()).where(rows.c.feed_id == under.id, rows.c.retired.is_(None))
            ).scalar_one()
            values: dict[str, Any] = {
                "sha256": under.sha256,
                "source": source,
                "records": kept,
                "fetched_at": fetched_at,
                "as_of": _as_of(connection, rows, under.id),
                "error": None,
            }
            if complete or cursor is not None:
                # What a file brought is another content than the one that the source's cursor goes on from.
                values["cursor"] = cursor
            if change:
                values["change"] = change
            if not groups and row.acted == row.version:
                values["acted"] = under.version
            connection.execute(update(feed).where(feed.c.id == under.id).values(values))
            table = tables.feed_import
            connection.execute(delete(table).where(table.c.feed_id == under.id))
            added, removed = counted
            if change:
                audit.add(
                    connection,
                    actor=audit.DAEMON,
                    action="feed-published",
                    subject=f"feed:{under.feed}",
                    reason="",
                    detail={
                        "version": str(under.version),
                        "sha256": under.sha256,
                        "source": source,
                        "records": str(kept),
                        "added": str(added),
                        "removed": str(removed),
                        "change": str(change),
                    },
                    now=now,
                )
            wake_undetermined(connection, now=now)
            touch(connection)
        return Published(under.feed, under.version, change, kept, added, removed, groups)

    def sweep(self) -> int:
        """Removes what was retired before every version that is read or acted on; returns how many rows."""
        feed = tables.feed
        with self._link.reading() as connection:
            feeds = connection.execute(select(feed.c.id, feed.c.version, feed.c.acted)).all()
        removed = 0
        for row in feeds:
            oldest = min(row.version, row.acted)
            for rows in (tables.advisory, tables.feed_fact):
                removed += self._remove(rows, rows.c.feed_id == row.id, rows.c.retired <= oldest)
            problem = tables.feed_problem
            with self._link.writing() as connection:
                connection.execute(
                    delete(problem).where(problem.c.feed_id == row.id, problem.c.version < row.version)
                )
        return removed

    def _remove(self, rows: Table, *conditions: ColumnElement[bool]) -> int:
        removed = 0
        while True:
            with self._link.writing() as connection:
                ids = connection.execute(select(rows.c.id).where(*conditions).limit(_SWEPT)).scalars().all()
                if ids:
                    delete_rows(connection, rows, ids)
            removed += len(ids)
            if len(ids) < _SWEPT:
                return removed


def _under(connection: Connection, under: FeedImport, done: int | None) -> bool:
    """Checks that the import was not replaced, and notes how far it is. True: the feed was never published before."""
    table, feed = tables.feed_import, tables.feed
    where = (
        table.c.feed_id == under.id,
        table.c.version == under.version,
        table.c.sha256 == under.sha256,
    )
    row = connection.execute(select(table.c.done).where(*where).with_for_update()).first()
    if row is None:
        raise ConflictError(
            f"feed {under.feed}: another import took the place of this one",
            reason_code="feed-import-replaced",
        )
    if done is not None:
        connection.execute(update(table).where(*where).values(done=max(done, row.done)))
    version = connection.execute(select(feed.c.version).where(feed.c.id == under.id)).scalar_one()
    return bool(version == 0)


def _keep_problems(connection: Connection, under: FeedImport, problems: Sequence[FeedProblem]) -> None:
    table = tables.feed_problem
    if not problems:
        return
    here = (table.c.feed_id == under.id, table.c.version == under.version)
    there = connection.execute(select(func.count()).where(*here)).scalar_one()
    rows = [
        {
            "feed_id": under.id,
            "version": under.version,
            "record": problem.record,
            "reason_code": problem.reason_code,
            "message": problem.message,
        }
        for problem in problems[: max(0, _PROBLEMS - there)]
    ]
    if rows:
        connection.execute(insert(table), rows)


def _counted(connection: Connection, rows: Table, under: FeedImport) -> tuple[int, int]:
    """(rows that appear, rows that disappear) with this version."""
    here = rows.c.feed_id == under.id
    counts = [
        connection.execute(select(func.count()).where(here, column == under.version)).scalar_one()
        for column in (rows.c.loaded, rows.c.retired)
    ]
    return counts[0], counts[1]


def _as_of(connection: Connection, rows: Table, feed_id: int) -> datetime | None:
    if rows is not tables.advisory:
        return None
    found: datetime | None = connection.execute(
        select(func.max(rows.c.modified)).where(rows.c.feed_id == feed_id, rows.c.retired.is_(None))
    ).scalar()
    return found
