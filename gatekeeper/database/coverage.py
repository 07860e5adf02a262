"""What the feeds tell of: who judges a component that an OS package brought, and what nobody can judge.

Decided by the ecosystems that the records of each feed name, which an import notes as it meets them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, or_, select, update

from gatekeeper.core.advisory import Advisory
from gatekeeper.database import tables
from gatekeeper.database.columns import storable
from gatekeeper.database.marks import chunks
from gatekeeper.database.upsert import insert_missing
from gatekeeper.ports.vulnerabilities import FeedImport, Matcher

_LONGEST_LABEL = 500
"""No ecosystem is called so, and PostgreSQL indexes no text of any length."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the newest versions of the feeds tell of. A realm: an ecosystem with its release (``Matcher.realm``)."""

    matcher: Matcher
    labels: frozenset[str]
    _known: dict[str, bool] = field(default_factory=dict)

    def covers(self, realm: str) -> bool:
        """True when a feed tells of it."""
        if realm not in self._known:
            self._known[realm] = self.matcher.covers(realm, self.labels)
        return self._known[realm]

    def left_to_vendor(self, vendor: str) -> bool:
        """True for a component whose own advisories do not count. ``vendor``: empty when nobody brought it."""
        return bool(vendor) and self.covers(vendor)

    def judged_by_its_own(
        self, connection: Connection, advisories: Sequence[int] | Select[tuple[int]]
    ) -> ColumnElement[bool]:
        """A condition on ``component``: the opposite of ``left_to_vendor``, for what these advisories name."""
        component, match = tables.component, tables.match
        vendors = connection.execute(
            select(component.c.vendor)
            .distinct()
            .join(match, match.c.component_id == component.c.id)
            .where(match.c.advisory_id.in_(advisories), component.c.vendor.is_not(None))
        ).scalars()
        uncovered = sorted(vendor for vendor in vendors if not self.covers(vendor))
        return or_(component.c.vendor.is_(None), component.c.vendor.in_(uncovered))


def coverage_of(connection: Connection, matcher: Matcher) -> Coverage:
    """By the feeds as they are published."""
    label, feed = tables.feed_ecosystem, tables.feed
    rows = connection.execute(
        select(label.c.label, feed.c.ecosystem)
        .join(feed, feed.c.id == label.c.feed_id)
        .where(label.c.loaded <= feed.c.version)
    )
    return Coverage(matcher, frozenset(row.label for row in rows if _counts(row.label, row.ecosystem)))


def _counts(label: str, ecosystem: str | None) -> bool:
    """A feed of one ecosystem tells of others by chance: where a record happens to be about both."""
    return not ecosystem or label.partition(":")[0].casefold() == ecosystem.casefold()


def meet_ecosystems(connection: Connection, under: FeedImport, advisories: Iterable[Advisory]) -> None:
    """Notes what these records of an import name."""
    table = tables.feed_ecosystem
    named = {storable(affected.ecosystem) for advisory in advisories for affected in advisory.affected}
    labels = sorted(label for label in named if len(label) <= _LONGEST_LABEL)
    insert_missing(
        connection,
        table,
        [
            {"feed_id": under.id, "label": label, "loaded": under.version, "met": under.version}
            for label in labels
        ],
    )
    for chunk in chunks(labels):
        connection.execute(
            update(table)
            .where(table.c.feed_id == under.id, table.c.label.in_(chunk), table.c.met < under.version)
            .values(met=under.version)
        )


def forget_ecosystems(connection: Connection, under: FeedImport) -> None:
    """What a complete import did not meet is gone."""
    table = tables.feed_ecosystem
    connection.execute(delete(table).where(table.c.feed_id == under.id, table.c.met < under.version))


def abandon_ecosystems(connection: Connection, feed_id: int, version: int) -> None:
    """As if an import under this version, which was never published, had met nothing."""
    table = tables.feed_ecosystem
    connection.execute(delete(table).where(table.c.feed_id == feed_id, table.c.loaded == version))
    connection.execute(
        update(table).where(table.c.feed_id == feed_id, table.c.met == version).values(met=version - 1)
    )


def change_groups_covered(connection: Connection, before: Coverage, after: Coverage, change: int) -> int:
    """Notes the change at every group with a component that is judged now and was not, or the other way round."""
    if before.labels == after.labels:
        return 0
    group = tables.component_group
    turned = [
        row.id
        for row in connection.execute(select(group.c.id, group.c.summary).where(group.c.changed < change))
        if any(before.covers(realm) != after.covers(realm) for realm in _realms(json.loads(row.summary)))
    ]
    for chunk in chunks(turned):
        connection.execute(update(group).where(group.c.id.in_(chunk)).values(changed=change))
    return len(turned)


def _realms(summary: Any) -> Iterable[str]:
    vendors = summary.get("of_vendor", {})
    for counts in (summary, *vendors.values()):
        yield from counts["ecosystems"]
    yield from vendors
