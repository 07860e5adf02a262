"""The scan of a subject, read from what is stored: documents, groups, matches and facts; no registry is asked.

Everything is read once for both views of the feeds: the newest versions, and those that actions rest on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from gatekeeper.core.component import OperatingSystem
from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Trust
from gatekeeper.core.feed import FeedKind, FeedState
from gatekeeper.core.match import Gap, Match, not_covered
from gatekeeper.core.scan import EndOfLife, NodeScan, Scan, Told, Vulnerability
from gatekeeper.database.components import keep_documents
from gatekeeper.database.connection import Link
from gatekeeper.database.coverage import Coverage
from gatekeeper.database.feeds import feed_rows, states_of
from gatekeeper.database.scan_rows import CHANGE, FactRow, KeptDocument, MatchedRow, ScanReader, cycles_of
from gatekeeper.ports import GatheredSbom
from gatekeeper.ports.vulnerabilities import CarriedSbom, Matcher, Scanned

_TRUST = tuple(Trust)
"""Highest first."""
GAPS = 200
"""Gaps that a scan names one by one."""


class Scans:
    """``ports.ScanStore``."""

    _link: Link
    _scanning: ScanReader

    def scan(
        self,
        nodes: Mapping[Digest, Sequence[CarriedSbom]],
        matcher: Matcher,
        *,
        max_age: timedelta,
        reported: Sequence[str] = (),
    ) -> Scanned:
        """What is known about each node by the documents that count for it. One consistent reading is not needed:
        a change that comes meanwhile is greater than the one that is returned, and leaves the subject due.
        """
        with self._link.reading() as connection:
            return _scanned(connection, self._scanning, nodes, matcher, max_age, reported)

    def scan_unkept(
        self,
        gathered: Sequence[GatheredSbom],
        nodes: Mapping[Digest, Sequence[CarriedSbom]],
        matcher: Matcher,
        *,
        max_age: timedelta,
        reported: Sequence[str] = (),
    ) -> Scanned:
        """The same for documents that stay unknown: what is written to match them is taken back."""
        with self._link.trying() as connection:
            keep_documents(connection, gathered, matcher)
            # A reader of its own: the numbers of these rows will be given to others.
            return _scanned(connection, ScanReader(), nodes, matcher, max_age, reported)


def _scanned(
    connection: Connection,
    reader: ScanReader,
    nodes: Mapping[Digest, Sequence[CarriedSbom]],
    matcher: Matcher,
    max_age: timedelta,
    reported: Sequence[str],
) -> Scanned:
    change = connection.execute(CHANGE).scalar_one()
    rows = feed_rows(connection)
    feeds = states_of(rows, max_age)
    versions = tuple((row.id, row.version, row.acted) for row in rows)
    coverage = reader.coverage(connection, matcher, versions)
    documents = reader.documents(
        connection, sorted({sbom.document for listed in nodes.values() for sbom in listed}), coverage
    )
    members = set().union(*(document.members for document in documents.values()))
    matched = [
        row
        for row in reader.matched(connection, members, versions)
        if not coverage.left_to_vendor(row.vendor)
    ]
    facts = reader.facts(connection, matched, documents.values(), reported)
    newest = _scan(
        nodes,
        documents,
        matched,
        facts,
        coverage,
        feeds,
        reported=reported,
        counts=lambda row: bool(row.newest),
    )
    found: list[MatchedRow | FactRow] = [*matched, *facts]
    if all(row.newest == row.acted for row in found):
        return Scanned(newest, change)
    acted = _scan(
        nodes,
        documents,
        matched,
        facts,
        coverage,
        feeds,
        reported=reported,
        counts=lambda row: bool(row.acted),
    )
    return Scanned(newest, change, acted)


def _scan(
    nodes: Mapping[Digest, Sequence[CarriedSbom]],
    documents: Mapping[Digest, KeptDocument],
    matched: Sequence[MatchedRow],
    facts: Sequence[FactRow],
    coverage: Coverage,
    feeds: tuple[FeedState, ...],
    *,
    reported: Sequence[str],
    counts: Callable[[MatchedRow | FactRow], bool],
) -> Scan:
    by_component: dict[int, list[MatchedRow]] = {}
    for row in matched:
        if counts(row):
            by_component.setdefault(row.component_id, []).append(row)
    known = _Facts.of(fact for fact in facts if counts(fact))
    return Scan(
        tuple(
            _node(digest, nodes[digest], documents, by_component, known, coverage) for digest in sorted(nodes)
        ),
        feeds,
        known.told(reported),
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

    def told(self, names: Sequence[str]) -> tuple[Told, ...]:
        """What is said of CVEs that reports name."""
        return tuple(
            Told(name, self.exploited.get(name), _written(self.scores.get(name)))
            for name in sorted(names)
            if name in self.exploited or name in self.scores
        )


def _written(score: float | None) -> str:
    return "" if score is None else f"{score:.5f}"


def _node(
    digest: Digest,
    carried: Sequence[CarriedSbom],
    documents: Mapping[Digest, KeptDocument],
    by_component: Mapping[int, Sequence[MatchedRow]],
    facts: _Facts,
    coverage: Coverage,
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
        vulnerabilities += _vulnerabilities(rows, carriers[component_id], facts, coverage.matcher)
    realms: Counter[str] = Counter()
    for sbom in present:
        realms.update(documents[sbom.document].realms)
    labels = {realm: coverage.matcher.labels(realm) for realm in realms}
    uncovered = [realm for realm in realms if not coverage.covers(realm)]
    gaps += map(not_covered, sorted({labels[realm][0] for realm in uncovered}))
    ecosystems = {label for realm in realms for label in labels[realm]}
    told = {label for realm in realms if coverage.covers(realm) for label in labels[realm]}
    unjudged = sum(
        sum(documents[sbom.document].unjudged.values()) + documents[sbom.document].unreadable
        for sbom in present
    )
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
        unjudged=unjudged + sum(realms[realm] for realm in uncovered),
        ecosystems=tuple(sorted(ecosystems)),
        untold=tuple(sorted(ecosystems - told)),
        operating_system=system,
        end_of_life=_end_of_life(system, facts),
    )


def _vulnerabilities(
    rows: Sequence[MatchedRow], carriers: Sequence[CarriedSbom], facts: _Facts, matcher: Matcher
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
                epss=_written(max(scores, default=None)),
            )
        )
    return found


def _end_of_life(system: OperatingSystem | None, facts: _Facts) -> EndOfLife | None:
    for name in cycles_of(system):
        if name in facts.ends:
            product, _, cycle = name.partition(":")
            return EndOfLife(product, cycle, facts.ends[name])
    return None
