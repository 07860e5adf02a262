"""What the workflow and the store ask of the room that reads advisories and compares versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatekeeper.core.advisory import Advisory, AdvisoryText
from gatekeeper.core.component import Component, OperatingSystem, SbomDocument
from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Trust
from gatekeeper.core.feed import FeedKind
from gatekeeper.core.match import Gap, Match, Unjudged
from gatekeeper.core.reference import Repository
from gatekeeper.core.scan import Scan


@dataclass(frozen=True, slots=True)
class PackageName:
    """Where components and advisories meet: an ecosystem without its release, and a name as compared there."""

    ecosystem: str
    name: str


@dataclass(frozen=True, slots=True)
class NamedVersion:
    """What a component is called where advisories name it. ``key`` orders like its version; None: cannot be ordered."""

    package: PackageName
    key: bytes | None


@dataclass(frozen=True, slots=True)
class Span:
    """The keys between which an advisory may concern a package, both included; None: no bound.

    Wider than the truth where it must be: ``Matcher.match`` decides.
    """

    package: PackageName
    low: bytes | None
    high: bytes | None


@dataclass(frozen=True, slots=True)
class StoredComponent:
    """A component as matching needs it, with the distribution that its document names for OS packages."""

    component: Component
    system: OperatingSystem | None = None


class Matcher(Protocol):
    """Reads advisories and compares versions. Pure."""

    def names(self, stored: StoredComponent) -> tuple[NamedVersion, ...] | Unjudged:
        """Everything that advisories may call it (binary and source package), or why nobody can say."""
        ...

    def vendors(self, document: SbomDocument) -> tuple[str, ...]:
        """For each component the realm of the OS package that brought it; empty where none did.

        While feeds tell of that realm, they judge the component, and the component's own ecosystem does not.
        """
        ...

    def realm(self, stored: StoredComponent) -> str | Unjudged:
        """What decides whether feeds tell of it: ``PyPI``, ``Debian:12``; empty for what is no package."""
        ...

    def covers(self, realm: str, labels: frozenset[str]) -> bool:
        """Whether feeds tell of the realm. ``labels``: the ecosystems that their records name, as written."""
        ...

    def labels(self, realm: str) -> tuple[str, ...]:
        """Its ecosystems with their releases as OSV writes them, the likeliest first."""
        ...

    def read(self, record: bytes) -> Advisory:
        """One OSV record. Raises MalformedError."""
        ...

    def describe(self, record: bytes) -> AdvisoryText:
        """What a record tells people; empty where it cannot be read."""
        ...

    def spans(self, advisory: Advisory) -> tuple[Span, ...]:
        """Where to look for components that it may concern; empty for a withdrawn one."""
        ...

    def match(self, stored: StoredComponent, advisory: Advisory) -> Match | Gap | None:
        """Whether it concerns the component; a Gap where that cannot be told."""
        ...

    def join(self, matches: Sequence[Match]) -> tuple[tuple[Match, tuple[int, ...]], ...]:
        """One Match for each alias group of one component, with the positions of those it was made of."""
        ...


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A feed as it is listed."""

    name: str
    kind: FeedKind
    ecosystem: str
    source: str
    """Where it came from: a URL, or the name of a file."""
    sha256: str
    records: int
    problems: int
    """Records of the newest version that were set aside."""
    fetched_at: datetime | None
    """None: only an import that has not ended."""
    as_of: datetime | None
    """Its newest record."""
    version: int
    acted: int
    """The version that actions rest on: older than ``version`` while that one is weighed or held."""
    held: bool
    error: str | None
    """Why the last attempt failed, if it did."""
    next_due: datetime | None


@dataclass(frozen=True, slots=True)
class FeedSpec:
    """What a feed is, whoever brings it."""

    name: str
    kind: FeedKind
    ecosystem: str
    """Of an OSV dump of one ecosystem; else empty."""
    source: str


@dataclass(frozen=True, slots=True)
class FeedProblem:
    """One record that was set aside."""

    record: str
    reason_code: str
    message: str


@dataclass(frozen=True, slots=True)
class FeedImport:
    """An import under way. ``done`` records of it are there already: it goes on behind them."""

    feed: str
    id: int
    version: int
    sha256: str
    done: int


@dataclass(frozen=True, slots=True)
class FeedRecord:
    """One record of an OSV feed: its bytes, and the advisory that was read from them."""

    advisory: Advisory
    raw: bytes


@dataclass(frozen=True, slots=True)
class FeedFact:
    """One line of a KEV, EPSS or end-of-life feed."""

    name: str
    """A CVE id, or ``product:cycle``."""
    score: float | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One entry of a feed as it is exported: an OSV record, or a fact."""

    position: int
    content: bytes | FeedFact


@dataclass(frozen=True, slots=True)
class Published:
    """What publishing an import changed."""

    feed: str
    version: int
    change: int
    """Number of the change; 0 when nothing that matters changed."""
    records: int
    added: int
    removed: int
    groups: int
    """Groups of components that it concerns."""


@dataclass(frozen=True, slots=True)
class AffectedImage:
    """One digest in one repository that a vulnerability concerns."""

    repository: Repository
    digest: Digest
    tags: tuple[str, ...]
    promoted_to: tuple[str, ...]
    """``registry/path[:tag]`` of every confirmed promotion."""
    first_seen: datetime
    state: str | None
    """Of its newest verdict."""
    due: bool
    """True until it is judged with what the feeds say now."""


@dataclass(frozen=True, slots=True)
class AffectedPackage:
    """One component that a record names."""

    advisory: str
    name: str
    version: str
    purl: str
    fixed: str
    indeterminate: bool
    """Its version could not be compared."""
    held: bool
    """Only the newest version of the feed says so, and that is held."""


@dataclass(frozen=True, slots=True)
class NotJudged:
    """What is not among the affected because nobody can tell: never silently clean."""

    images: int = 0
    """Digests in repositories; one may count for several of the reasons below."""
    tags: int = 0
    promotions: int = 0
    without_sbom: int = 0
    """Images of which no SBOM is known (yet)."""
    untrusted: int = 0
    """Images with unsigned SBOMs only: what these leave out nobody knows."""
    not_covered: int = 0
    """Images with components that no feed tells of."""
    feed_older: int = 0
    """Images judged by feeds that may be older than the vulnerability."""
    not_comparable: int = 0
    """Images with a component that an advisory names, whose version cannot be compared with it."""


@dataclass(frozen=True, slots=True)
class AffectedAnswer:
    """Which images, tags and promotions a vulnerability concerns."""

    vulnerability: str
    advisories: tuple[str, ...]
    """Every record that is or names it."""
    held: bool
    packages: tuple[AffectedPackage, ...]
    image_count: int
    tag_count: int
    promotion_count: int
    images: tuple[AffectedImage, ...]
    """The first of them, what was promoted first; ``image_count`` counts all."""
    not_judged: NotJudged
    differences: tuple[str, ...] | None = None
    """What a full rebuild finds otherwise; None: not asked for."""
    repositories: int = 0
    """How many known repositories were asked about."""


@dataclass(frozen=True, slots=True)
class CarriedSbom:
    """A document that counts for a node, and how far it is trusted."""

    document: Digest
    trust: Trust


@dataclass(frozen=True, slots=True)
class Scanned:
    """A subject's scan with what the judgement must remember: the change of the feeds that it knows.

    ``acted``: the same as actions may see it; None where it is the same.
    """

    scan: Scan
    change: int
    acted: Scan | None = None


@dataclass(frozen=True, slots=True)
class Weighed:
    """What became of a version that actions did not rest on yet."""

    feed: str
    version: int
    turned: int
    """Subjects that fail by it alone."""
    judged: int
    """Subjects with a verdict."""
    held: bool
    """True: too many; it waits for a person. False: actions rest on it now."""

    def __str__(self) -> str:
        """For the log."""
        if not self.held:
            return f"feed {self.feed}: version {self.version} is acted on"
        return (
            f"feed {self.feed} is held: version {self.version} makes {self.turned} of {self.judged} judged images"
            f" fail; `gatekeeper feed accept {self.feed}` lets it act"
        )


__all__ = [
    "AffectedAnswer",
    "AffectedImage",
    "AffectedPackage",
    "CarriedSbom",
    "FeedFact",
    "FeedImport",
    "FeedProblem",
    "FeedRecord",
    "FeedRow",
    "FeedSpec",
    "Matcher",
    "NamedVersion",
    "NotJudged",
    "PackageName",
    "Published",
    "Scanned",
    "Span",
    "StoredComponent",
    "StoredRecord",
    "Weighed",
]
