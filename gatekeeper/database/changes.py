"""Which groups of components a version of a feed concerns."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, or_, select, update

from gatekeeper.core.feed import FeedKind
from gatekeeper.database import tables
from gatekeeper.database.coverage import Coverage, change_groups_covered
from gatekeeper.database.marks import chunks
from gatekeeper.ports.vulnerabilities import FeedImport


def next_change(connection: Connection) -> int:
    """The number of a new change. The transaction must be a serial one."""
    counter = tables.counter
    return int(
        connection.execute(
            update(counter)
            .where(counter.c.name == "feed")
            .values(value=counter.c.value + 1)
            .returning(counter.c.value)
        ).scalar_one()
    )


def change_groups(
    connection: Connection,
    feed: Any,
    under: FeedImport,
    change: int,
    *,
    first: bool,
    before: Coverage,
    after: Coverage,
) -> int:
    """Notes the change at every group that it concerns; returns how many. ``before``: what was covered until then."""
    group = tables.component_group
    if first or feed.kind == FeedKind.END_OF_LIFE:
        # Another ecosystem is covered, or a question can be answered at all: every image may change.
        return connection.execute(update(group).values(changed=change)).rowcount
    if feed.kind == FeedKind.OSV:
        advisory = tables.advisory
        changed = select(advisory.c.id).where(
            advisory.c.feed_id == under.id,
            or_(advisory.c.loaded == under.version, advisory.c.retired == under.version),
        )
        turned = change_groups_covered(connection, before, after, change)
        return turned + _change_groups_of(connection, after, changed, change)
    names = _changed_names(connection, under)
    table, reported = tables.advisory_name, tables.reported_cve
    changed_groups = sum(
        connection.execute(
            update(group)
            .where(
                group.c.id.in_(select(reported.c.group_id).where(reported.c.name.in_(chunk))),
                group.c.changed < change,
            )
            .values(changed=change)
        ).rowcount
        for chunk in chunks(names)
    )
    return changed_groups + sum(
        _change_groups_of(
            connection, after, select(table.c.advisory_id).where(table.c.name.in_(chunk)), change
        )
        for chunk in chunks(names)
    )


def _change_groups_of(
    connection: Connection, coverage: Coverage, advisories: Select[tuple[int]], change: int
) -> int:
    component, match = tables.component, tables.match
    group, link = tables.component_group, tables.group_component
    components = (
        select(match.c.component_id)
        .join(component, component.c.id == match.c.component_id)
        .where(match.c.advisory_id.in_(advisories), coverage.judged_by_its_own(connection, advisories))
    )
    groups = select(link.c.group_id).where(link.c.component_id.in_(components))
    return connection.execute(
        update(group).where(group.c.id.in_(groups), group.c.changed < change).values(changed=change)
    ).rowcount


def _changed_names(connection: Connection, under: FeedImport) -> list[str]:
    """Names whose facts differ; of scores only those in another percent than before."""
    table = tables.feed_fact
    facts: dict[str, dict[bool, object]] = {}
    rows = connection.execute(
        select(table.c.name, table.c.loaded, table.c.score, table.c.at).where(
            table.c.feed_id == under.id,
            or_(table.c.loaded == under.version, table.c.retired == under.version),
        )
    )
    for row in rows:
        said = row.at if row.score is None else int(row.score * 100)
        facts.setdefault(row.name, {})[row.loaded == under.version] = said
    return sorted(name for name, said in facts.items() if len(said) == 1 or said[True] != said[False])
