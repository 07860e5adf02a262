"""Changes of the feeds carried on to subjects: who is due again, and whether a change is too large to act on.

Publishing a feed notes the change at groups of components; from that moment every subject that consists of one of them
is due (``is_stale``), however many there are. ``spread_changes`` then writes it to the subjects' own rows, those in
production first, so that workers claim them; ``weigh`` compares what the change turned with what there is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, exists, func, literal, or_, select, update

from gatekeeper.core.lifecycle import IntentKind, IntentState
from gatekeeper.core.verdict import State
from gatekeeper.database import audit, tables
from gatekeeper.database.connection import Link, touch
from gatekeeper.database.feeds import wake_failed_by_change
from gatekeeper.database.marks import mark
from gatekeeper.ports.vulnerabilities import Weighed

PROMOTED_PRIORITY = 40
"""What was promoted is judged again first, before new images and below what somebody waits for."""
TAGGED_PRIORITY = 20
_CHUNK = 5_000


class Reevaluation:
    """``ports.ReevaluationStore``."""

    _link: Link

    def spread_changes(self, *, now: datetime) -> int:
        """Makes every stale subject due, promoted ones first; returns how many. Safe to repeat after a crash."""
        counter, group = tables.counter, tables.component_group
        with self._link.reading() as connection:
            spread = connection.execute(
                select(counter.c.value).where(counter.c.name == "feed-marked")
            ).scalar_one()
            newest = connection.execute(select(func.max(group.c.changed))).scalar() or 0
            if newest <= spread:
                return 0
            classes = _stale_by_priority(connection, spread)
        marked = 0
        for priority in sorted(classes, reverse=True):
            ids = classes[priority]
            for start in range(0, len(ids), _CHUNK):
                marked += self._mark(ids[start : start + _CHUNK], priority, newest, now)
        with self._link.writing() as connection:
            connection.execute(
                update(counter)
                .where(counter.c.name == "feed-marked", counter.c.value < newest)
                .values(value=newest)
            )
        return marked

    def _mark(self, ids: list[int], priority: int, change: int, now: datetime) -> int:
        subject = tables.subject
        with self._link.writing() as connection:
            here = subject.c.id.in_(ids)
            marked = mark(connection, here, subject.c.marked_change < change, now=now)
            connection.execute(
                update(subject)
                .where(here)
                .values(
                    marked_change=change,
                    priority=case(
                        (subject.c.priority < priority, literal(priority)), else_=subject.c.priority
                    ),
                )
            )
            touch(connection)
        return marked

    def failing_soon(self, until: datetime) -> int:
        """How many passing subjects time alone will make fail until then."""
        subject = tables.subject
        statement = select(func.count()).where(
            subject.c.fails_at <= until,
            subject.c.state == str(State.PASSED),
            subject.c.dropped.is_(None),
        )
        with self._link.reading() as connection:
            return int(connection.execute(statement).scalar_one())

    def weigh(self, *, share: float, minimum: int, now: datetime) -> tuple[Weighed, ...]:
        """Accepts or holds what was published and is not acted on yet; returns what was decided.

        Held: more than ``minimum`` subjects, and more than ``share`` of those with a verdict, fail by it alone.
        Accepted: everything it concerns was judged again, and it is not that much.
        """
        feed, subject = tables.feed, tables.subject
        with self._link.reading() as connection:
            waiting_feeds = connection.execute(
                select(feed).where(feed.c.acted < feed.c.version, feed.c.held.is_(False))
            ).all()
            if not waiting_feeds:
                return ()
            turned = connection.execute(
                select(func.count()).where(subject.c.failed_by_change.is_not(None))
            ).scalar_one()
            judged = connection.execute(select(func.count()).where(subject.c.state.is_not(None))).scalar_one()
            too_much = turned > minimum and turned > share * judged
            oldest = min(row.change for row in waiting_feeds) - 1
            if not too_much and _anything_stale(connection, oldest, now):
                return ()
        return tuple(self._decide(row, turned, judged, held=too_much, now=now) for row in waiting_feeds)

    def _decide(self, row: Any, turned: int, judged: int, *, held: bool, now: datetime) -> Weighed:
        feed = tables.feed
        values: dict[str, Any] = {"held": True} if held else {"acted": row.version}
        with self._link.writing(serial=True) as connection:
            changed = connection.execute(
                update(feed)
                .where(feed.c.id == row.id, feed.c.version == row.version, feed.c.held.is_(False))
                .values(values)
            ).rowcount
            if changed and held:
                audit.add(
                    connection,
                    actor=audit.DAEMON,
                    action="feed-held",
                    subject=f"feed:{row.name}",
                    reason="too-many-verdicts-change",
                    detail={"version": str(row.version), "turned": str(turned), "judged": str(judged)},
                    now=now,
                )
            if changed and not held:
                wake_failed_by_change(connection, now=now)
            touch(connection)
        return Weighed(row.name, row.version, turned, judged, held)


def stale() -> ColumnElement[bool]:
    """True for a subject whose newest verdict does not know the newest change of its groups."""
    subject, link, group = tables.subject, tables.subject_group, tables.component_group
    return exists().where(
        link.c.subject_id == subject.c.id,
        group.c.id == link.c.group_id,
        group.c.changed > subject.c.judged_change,
    )


def _anything_stale(connection: Connection, since: int, now: datetime) -> bool:
    """True while a subject waits for its new verdict; one that was looked at and left (no scope covers it) does not."""
    subject, link, group = tables.subject, tables.subject_group, tables.component_group
    statement = (
        select(subject.c.id)
        .join(link, link.c.subject_id == subject.c.id)
        .join(group, group.c.id == link.c.group_id)
        .where(
            group.c.changed > since,
            group.c.changed > subject.c.judged_change,
            subject.c.dropped.is_(None),
            subject.c.state.is_not(None),
            or_(
                subject.c.marked_change < group.c.changed,
                subject.c.next_due <= now,
                subject.c.lease_until > now,
            ),
        )
        .limit(1)
    )
    return connection.execute(statement).first() is not None


def _stale_by_priority(connection: Connection, since: int) -> dict[int, list[int]]:
    """Ids of subjects that consist of a group changed since then, by how much they matter."""
    subject, link, group, tag = tables.subject, tables.subject_group, tables.component_group, tables.tag
    intent = tables.intent
    promoted = set(
        connection.execute(
            select(intent.c.digest)
            .distinct()
            .where(intent.c.kind == str(IntentKind.PROMOTE), intent.c.state == str(IntentState.CONFIRMED))
        ).scalars()
    )
    tagged = exists().where(tag.c.repository_id == subject.c.repository_id, tag.c.digest == subject.c.digest)
    statement = (
        select(subject.c.id, subject.c.digest, tagged.label("tagged"))
        .distinct()
        .join(link, link.c.subject_id == subject.c.id)
        .join(group, group.c.id == link.c.group_id)
        .where(
            group.c.changed > since,
            group.c.changed > subject.c.judged_change,
            subject.c.dropped.is_(None),
        )
    )
    classes: dict[int, list[int]] = {}
    for row in connection.execute(statement):
        priority = PROMOTED_PRIORITY if row.digest in promoted else TAGGED_PRIORITY if row.tagged else 0
        classes.setdefault(priority, []).append(row.id)
    return classes
