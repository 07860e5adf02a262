"""A full rebuild of what imports and judgements keep incrementally, to compare the two (``affected --verify``).

It goes the other way round and takes no short cut: every component whose package an advisory names is compared, and
groups are read from their members.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from gatekeeper.core.match import Affectedness, Match
from gatekeeper.database import tables
from gatekeeper.database.components import ids_of
from gatekeeper.database.connection import Link
from gatekeeper.database.marks import chunks
from gatekeeper.database.matches import read_advisories, read_components
from gatekeeper.ports.vulnerabilities import Matcher

_TOLD = 100
"""Differences that are named; more are only counted."""


class Rebuild:
    """The self-check of the index."""

    _link: Link

    def rebuild_differences(self, matcher: Matcher) -> tuple[str, ...]:
        """What a full rebuild over every advisory finds otherwise; normally nothing."""
        advisory = tables.advisory
        with self._link.reading() as connection:
            ids = connection.execute(select(advisory.c.id).order_by(advisory.c.id)).scalars().all()
            return differences_of(connection, matcher, ids)


def differences_of(connection: Connection, matcher: Matcher, advisory_ids: Sequence[int]) -> tuple[str, ...]:
    """The same for some advisories."""
    found: list[str] = []
    for chunk in chunks(advisory_ids):
        found += _matches(connection, matcher, chunk)
    found += _groups(connection)
    if len(found) > _TOLD:
        return (*found[:_TOLD], f"and {len(found) - _TOLD} more")
    return tuple(found)


def _matches(connection: Connection, matcher: Matcher, advisory_ids: Sequence[int]) -> list[str]:
    link, match = tables.component_package, tables.match
    expected: dict[tuple[int, int], str] = {}
    for advisory_id, advisory in read_advisories(connection, matcher, advisory_ids):
        packages = _packages_of(connection, advisory_id)
        ids = connection.execute(
            select(link.c.component_id).distinct().where(link.c.package_id.in_(packages))
        ).scalars()
        for component_id, stored in read_components(connection, ids).items():
            result = matcher.match(stored, advisory)
            if result is not None:
                sure = isinstance(result, Match)
                state = Affectedness.AFFECTED if sure else Affectedness.INDETERMINATE
                expected[advisory_id, component_id] = str(state)
    rows = connection.execute(
        select(match.c.advisory_id, match.c.component_id, match.c.state).where(
            match.c.advisory_id.in_(advisory_ids)
        )
    )
    kept = {(row.advisory_id, row.component_id): row.state for row in rows}
    return [
        f"advisory row {key[0]}, component row {key[1]}: stored {kept.get(key, 'nothing')},"
        f" rebuilt {expected.get(key, 'nothing')}"
        for key in sorted(kept.keys() | expected.keys())
        if kept.get(key) != expected.get(key)
    ]


def _packages_of(connection: Connection, advisory_id: int) -> Sequence[int]:
    span = tables.advisory_range
    return (
        connection.execute(select(span.c.package_id).distinct().where(span.c.advisory_id == advisory_id))
        .scalars()
        .all()
    )


def _groups(connection: Connection) -> list[str]:
    """Groups whose members and index disagree."""
    group, link = tables.component_group, tables.group_component
    found: list[str] = []
    for row in connection.execute(select(group.c.id, group.c.members).order_by(group.c.id)):
        indexed = set(
            connection.execute(select(link.c.component_id).where(link.c.group_id == row.id)).scalars()
        )
        if indexed != set(ids_of(row.members)):
            found.append(f"group row {row.id}: its members and the index disagree")
    return found
