"""Matches: which advisory names which component. Image-independent, and kept for every advisory that readers may see.

Both directions end in the same rows: a new component meets every advisory, a new advisory every component. Both run in
serial transactions, so that neither misses the other.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from gatekeeper.core.advisory import Advisory
from gatekeeper.core.match import Affectedness, Gap, Match
from gatekeeper.database import tables
from gatekeeper.database.columns import escaped_text
from gatekeeper.database.marks import chunks
from gatekeeper.database.stored import read_stored
from gatekeeper.database.upsert import insert_missing
from gatekeeper.ports.vulnerabilities import Matcher, StoredComponent

_ROWS = 2_000
"""Matches written at once."""


def match_new_components(
    connection: Connection,
    matcher: Matcher,
    components: Mapping[int, StoredComponent],
    links: Sequence[Mapping[str, Any]],
) -> None:
    """``links``: the rows of ``component_package`` of these components."""
    by_package: dict[int, list[Mapping[str, Any]]] = {}
    for link in links:
        by_package.setdefault(link["package_id"], []).append(link)
    span = tables.advisory_range
    pairs: dict[int, set[int]] = {}
    for chunk in chunks(sorted(by_package)):
        for row in connection.execute(
            select(span.c.advisory_id, span.c.package_id, span.c.low, span.c.high).where(
                span.c.package_id.in_(chunk)
            )
        ):
            for link in by_package[row.package_id]:
                if _within(link["vkey"], row.low, row.high):
                    pairs.setdefault(row.advisory_id, set()).add(link["component_id"])
    for chunk in chunks(sorted(pairs)):
        found = [
            row
            for advisory_id, advisory in read_advisories(connection, matcher, chunk)
            for row in _compared(matcher, advisory_id, advisory, pairs[advisory_id], components)
        ]
        keep(connection, found)


def match_new_advisories(
    connection: Connection,
    matcher: Matcher,
    advisories: Mapping[int, Advisory],
    spans: Sequence[Mapping[str, Any]],
) -> None:
    """``spans``: the rows of ``advisory_range`` of these advisories."""
    by_package: dict[int, list[Mapping[str, Any]]] = {}
    for span in spans:
        by_package.setdefault(span["package_id"], []).append(span)
    link = tables.component_package
    pairs: dict[int, set[int]] = {}
    for chunk in chunks(sorted(by_package)):
        for row in connection.execute(
            select(link.c.package_id, link.c.component_id, link.c.vkey).where(link.c.package_id.in_(chunk))
        ):
            for span in by_package[row.package_id]:
                if _within(row.vkey, span["low"], span["high"]):
                    pairs.setdefault(span["advisory_id"], set()).add(row.component_id)
    components = read_components(connection, set().union(*pairs.values()))
    keep(
        connection,
        [
            row
            for advisory_id in sorted(pairs)
            for row in _compared(
                matcher, advisory_id, advisories[advisory_id], pairs[advisory_id], components
            )
        ],
    )


def _within(key: bytes | None, low: bytes | None, high: bytes | None) -> bool:
    if key is None:
        return True
    return (low is None or low <= key) and (high is None or key <= high)


def _compared(
    matcher: Matcher,
    advisory_id: int,
    advisory: Advisory,
    component_ids: Iterable[int],
    components: Mapping[int, StoredComponent],
) -> list[dict[str, Any]]:
    rows = []
    for component_id in sorted(component_ids):
        found = matcher.match(components[component_id], advisory)
        if found is not None:
            rows.append(_row(advisory_id, component_id, found))
    return rows


def _row(advisory_id: int, component_id: int, found: Match | Gap) -> dict[str, Any]:
    state = Affectedness.AFFECTED if isinstance(found, Match) else Affectedness.INDETERMINATE
    return {
        "advisory_id": advisory_id,
        "component_id": component_id,
        "state": str(state),
        "body": escaped_text(found),
    }


def keep(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes matches; those that are there already stay."""
    for start in range(0, len(rows), _ROWS):
        insert_missing(connection, tables.match, rows[start : start + _ROWS])


def read_components(connection: Connection, ids: Iterable[int]) -> dict[int, StoredComponent]:
    """Stored components by id."""
    component = tables.component
    found: dict[int, StoredComponent] = {}
    for chunk in chunks(sorted(ids)):
        rows = connection.execute(select(component.c.id, component.c.body).where(component.c.id.in_(chunk)))
        found |= {row.id: read_stored(row.body) for row in rows}
    return found


def read_advisories(
    connection: Connection, matcher: Matcher, ids: Sequence[int]
) -> list[tuple[int, Advisory]]:
    """Advisories by the ids of their rows, in that order."""
    advisory = tables.advisory
    rows = connection.execute(
        select(advisory.c.id, advisory.c.body).where(advisory.c.id.in_(ids)).order_by(advisory.c.id)
    )
    return [(row.id, matcher.read(zlib.decompress(row.body))) for row in rows]
