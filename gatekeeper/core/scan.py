"""The scan of a subject: what its SBOMs list, matched with what the feeds say. Facts; the rules judge them.

It comes from the database alone, so that a later feed judges an image again without the registry.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.core.component import OperatingSystem
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause
from gatekeeper.core.evidence import Evidence, Trust, Unavailable
from gatekeeper.core.feed import FeedKind, FeedState
from gatekeeper.core.match import Gap, Match


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One vulnerability of one component of one image: every matching record of one alias group."""

    match: Match
    documents: tuple[Digest, ...]
    """The SBOMs that list the component, in canonical order."""
    trust: Trust
    """Of the most trusted of them."""
    known_at: datetime
    """Since when a feed here has told of it."""
    fix_known_at: datetime | None
    """Since when a feed here has told of a fix: grace begins no earlier."""
    exploited_at: datetime | None = None
    """Since when CISA lists it as known exploited."""
    epss: str = ""
    """Its EPSS probability, ``0.97123``; empty when it has none."""


@dataclass(frozen=True, slots=True)
class EndOfLife:
    """When an operating system's release gets no security fixes any more (endoflife.date)."""

    product: str
    cycle: str
    at: datetime | None
    """None: the end is not set yet."""


@dataclass(frozen=True, slots=True)
class NodeScan:
    """What is known about one image (or, for an index, about the index's own SBOMs)."""

    digest: Digest
    documents: tuple[Digest, ...]
    """The SBOMs it rests on; empty: nothing was scanned."""
    vulnerabilities: tuple[Vulnerability, ...] = ()
    gaps: tuple[Gap, ...] = ()
    """What could not be judged; the first of them where there are very many."""
    components: int = 0
    unjudged: int = 0
    """Components for which nobody could say anything."""
    ecosystems: tuple[str, ...] = ()
    """Of its components, with their releases: ``Debian:12``, ``npm``; sorted."""
    untold: tuple[str, ...] = ()
    """Those of which the feeds hold no advisory; sorted."""
    operating_system: OperatingSystem | None = None
    end_of_life: EndOfLife | None = None
    """None: no feed names this release."""


@dataclass(frozen=True, slots=True)
class Told:
    """What KEV and EPSS say of a CVE that a scan report names."""

    name: str
    exploited_at: datetime | None = None
    epss: str = ""
    """Its probability, ``0.97123``; empty when it has none."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Everything that the database knows about a subject's components, as of one state of the feeds."""

    nodes: tuple[NodeScan, ...] = ()
    feeds: tuple[FeedState, ...] = ()
    told: tuple[Told, ...] = ()
    """Of those CVEs of scan reports that one of the two feeds names; by name."""

    def of(self, digest: Digest) -> NodeScan | None:
        """The scan of one node."""
        return next((node for node in self.nodes if node.digest == digest), None)

    def told_of(self, names: Iterable[str]) -> tuple[datetime | None, str]:
        """Since when one of these names is known as exploited, and the greatest EPSS probability of them."""
        wanted = frozenset(names)
        found = [told for told in self.told if told.name in wanted]
        exploited = (told.exploited_at for told in found if told.exploited_at is not None)
        return min(exploited, default=None), max((told.epss for told in found), default="")

    def outage(self, kind: FeedKind, now: datetime, nodes: Iterable[NodeScan] = ()) -> Unavailable | None:
        """Why feeds of this kind cannot be believed: missing, or too old. Never the image's fault.

        ``nodes``: of the image; an OSV feed of none of their ecosystems does not matter to it. None: any feed does.
        """
        feeds = [feed for feed in self.feeds if feed.kind is kind]
        if kind is FeedKind.OSV:
            scans = tuple(nodes)
            named = sorted({name for scan in scans for name in scan.ecosystems})
            told = {name for scan in scans for name in scan.ecosystems if name not in scan.untold}
            if named:
                feeds = [feed for feed in feeds if any(map(feed.concerns, told))]
            missing = f"no feed tells of advisories for {', '.join(named) or 'anything'}"
        else:
            missing = f"there is no {kind} feed"
        if not feeds:
            return Unavailable(
                f"feed {kind}", Cause.NOT_CONFIGURED, f"{missing}; run `gatekeeper feed update`"
            )
        for feed in feeds:
            if now >= feed.good_until:
                since = f"{feed.fetched_at:%Y-%m-%d %H:%M} UTC"
                return Unavailable(f"feed {feed.name}", Cause.STALE, f"it was last renewed {since}")
        return None

    def good_until(self, kind: FeedKind) -> datetime | None:
        """When the first feed of this kind becomes too old."""
        return min((feed.good_until for feed in self.feeds if feed.kind is kind), default=None)


def cves_reported(evidence: Evidence) -> tuple[str, ...]:
    """The CVE ids that the scan reports of a subject name, aliases too; sorted."""
    names = {
        name
        for node in (evidence.root, *evidence.children)
        for attested in node.reports
        for found in attested.report.vulnerabilities
        for name in (found.id, *found.aliases)
    }
    return tuple(sorted(name for name in names if name.startswith("CVE-")))


NOT_SCANNED = Scan()
"""Where there is no database: no feed can be asked."""
