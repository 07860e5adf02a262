"""Which images, tags and promotions a vulnerability concerns: through the inverted index, without the registry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, literal, or_, select

from gatekeeper.core.advisory import Advisory
from gatekeeper.core.evidence import Trust
from gatekeeper.core.lifecycle import IntentDraft, IntentKind, IntentState
from gatekeeper.core.match import Affectedness, Match
from gatekeeper.database import tables
from gatekeeper.database.connection import Link
from gatekeeper.database.coverage import Coverage, coverage_of
from gatekeeper.database.feeds import feed_rows, states_of
from gatekeeper.database.marks import chunks
from gatekeeper.database.matches import read_advisories
from gatekeeper.database.rebuild import differences_of
from gatekeeper.database.reevaluation import stale
from gatekeeper.database.rows import matching, read_body, repository_named
from gatekeeper.ports.vulnerabilities import (
    AffectedAnswer,
    AffectedImage,
    AffectedPackage,
    Matcher,
    NotJudged,
)

EVERYWHERE = ("**",)
_ROUNDS = 10
"""Steps from alias to alias: real groups need three."""


class Affected:
    """``ports.AffectedStore``."""

    _link: Link

    def affected(
        self, name: str, matcher: Matcher, *, repositories: tuple[str, ...], limit: int, verify: bool
    ) -> AffectedAnswer:
        """By the id or alias of a vulnerability. ``verify``: a full rebuild is compared with what is stored."""
        with self._link.reading() as connection:
            rows = _advisories(connection, name)
            ids = [row.id for row in rows]
            coverage = coverage_of(connection, matcher)
            judged = coverage.judged_by_its_own(connection, ids)
            concerned = _concerned(ids, judged)
            images, counts = _images(connection, concerned, repositories, limit)
            packages = _packages(connection, rows, repositories, judged)
            parsed = [advisory for _, advisory in read_advisories(connection, matcher, ids)]
            uncertain = _uncertain(connection, ids, judged)
            not_judged = _not_judged(connection, coverage, concerned, uncertain, parsed, repositories)
            differences = differences_of(connection, matcher, ids) if verify else None
            asked = len(_asked(connection, repositories))
        return AffectedAnswer(
            vulnerability=name,
            advisories=tuple(sorted({row.record for row in rows})),
            held=any(row.held and row.loaded > row.acted for row in rows),
            packages=packages,
            image_count=counts[0],
            tag_count=counts[1],
            promotion_count=counts[2],
            images=images,
            not_judged=not_judged,
            differences=differences,
            repositories=asked,
        )

    def affected_ids(self, name: str, matcher: Matcher) -> tuple[int, ...]:
        """The subjects alone, for whoever counts or marks them."""
        with self._link.reading() as connection:
            ids = [row.id for row in _advisories(connection, name)]
            judged = coverage_of(connection, matcher).judged_by_its_own(connection, ids)
            concerned = _concerned(ids, judged)
            return tuple(sorted(set(connection.scalars(concerned).all())))


def _advisories(connection: Connection, name: str) -> Sequence[Any]:
    """Visible records that have this name or refer to it, and those with an alias of them; never their upstreams'."""
    table, advisory, feed = tables.advisory_name, tables.advisory, tables.feed
    visible = (advisory.c.loaded <= feed.c.version) & or_(
        advisory.c.retired.is_(None), advisory.c.retired > feed.c.version
    )
    columns = (advisory.c.id, advisory.c.record, advisory.c.loaded, feed.c.acted, feed.c.held)
    found: dict[int, Any] = {}
    names, asked = {name}, set[str]()
    for _ in range(_ROUNDS):
        new = sorted(names - asked)
        if not new:
            break
        asked |= names
        for chunk in chunks(new):
            rows = connection.execute(
                select(*columns)
                .join(table, table.c.advisory_id == advisory.c.id)
                .join(feed, feed.c.id == advisory.c.feed_id)
                .where(table.c.name.in_(chunk), visible)
            )
            found |= {row.id: row for row in rows}
        names |= _own_names(connection, found)
    return [found[key] for key in sorted(found)]


def _own_names(connection: Connection, ids: Iterable[int]) -> set[str]:
    table = tables.advisory_name
    names: set[str] = set()
    for chunk in chunks(sorted(ids)):
        # A distribution's record about several vulnerabilities is an alias of none of them.
        several = (
            select(table.c.advisory_id)
            .where(table.c.advisory_id.in_(chunk), table.c.upstream)
            .group_by(table.c.advisory_id)
            .having(func.count() > 1)
        )
        names |= set(
            connection.execute(
                select(table.c.name).where(
                    table.c.advisory_id.in_(chunk),
                    table.c.upstream.is_(False),
                    table.c.advisory_id.not_in(several),
                )
            ).scalars()
        )
    return names


def _packages(
    connection: Connection, rows: Sequence[Any], repositories: tuple[str, ...], judged: ColumnElement[bool]
) -> tuple[AffectedPackage, ...]:
    """What is found in these repositories; of what nobody carries any more (or yet) only where all may be seen."""
    match, component = tables.match, tables.component
    by_id = {row.id: row for row in rows}
    found: set[AffectedPackage] = set()
    for chunk in chunks(sorted(by_id)):
        visible = None if repositories == EVERYWHERE else _carried(connection, chunk, repositories)
        for row in connection.execute(
            select(match, component.c.name, component.c.version, component.c.purl)
            .join(component, component.c.id == match.c.component_id)
            .where(match.c.advisory_id.in_(chunk), judged)
        ):
            if visible is not None and row.component_id not in visible:
                continue
            advisory = by_id[row.advisory_id]
            sure = row.state == Affectedness.AFFECTED
            fixed = read_body(Match, row.body).fixed if sure else ()
            found.add(
                AffectedPackage(
                    advisory.record,
                    row.name,
                    row.version,
                    row.purl,
                    fixed[0] if fixed else "",
                    indeterminate=not sure,
                    held=bool(advisory.held and advisory.loaded > advisory.acted),
                )
            )
    return tuple(sorted(found, key=lambda one: (one.purl, one.name, one.version, one.advisory)))


def _carried(connection: Connection, advisory_ids: Sequence[int], repositories: tuple[str, ...]) -> set[int]:
    """Components that the advisories name and that images of these repositories consist of."""
    match, link, of_subject = tables.match, tables.group_component, tables.subject_group
    subject, repository = tables.subject, tables.repository
    rows = connection.execute(
        select(match.c.component_id, repository.c.name)
        .distinct()
        .join(link, link.c.component_id == match.c.component_id)
        .join(of_subject, of_subject.c.group_id == link.c.group_id)
        .join(subject, subject.c.id == of_subject.c.subject_id)
        .join(repository, repository.c.id == subject.c.repository_id)
        .where(match.c.advisory_id.in_(advisory_ids))
    )
    return {row.component_id for row in rows if matching(repositories, repository_named(row.name))}


def _concerned(
    advisory_ids: Sequence[int],
    judged: ColumnElement[bool],
    state: Affectedness = Affectedness.AFFECTED,
) -> Select[int]:
    """Ids of the subjects that consist of a component that one of the advisories names and may judge.

    A subject comes once for each of its groups: to tell a hundred thousand apart costs more than to find them.
    """
    component, match = tables.component, tables.match
    link, of_subject = tables.group_component, tables.subject_group
    groups = (
        select(link.c.group_id)
        .join(match, match.c.component_id == link.c.component_id)
        .join(component, component.c.id == match.c.component_id)
        .where(match.c.advisory_id.in_(advisory_ids), match.c.state == str(state), judged)
    )
    return select(of_subject.c.subject_id).where(of_subject.c.group_id.in_(groups))


def _uncertain(
    connection: Connection, advisory_ids: Sequence[int], judged: ColumnElement[bool]
) -> ColumnElement[int]:
    """1 for a subject with a component whose version cannot be compared; asks nothing more where there is none."""
    match = tables.match
    any_such = select(match.c.component_id).where(
        match.c.advisory_id.in_(advisory_ids), match.c.state == str(Affectedness.INDETERMINATE)
    )
    if connection.execute(any_such.limit(1)).first() is None:
        return literal(0)
    subjects = _concerned(advisory_ids, judged, Affectedness.INDETERMINATE)
    return case((tables.subject.c.id.in_(subjects), 1), else_=0)


def _promoted() -> ColumnElement[bool]:
    intent = tables.intent
    return (intent.c.kind == str(IntentKind.PROMOTE)) & (intent.c.state == str(IntentState.CONFIRMED))


def _images(
    connection: Connection, concerned: Select[int], repositories: tuple[str, ...], limit: int
) -> tuple[tuple[AffectedImage, ...], tuple[int, int, int]]:
    """The first images, and (images, tags, promotions) in all."""
    subject, repository = tables.subject, tables.repository
    rows = connection.execute(
        select(
            subject.c.id,
            subject.c.repository_id,
            subject.c.digest,
            subject.c.first_seen,
            subject.c.state,
            subject.c.marked_at,
            repository.c.name,
        )
        .join(repository, repository.c.id == subject.c.repository_id)
        .where(subject.c.id.in_(concerned), subject.c.dropped.is_(None))
        .order_by(subject.c.id)
    ).all()
    rows = [row for row in rows if matching(repositories, repository_named(row.name))]
    promotions = _promotions(connection, {row.digest for row in rows} if len(rows) <= limit else None)
    tags = _tags(connection, [row.id for row in rows])
    places = {row.id: promotions.get((row.repository_id, row.digest), ()) for row in rows}
    rows.sort(key=lambda row: (not places[row.id], not tags.get(row.id), row.id))
    shown = rows[:limit]
    unjudged = _stale_among(connection, [row.id for row in shown])
    images = tuple(
        AffectedImage(
            repository=repository_named(row.name),
            digest=row.digest,
            tags=tuple(sorted(tags.get(row.id, ()))),
            promoted_to=places[row.id],
            first_seen=row.first_seen,
            state=row.state,
            due=row.marked_at is not None or row.id in unjudged,
        )
        for row in shown
    )
    counts = (
        len(rows),
        sum(len(found) for found in tags.values()),
        sum(len(found) for found in places.values()),
    )
    return images, counts


def _tags(connection: Connection, ids: Sequence[int]) -> dict[int, list[str]]:
    subject, tag = tables.subject, tables.tag
    found: dict[int, list[str]] = {}
    for chunk in chunks(ids):
        for row in connection.execute(
            select(subject.c.id, tag.c.name)
            .join(tag, (tag.c.repository_id == subject.c.repository_id) & (tag.c.digest == subject.c.digest))
            .where(subject.c.id.in_(chunk))
        ):
            found.setdefault(row.id, []).append(row.name)
    return found


def _promotions(connection: Connection, digests: set[Any] | None) -> dict[tuple[int, Any], tuple[str, ...]]:
    """Where digests were promoted to, by repository row and digest; None: of all."""
    intent = tables.intent
    statement = select(intent.c.repository_id, intent.c.digest, intent.c.body).where(_promoted())
    found: dict[tuple[int, Any], set[str]] = {}
    for row in connection.execute(statement):
        if digests is None or row.digest in digests:
            draft = read_body(IntentDraft, row.body)
            place = f"{draft.target}:{draft.target_tag}" if draft.target_tag else str(draft.target)
            found.setdefault((row.repository_id, row.digest), set()).add(place)
    return {key: tuple(sorted(places)) for key, places in found.items()}


def _stale_among(connection: Connection, ids: Sequence[int]) -> set[int]:
    subject = tables.subject
    found: set[int] = set()
    for chunk in chunks(ids):
        found |= set(
            connection.execute(select(subject.c.id).where(subject.c.id.in_(chunk), stale())).scalars()
        )
    return found


def _not_judged(
    connection: Connection,
    coverage: Coverage,
    concerned: Select[int],
    uncertain: ColumnElement[int],
    advisories: Sequence[Advisory],
    repositories: tuple[str, ...],
) -> NotJudged:
    """Subjects that are not among the concerned, counted by what is missing to judge them."""
    subject, tag, intent = tables.subject, tables.tag, tables.intent
    old = _old_ecosystems(connection, advisories)
    wanted = _asked(connection, repositories)
    kinds = (subject.c.repository_id, subject.c.sbom_trust, subject.c.ecosystems)
    base = (
        select(*kinds, uncertain.label("uncertain"), func.count().label("number"))
        .where(subject.c.dropped.is_(None), subject.c.id.not_in(concerned))
        .group_by(*kinds, "uncertain")
    )
    tagged = base.join(
        tag, (tag.c.repository_id == subject.c.repository_id) & (tag.c.digest == subject.c.digest)
    )
    promoted = base.join(
        intent, (intent.c.repository_id == subject.c.repository_id) & (intent.c.digest == subject.c.digest)
    ).where(_promoted())
    counts = dict.fromkeys(("images", "tags", "promotions"), 0)
    reasons = dict.fromkeys(("without_sbom", "untrusted", "not_covered", "feed_older", "not_comparable"), 0)
    for name, statement in (("images", base), ("tags", tagged), ("promotions", promoted)):
        for row in connection.execute(statement):
            if row.repository_id not in wanted:
                continue
            realms = row.ecosystems or ()
            bases = {label.partition(":")[0] for realm in realms for label in coverage.matcher.labels(realm)}
            missing = {
                "without_sbom": row.sbom_trust is None,
                "untrusted": row.sbom_trust == Trust.UNSIGNED,
                "not_covered": not all(map(coverage.covers, realms)),
                "feed_older": row.sbom_trust is not None and (old is None or not old.isdisjoint(bases)),
                "not_comparable": bool(row.uncertain),
            }
            if any(missing.values()):
                counts[name] += row.number
            if name == "images":
                for reason, true in missing.items():
                    reasons[reason] += row.number if true else 0
    return NotJudged(**counts, **reasons)


def _asked(connection: Connection, repositories: tuple[str, ...]) -> set[int]:
    known = connection.execute(select(tables.repository.c.id, tables.repository.c.name))
    return {row.id for row in known if matching(repositories, repository_named(row.name))}


def _old_ecosystems(connection: Connection, advisories: Sequence[Advisory]) -> set[str] | None:
    """Ecosystems whose feed was last renewed before the vulnerability was published; None: no feed knows it at all."""
    if not advisories:
        return None
    published = min(advisory.published or advisory.modified for advisory in advisories)
    return {
        feed.ecosystem
        for feed in states_of(feed_rows(connection), timedelta())
        if feed.ecosystem and feed.fetched_at < published
    }
