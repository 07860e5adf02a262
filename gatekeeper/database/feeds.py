"""Feeds: listing them, when they are due, and who fetches one now."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, true, update

from gatekeeper.core.errors import ConflictError, NotFoundError
from gatekeeper.core.feed import FeedKind, FeedState
from gatekeeper.database import audit, tables
from gatekeeper.database.connection import Link, touch
from gatekeeper.database.marks import mark
from gatekeeper.database.upsert import insert_missing
from gatekeeper.ports.vulnerabilities import FeedFact, FeedProblem, FeedRow, FeedSpec, StoredRecord


class Feeds:
    """The listing part of ``ports.FeedStore``."""

    _link: Link

    def feeds(self) -> tuple[FeedRow, ...]:
        """Every feed by name."""
        feed = tables.feed
        with self._link.reading() as connection:
            rows = connection.execute(select(feed).order_by(feed.c.name)).all()
            problems = _problems(connection)
        return tuple(_feed_row(row, problems.get((row.id, row.version), 0)) for row in rows)

    def feed(self, name: str) -> FeedRow:
        """NotFoundError when there is none."""
        with self._link.reading() as connection:
            row = feed_named(connection, name)
            problems = _problems(connection)
        return _feed_row(row, problems.get((row.id, row.version), 0))

    def feed_problems(self, name: str, *, limit: int) -> tuple[FeedProblem, ...]:
        """What was set aside in the feed's newest version."""
        problem = tables.feed_problem
        with self._link.reading() as connection:
            row = feed_named(connection, name)
            found = connection.execute(
                select(problem)
                .where(problem.c.feed_id == row.id, problem.c.version == row.version)
                .order_by(problem.c.id)
                .limit(limit)
            ).all()
        return tuple(FeedProblem(one.record, one.reason_code, one.message) for one in found)

    def feed_records(self, name: str, *, after: int, limit: int) -> Sequence[StoredRecord]:
        """What the feed's newest version holds, in a fixed order, behind ``after``."""
        with self._link.reading() as connection:
            row = feed_named(connection, name)
            rows = tables.advisory if row.kind == FeedKind.OSV else tables.feed_fact
            visible = and_(
                rows.c.loaded <= row.version, or_(rows.c.retired.is_(None), rows.c.retired > row.version)
            )
            found = connection.execute(
                select(rows)
                .where(rows.c.feed_id == row.id, visible, rows.c.id > after)
                .order_by(rows.c.id)
                .limit(limit)
            ).all()
        return [_record(one) for one in found]

    def claim_feed(self, spec: FeedSpec, *, now: datetime, lease_for: timedelta, forced: bool) -> int | None:
        """The token of a lease on a feed that is due (or ``forced``); None while it is not, or another fetches it."""
        feed = tables.feed
        free = or_(feed.c.lease_until.is_(None), feed.c.lease_until <= now)
        due = or_(feed.c.next_due.is_(None), feed.c.next_due <= now)
        with self._link.writing() as connection:
            ensure_feed(connection, spec)
            claimed = connection.execute(
                update(feed)
                .where(feed.c.name == spec.name, free, true() if forced else due)
                .values(lease_until=now + lease_for, lease_token=feed.c.lease_token + 1)
                .returning(feed.c.lease_token)
            ).scalar()
        return None if claimed is None else int(claimed)

    def end_fetch(
        self,
        name: str,
        token: int,
        *,
        error: str | None,
        renewed_at: datetime | None,
        cursor: str | None,
        next_due: datetime,
    ) -> None:
        """Gives the lease back. ``renewed_at``: its source answered that nothing is new. A lost lease is ignored."""
        feed = tables.feed
        values: dict[str, Any] = {"lease_until": None, "error": error, "next_due": next_due}
        if renewed_at is not None:
            values["fetched_at"] = renewed_at
        if cursor is not None:
            values["cursor"] = cursor
        with self._link.writing(serial=True) as connection:
            connection.execute(
                update(feed).where(feed.c.name == name, feed.c.lease_token == token).values(values)
            )
            if renewed_at is not None:
                wake_undetermined(connection, now=renewed_at)
                touch(connection)

    def feed_cursor(self, name: str) -> str | None:
        """Where the next incremental fetch begins; None: with everything."""
        feed = tables.feed
        with self._link.reading() as connection:
            return connection.execute(
                select(feed.c.cursor).where(feed.c.name == name, feed.c.version > 0)
            ).scalar()

    def accept_feed(self, name: str, *, actor: str, reason: str, now: datetime) -> FeedRow:
        """Lets actions rest on its newest version. ConflictError when nothing of it waits."""
        feed = tables.feed
        with self._link.writing(serial=True) as connection:
            row = feed_named(connection, name)
            if row.acted == row.version:
                raise ConflictError(
                    f"feed {name}: nothing of it is held; version {row.version} is in use",
                    reason_code="feed-not-held",
                )
            connection.execute(
                update(feed).where(feed.c.id == row.id).values(acted=feed.c.version, held=False)
            )
            audit.add(
                connection,
                actor=actor,
                action="feed-accepted",
                subject=f"feed:{name}",
                reason=reason,
                detail={"version": str(row.version), "before": str(row.acted)},
                now=now,
            )
            wake_failed_by_change(connection, now=now)
            # Nobody needs to see whether it lasts.
            subject = tables.subject
            connection.execute(
                update(subject).where(subject.c.failed_by_change.is_not(None)).values(failed_by_feed_at=None)
            )
            touch(connection)
        return self.feed(name)


def feed_named(connection: Connection, name: str) -> Any:
    """The row of a feed. NotFoundError when there is none."""
    feed = tables.feed
    row = connection.execute(select(feed).where(feed.c.name == name)).first()
    if row is None:
        known = ", ".join(connection.execute(select(feed.c.name).order_by(feed.c.name)).scalars())
        raise NotFoundError(
            f"there is no feed {name!r}; there are: {known or 'none'}", reason_code="feed-unknown"
        )
    return row


def ensure_feed(connection: Connection, spec: FeedSpec) -> Any:
    """The row of a feed, added when there is none. ConflictError when the name belongs to another kind of feed."""
    insert_missing(
        connection,
        tables.feed,
        [
            {
                "name": spec.name,
                "kind": str(spec.kind),
                "ecosystem": spec.ecosystem or None,
                "source": spec.source,
            }
        ],
    )
    row = feed_named(connection, spec.name)
    if row.kind != spec.kind:
        raise ConflictError(
            f"feed {spec.name} is a feed of kind {row.kind}, not {spec.kind}; choose another name",
            reason_code="feed-kind-mismatch",
        )
    return row


def wake_undetermined(connection: Connection, *, now: datetime) -> None:
    """What could not be judged may have waited for exactly this feed."""
    subject = tables.subject
    # Not by its state: that one index leads to nearly every subject.
    mark(connection, and_(subject.c.undetermined_since.is_not(None), subject.c.marked_at.is_(None)), now=now)


def wake_failed_by_change(connection: Connection, *, now: datetime) -> None:
    """What failed by a version that actions did not rest on is planned again."""
    mark(connection, tables.subject.c.failed_by_change.is_not(None), now=now)


def feed_rows(connection: Connection) -> Sequence[Any]:
    """Every feed that has been published."""
    return connection.execute(_PUBLISHED).all()


def states_of(rows: Sequence[Any], max_age: timedelta) -> tuple[FeedState, ...]:
    """Feeds as the rules see them."""
    return tuple(
        FeedState(
            name=row.name,
            kind=FeedKind(row.kind),
            ecosystem=row.ecosystem or "",
            version=row.version,
            fetched_at=row.fetched_at,
            good_until=row.fetched_at + max_age,
            held=bool(row.held),
        )
        for row in rows
    )


_PUBLISHED = select(tables.feed).where(tables.feed.c.version > 0).order_by(tables.feed.c.name)


def _record(row: Any) -> StoredRecord:
    if hasattr(row, "body"):
        return StoredRecord(row.id, zlib.decompress(row.body))
    return StoredRecord(row.id, FeedFact(row.name, row.score, row.at))


def _problems(connection: Connection) -> dict[tuple[int, int], int]:
    problem = tables.feed_problem
    rows = connection.execute(
        select(problem.c.feed_id, problem.c.version, func.count().label("number")).group_by(
            problem.c.feed_id, problem.c.version
        )
    )
    return {(row.feed_id, row.version): row.number for row in rows}


def _feed_row(row: Any, problems: int) -> FeedRow:
    return FeedRow(
        name=row.name,
        kind=FeedKind(row.kind),
        ecosystem=row.ecosystem or "",
        source=row.source,
        sha256=row.sha256 or "",
        records=row.records,
        problems=problems,
        fetched_at=row.fetched_at,
        as_of=row.as_of,
        version=row.version,
        acted=row.acted,
        held=bool(row.held),
        error=row.error,
        next_due=row.next_due,
    )
