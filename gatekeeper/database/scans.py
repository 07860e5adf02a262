"""The scan of a subject, read from what is stored: documents, groups, matches and facts; no registry is asked.

Everything is read once for both views of the feeds: the newest versions, and those that actions rest on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, select

from gatekeeper.core.component import OperatingSystem, SbomDocument
from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Trust
from gatekeeper.core.feed import FeedKind, FeedState
from gatekeeper.core.match import Affectedness, Gap, Match, Unjudged
from gatekeeper.core.scan import EndOfLife, NodeScan, Scan, Vulnerability
from gatekeeper.database import tables
from gatekeeper.database.components import ids_of
from gatekeeper.database.connection import Link
from gatekeeper.database.feeds import feed_states
from gatekeeper.database.marks import chunks
from gatekeeper.database.rows import read_body
from gatekeeper.ports.vulnerabilities import CarriedSbom, Matcher, Scanned

_TRUST = tuple(Trust)
"""Highest first."""
GAPS = 200
"""Gaps that a scan names one by one."""


class Scans:
    """``ports.ScanStore``."""

    _link: Link

    def scan(
        self, nodes: Mapping[Digest, Sequence[CarriedSbom]], matcher: Matcher, *, max_age: timedelta
    ) -> Scanned:
        """What is known about each node by the documents that count for it. One consistent reading is not needed:
        a change that comes meanwhile is greater than the one that is returned, and leaves the subject due.
        """
        counter = tables.counter
        with self._link.reading() as connection:
            change = connection.execute(select(counter.c.value).where(counter.c.name == "feed")).scalar_one()
            feeds = feed_states(connection, max_age)
            reading = _Reading(connection, matcher, feeds)
            documents = reading.documents(
                sorted({sbom.document for listed in nodes.values() for sbom in listed})
            )
            matched = reading.matched(
                sorted(set().union(*(document.members for document in documents.values())))
            )
            facts = reading.facts(matched, documents.values())
        newest = _scan(nodes, documents, matched, facts, matcher, feeds, lambda row: bool(row.newest))
        rows: list[_Matched | _Fact] = [*matched, *facts]
        if all(row.newest == row.acted for row in rows):
            return Scanned(newest, change)
        acted = _scan(nodes, documents, matched, facts, matcher, feeds, lambda row: bool(row.acted))
        return Scanned(newest, change, acted)


@dataclass(frozen=True, slots=True)
class _Document:
    """A stored document."""

    system: OperatingSystem | None
    members: frozenset[int]
    components: int
    unreadable: int
    ecosystems: Mapping[str, int]
    unjudged: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Matched:
    """A row of ``match`` with what its advisory adds."""

    component_id: int
    found: Match | Gap
    seen_at: datetime
    fix_seen_at: datetime | None
    newest: bool
    acted: bool


@dataclass(frozen=True, slots=True)
class _Fact:
    """A row of ``feed_fact``."""

    kind: FeedKind
    name: str
    score: float | None
    at: datetime | None
    newest: bool
    acted: bool


@dataclass(frozen=True, slots=True)
class _Reading:
    connection: Connection
    matcher: Matcher
    feeds: tuple[FeedState, ...]

    def documents(self, digests: Sequence[Digest]) -> dict[Digest, _Document]:
        table, link, group = tables.sbom_document, tables.document_group, tables.component_group
        found: dict[Digest, _Document] = {}
        for chunk in chunks(digests):
            groups: dict[int, list[Any]] = {}
            statement = (
                select(link.c.document_id, group.c.id, group.c.members, group.c.summary)
                .join(group, group.c.id == link.c.group_id)
                .join(table, table.c.id == link.c.document_id)
                .where(table.c.digest.in_(chunk))
            )
            for row in self.connection.execute(statement):
                groups.setdefault(row.document_id, []).append(row)
            for row in self.connection.execute(select(table).where(table.c.digest.in_(chunk))):
                found[row.digest] = _document(row, groups.get(row.id, []))
        return found

    def matched(self, component_ids: Sequence[int]) -> list[_Matched]:
        match, advisory, feed = tables.match, tables.advisory, tables.feed
        found = []
        for chunk in chunks(component_ids):
            statement = (
                select(
                    match.c.advisory_id,
                    match.c.component_id,
                    match.c.state,
                    match.c.body,
                    advisory.c.loaded,
                    advisory.c.retired,
                    advisory.c.seen_at,
                    advisory.c.fix_seen_at,
                    feed.c.version,
                    feed.c.acted,
                )
                .join(advisory, advisory.c.id == match.c.advisory_id)
                .join(feed, feed.c.id == advisory.c.feed_id)
                .where(match.c.component_id.in_(chunk))
                .order_by(match.c.component_id, match.c.advisory_id)
            )
            for row in self.connection.execute(statement):
                newest, acted = _visible(row, row.version), _visible(row, row.acted)
                if newest or acted:
                    found.append(
                        _Matched(
                            row.component_id,
                            _found(row.state, row.body),
                            row.seen_at,
                            row.fix_seen_at,
                            newest,
                            acted,
                        )
                    )
        return found

    def facts(self, matched: Sequence[_Matched], documents: Any) -> list[_Fact]:
        names = {
            name
            for row in matched
            if isinstance(row.found, Match)
            for name in (row.found.advisory, *row.found.aliases)
            if name.startswith("CVE-")
        }
        names |= {cycle for document in documents for cycle in cycles_of(document.system)}
        table, feed = tables.feed_fact, tables.feed
        found = []
        for chunk in chunks(sorted(names)):
            statement = (
                select(table, feed.c.kind, feed.c.version, feed.c.acted)
                .join(feed, feed.c.id == table.c.feed_id)
                .where(table.c.name.in_(chunk))
                .order_by(table.c.id)
            )
            for row in self.connection.execute(statement):
                newest, acted = _visible(row, row.version), _visible(row, row.acted)
                if newest or acted:
                    found.append(_Fact(FeedKind(row.kind), row.name, row.score, row.at, newest, acted))
        return found


@lru_cache(maxsize=50_000)
def _found(state: str, body: str) -> Match | Gap:
    """The same rows are read for thousands of images."""
    return read_body(Match, body) if state == Affectedness.AFFECTED else read_body(Gap, body)


def _visible(row: Any, version: int) -> bool:
    return bool(row.loaded <= version and (row.retired is None or row.retired > version))


def _document(row: Any, groups: Sequence[Any]) -> _Document:
    ecosystems: Counter[str] = Counter()
    unjudged: Counter[str] = Counter()
    members: set[int] = set()
    for group in groups:
        summary = json.loads(group.summary)
        ecosystems.update(summary["ecosystems"])
        unjudged.update(summary["unjudged"])
        members.update(ids_of(group.members))
    system = read_body(SbomDocument, row.body).operating_system
    return _Document(system, frozenset(members), row.components, row.unreadable, ecosystems, unjudged)


def _scan(
    nodes: Mapping[Digest, Sequence[CarriedSbom]],
    documents: Mapping[Digest, _Document],
    matched: Sequence[_Matched],
    facts: Sequence[_Fact],
    matcher: Matcher,
    feeds: tuple[FeedState, ...],
    counts: Callable[[_Matched | _Fact], bool],
) -> Scan:
    by_component: dict[int, list[_Matched]] = {}
    for row in matched:
        if counts(row):
            by_component.setdefault(row.component_id, []).append(row)
    known = _Facts.of(fact for fact in facts if counts(fact))
    return Scan(
        tuple(
            _node(digest, nodes[digest], documents, by_component, known, matcher, feeds)
            for digest in sorted(nodes)
        ),
        feeds,
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """Facts by name."""

    exploited: dict[str, datetime] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)
    ends: dict[str, datetime | None] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Any) -> _Facts:
        known = cls()
        for fact in facts:
            if fact.kind is FeedKind.KEV and fact.at is not None:
                known.exploited[fact.name] = fact.at
            elif fact.kind is FeedKind.EPSS and fact.score is not None:
                known.scores[fact.name] = max(fact.score, known.scores.get(fact.name, 0.0))
            elif fact.kind is FeedKind.END_OF_LIFE:
                known.ends[fact.name] = fact.at
        return known


def _node(
    digest: Digest,
    carried: Sequence[CarriedSbom],
    documents: Mapping[Digest, _Document],
    by_component: Mapping[int, Sequence[_Matched]],
    facts: _Facts,
    matcher: Matcher,
    feeds: tuple[FeedState, ...],
) -> NodeScan:
    present = [sbom for sbom in carried if sbom.document in documents]
    carriers: dict[int, list[CarriedSbom]] = {}
    for sbom in present:
        for component_id in documents[sbom.document].members & by_component.keys():
            carriers.setdefault(component_id, []).append(sbom)
    vulnerabilities: list[Vulnerability] = []
    gaps: list[Gap] = []
    for component_id in sorted(carriers):
        rows = by_component[component_id]
        gaps += [row.found for row in rows if isinstance(row.found, Gap)]
        vulnerabilities += _vulnerabilities(rows, carriers[component_id], facts, matcher)
    ecosystems = sorted({name for sbom in present for name in documents[sbom.document].ecosystems})
    uncovered = sum(
        count
        for sbom in present
        for name, count in documents[sbom.document].ecosystems.items()
        if not any(feed.covers(name) for feed in feeds)
    )
    unjudged = sum(
        sum(documents[sbom.document].unjudged.values()) + documents[sbom.document].unreadable
        for sbom in present
    )
    for name in ecosystems:
        if not any(feed.covers(name) for feed in feeds):
            gaps.append(Gap("", Unjudged.ECOSYSTEM_NOT_COVERED, f"no feed tells of {name}"))
    systems = [documents[sbom.document].system for sbom in present]
    system = next((found for found in systems if found is not None), None)
    return NodeScan(
        digest=digest,
        documents=tuple(sorted({sbom.document for sbom in present})),
        vulnerabilities=tuple(
            sorted(
                vulnerabilities,
                key=lambda one: (-one.match.rating.severity.rank, one.match.advisory, one.match.component),
            )
        ),
        gaps=tuple(gaps[:GAPS]),
        components=sum(documents[sbom.document].components for sbom in present),
        unjudged=unjudged + uncovered,
        ecosystems=tuple(ecosystems),
        operating_system=system,
        end_of_life=_end_of_life(system, facts),
    )


def _vulnerabilities(
    rows: Sequence[_Matched], carriers: Sequence[CarriedSbom], facts: _Facts, matcher: Matcher
) -> list[Vulnerability]:
    affected = [row for row in rows if isinstance(row.found, Match)]
    trust = min((sbom.trust for sbom in carriers), key=_TRUST.index)
    documents = tuple(sorted({sbom.document for sbom in carriers}))
    found = []
    for joined, positions in matcher.join([row.found for row in affected if isinstance(row.found, Match)]):
        part = [affected[position] for position in positions]
        names = (joined.advisory, *joined.advisories, *joined.aliases)
        scores = [facts.scores[name] for name in names if name in facts.scores]
        exploited = [facts.exploited[name] for name in names if name in facts.exploited]
        fixes = [row.fix_seen_at for row in part if row.fix_seen_at is not None]
        found.append(
            Vulnerability(
                match=joined,
                documents=documents,
                trust=trust,
                known_at=min(row.seen_at for row in part),
                fix_known_at=min(fixes, default=None) if joined.fixed else None,
                exploited_at=min(exploited, default=None),
                epss=f"{max(scores):.5f}" if scores else "",
            )
        )
    return found


def _end_of_life(system: OperatingSystem | None, facts: _Facts) -> EndOfLife | None:
    for name in cycles_of(system):
        if name in facts.ends:
            product, _, cycle = name.partition(":")
            return EndOfLife(product, cycle, facts.ends[name])
    return None


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
