"""What scans read of the database: documents with their groups, matches, and what the other feeds say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from gatekeeper.core.component import OperatingSystem, SbomDocument
from gatekeeper.core.digest import Digest
from gatekeeper.core.feed import FeedKind
from gatekeeper.core.match import Affectedness, Gap, Match
from gatekeeper.database import tables
from gatekeeper.database.columns import storable
from gatekeeper.database.components import ids_of
from gatekeeper.database.coverage import Coverage, coverage_of
from gatekeeper.database.marks import chunks
from gatekeeper.database.rows import read_body
from gatekeeper.ports.vulnerabilities import Matcher

_MOST_GROUPS = 20_000
_MOST_COMPONENTS = 500_000


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """A stored document."""

    system: OperatingSystem | None
    members: frozenset[int]
    components: int
    unreadable: int
    realms: Mapping[str, int]
    unjudged: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class MatchedRow:
    """A row of ``match`` with what its advisory adds."""

    component_id: int
    found: Match | Gap
    seen_at: datetime
    fix_seen_at: datetime | None
    newest: bool
    acted: bool
    vendor: str
    """The realm of the OS package that brought the component; empty: none did."""


@dataclass(frozen=True, slots=True)
class FactRow:
    """A row of ``feed_fact``."""

    kind: FeedKind
    name: str
    score: float | None
    at: datetime | None
    newest: bool
    acted: bool


@dataclass(frozen=True, slots=True)
class _Counts:
    """Components by realm, and those of none by the reason."""

    realms: Mapping[str, int]
    unjudged: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class KeptGroup:
    """A stored group."""

    members: frozenset[int]
    counts: _Counts
    of_vendor: Mapping[str, _Counts]
    """Components that OS packages brought, by the realm of these."""


class ScanReader:
    """What scans read of the database. What cannot change is kept: groups for ever, matches while the feeds stay.

    Judging an estate again reads the same few groups and components for image after image.
    """

    def __init__(self) -> None:
        self._groups: dict[int, KeptGroup] = {}
        self._feeds: tuple[object, ...] = ()
        self._coverage: tuple[tuple[object, ...], Coverage] | None = None
        self._matched: dict[int, tuple[MatchedRow, ...]] = {}

    def coverage(self, connection: Connection, matcher: Matcher, feeds: tuple[object, ...]) -> Coverage:
        """What the feeds tell of. ``feeds``: the versions that this is true of."""
        if self._coverage is None or self._coverage[0] != feeds or self._coverage[1].matcher is not matcher:
            self._coverage = (feeds, coverage_of(connection, matcher))
        return self._coverage[1]

    def documents(
        self, connection: Connection, digests: Sequence[Digest], coverage: Coverage
    ) -> dict[Digest, KeptDocument]:
        """Stored documents by digest. ``coverage``: says who judges what OS packages brought."""
        found: dict[Digest, KeptDocument] = {}
        for chunk in chunks(digests):
            groups: dict[Digest, list[int]] = {}
            rows: dict[Digest, Any] = {}
            for row in connection.execute(_DOCUMENTS, {"digests": chunk}):
                rows[row.digest] = row
                if row.group_id is not None:
                    groups.setdefault(row.digest, []).append(row.group_id)
            for digest, row in rows.items():
                found[digest] = _document(
                    row, self._read_groups(connection, groups.get(digest, [])), coverage
                )
        return found

    def _read_groups(self, connection: Connection, ids: Sequence[int]) -> list[KeptGroup]:
        known = self._groups
        missing = [group_id for group_id in ids if group_id not in known]
        if missing:
            if len(known) > _MOST_GROUPS:
                known = self._groups = {}
                missing = list(ids)
            for row in connection.execute(_GROUPS, {"ids": missing}):
                summary = json.loads(row.summary)
                of_vendor = {
                    vendor: _Counts(counts["ecosystems"], counts["unjudged"])
                    for vendor, counts in summary.get("of_vendor", {}).items()
                }
                own = _Counts(summary["ecosystems"], summary["unjudged"])
                known[row.id] = KeptGroup(frozenset(ids_of(row.members)), own, of_vendor)
        return [known[group_id] for group_id in ids]

    def matched(
        self, connection: Connection, component_ids: Iterable[int], feeds: tuple[object, ...]
    ) -> list[MatchedRow]:
        """What advisories say of components. ``feeds``: the versions that this is true of."""
        if feeds != self._feeds or len(self._matched) > _MOST_COMPONENTS:
            self._matched, self._feeds = {}, feeds
        known, wanted = self._matched, sorted(component_ids)
        missing = [component_id for component_id in wanted if component_id not in known]
        for chunk in chunks(missing):
            rows: dict[int, list[MatchedRow]] = {component_id: [] for component_id in chunk}
            for row in connection.execute(_MATCHES, {"ids": chunk}):
                newest, acted = _visible(row, row.version), _visible(row, row.acted)
                if newest or acted:
                    rows[row.component_id].append(
                        MatchedRow(
                            row.component_id,
                            _found(row.state, row.body),
                            row.seen_at,
                            row.fix_seen_at,
                            newest,
                            acted,
                            row.vendor or "",
                        )
                    )
            known.update((component_id, tuple(listed)) for component_id, listed in rows.items())
        return [row for component_id in wanted for row in known[component_id]]

    def facts(
        self,
        connection: Connection,
        matched: Sequence[MatchedRow],
        documents: Iterable[KeptDocument],
        reported: Sequence[str],
    ) -> list[FactRow]:
        """What the other feeds say of these vulnerabilities (matched, and named by reports) and releases."""
        names = {
            name
            for row in matched
            if isinstance(row.found, Match)
            for name in (row.found.advisory, *row.found.aliases)
            if name.startswith("CVE-")
        }
        names |= set(map(storable, reported))
        names |= {cycle for document in documents for cycle in cycles_of(document.system)}
        found = []
        for chunk in chunks(sorted(names)):
            for row in connection.execute(_FACTS, {"names": chunk}):
                newest, acted = _visible(row, row.version), _visible(row, row.acted)
                if newest or acted:
                    found.append(FactRow(FeedKind(row.kind), row.name, row.score, row.at, newest, acted))
        return found


def _documents_statement() -> Select[Any]:
    document, link = tables.sbom_document, tables.document_group
    return (
        select(
            document.c.digest, document.c.components, document.c.unreadable, document.c.body, link.c.group_id
        )
        .outerjoin(link, link.c.document_id == document.c.id)
        .where(document.c.digest.in_(bindparam("digests", expanding=True)))
    )


def _matches_statement() -> Select[Any]:
    match, advisory, feed, component = tables.match, tables.advisory, tables.feed, tables.component
    return (
        select(
            match.c.component_id,
            component.c.vendor,
            match.c.state,
            match.c.body,
            advisory.c.loaded,
            advisory.c.retired,
            advisory.c.seen_at,
            advisory.c.fix_seen_at,
            feed.c.version,
            feed.c.acted,
        )
        .join(component, component.c.id == match.c.component_id)
        .join(advisory, advisory.c.id == match.c.advisory_id)
        .join(feed, feed.c.id == advisory.c.feed_id)
        .where(match.c.component_id.in_(bindparam("ids", expanding=True)))
        .order_by(match.c.component_id, match.c.advisory_id)
    )


def _facts_statement() -> Select[Any]:
    fact, feed = tables.feed_fact, tables.feed
    return (
        select(fact, feed.c.kind, feed.c.version, feed.c.acted)
        .join(feed, feed.c.id == fact.c.feed_id)
        .where(fact.c.name.in_(bindparam("names", expanding=True)))
        .order_by(fact.c.id)
    )


_DOCUMENTS = _documents_statement()
_GROUPS = select(
    tables.component_group.c.id, tables.component_group.c.members, tables.component_group.c.summary
).where(tables.component_group.c.id.in_(bindparam("ids", expanding=True)))
_MATCHES = _matches_statement()
_FACTS = _facts_statement()
CHANGE = select(tables.counter.c.value).where(tables.counter.c.name == "feed")


@lru_cache(maxsize=50_000)
def _found(state: str, body: str) -> Match | Gap:
    """The same rows are read for thousands of images."""
    return read_body(Match, body) if state == Affectedness.AFFECTED else read_body(Gap, body)


def _visible(row: Any, version: int) -> bool:
    return bool(row.loaded <= version and (row.retired is None or row.retired > version))


def _document(row: Any, groups: Sequence[KeptGroup], coverage: Coverage) -> KeptDocument:
    realms: Counter[str] = Counter()
    unjudged: Counter[str] = Counter()
    for group in groups:
        brought = [
            counts for vendor, counts in group.of_vendor.items() if not coverage.left_to_vendor(vendor)
        ]
        for counts in (group.counts, *brought):
            realms.update(counts.realms)
            unjudged.update(counts.unjudged)
    return KeptDocument(
        _system(row.body),
        frozenset().union(*(group.members for group in groups)),
        row.components,
        row.unreadable,
        realms,
        unjudged,
    )


@lru_cache(maxsize=5_000)
def _system(body: str) -> OperatingSystem | None:
    return read_body(SbomDocument, body).operating_system


_PRODUCTS = {
    "almalinux": "almalinux",
    "alpine": "alpine",
    "amzn": "amazon-linux",
    "centos": "centos",
    "debian": "debian",
    "fedora": "fedora",
    "ol": "oracle-linux",
    "opensuse-leap": "opensuse",
    "photon": "photon",
    "rhel": "rhel",
    "rocky": "rocky-linux",
    "sles": "sles",
    "ubuntu": "ubuntu",
}
"""``ID`` of os-release to the product's name at endoflife.date."""


def cycles_of(system: OperatingSystem | None) -> tuple[str, ...]:
    """What endoflife.date may call a release: ``alpine:3.20.1``, then ``alpine:3.20``, then ``alpine:3``."""
    if system is None or not system.version_id or system.id not in _PRODUCTS:
        return ()
    parts = system.version_id.split(".")
    return tuple(f"{_PRODUCTS[system.id]}:{'.'.join(parts[:count])}" for count in range(len(parts), 0, -1))
