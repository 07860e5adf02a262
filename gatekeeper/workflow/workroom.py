"""What every use case is given: ports, policy, limits. Built once by ``wiring``."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from gatekeeper.core.attesting import AttestingTerms
from gatekeeper.core.ending import Ending
from gatekeeper.core.errors import NotFoundError, NotOfferedError, UnavailableError
from gatekeeper.core.event import Event
from gatekeeper.core.feed import FeedSource
from gatekeeper.core.inventory import Described
from gatekeeper.core.lifecycle import Caps
from gatekeeper.core.policy import Policy
from gatekeeper.core.reference import Repository
from gatekeeper.core.waiver import WaiverLimits
from gatekeeper.ports import (
    AttestationSigner,
    Clock,
    Notifier,
    Registries,
    Registry,
    SbomReader,
    ScanReader,
    SignatureVerifier,
    Statement,
    Store,
)
from gatekeeper.ports.feeds import FeedReader
from gatekeeper.ports.scanner_reports import SbomWriter
from gatekeeper.ports.vulnerabilities import Matcher
from gatekeeper.workflow.live_scans import LiveScans
from gatekeeper.workflow.os_only import LayerReadings

DAEMON = "gatekeeper"
"""The actor of everything that no person did."""
TAG_LIST_AGE = timedelta(seconds=5)
_LOOKED_AT = 2
"""Old lists that go with each new one: more than come, so that none stay."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings and intervals of the daemon's work (law 8). Sizes in bytes."""

    interval: timedelta = timedelta(minutes=1)
    """A repository's first polling interval; also how soon failing subjects are asked for new evidence again."""
    interval_min: timedelta = timedelta(seconds=30)
    interval_max: timedelta = timedelta(minutes=15)
    max_blind: timedelta = timedelta(hours=6)
    """A repository not read for longer is told of; a recorded pass answers no longer than that past its recheck."""
    change_share: float = 0.3
    """When more than this part of a registry's tags vanish or move at once, it is not believed."""
    change_tags: int = 10
    """Fewer tags than this never make a registry unbelievable."""
    lease: timedelta = timedelta(minutes=5)
    back_off: timedelta = timedelta(seconds=30)
    """First wait after an error; doubled with every attempt up to ``back_off_max``."""
    back_off_max: timedelta = timedelta(hours=1)
    heads_at_once: int = 8
    """Tags of one repository that are resolved at the same time."""
    referrers: int = 256
    """Referrers opened for one node; more is junk, and junk is indeterminate."""
    children: int = 128
    """Platform images of one index."""
    config_bytes: int = 4 * 1024 * 1024
    candidate_bytes: int = 32 * 1024 * 1024
    sbom_bytes: int = 64 * 1024 * 1024
    attached: int = 2_000
    """Manifests and blobs opened of all that hangs on one subject and its children together; more is junk."""
    attached_bytes: int = 512 * 1024 * 1024
    """Bytes of all those blobs together."""
    feed_max_age: timedelta = timedelta(hours=72)
    """A feed that was renewed longer ago is too old to judge by."""
    feed_hold_share: float = 0.2
    """A version of a feed is held when it makes more than this share of the judged subjects fail …"""
    feed_hold_minimum: int = 10
    """… and more than so many."""
    stabilization_window: timedelta = timedelta(0)
    """How long a failure that only a feed brought must last before it is acted on."""
    events_kept: timedelta = timedelta(days=30)
    """How long events can be followed; the audit trail tells the same for ever."""

    def retry_after(self, attempts: int) -> timedelta:
        """How long to wait after this many attempts failed."""
        factor: int = 2 ** min(attempts, 16)
        return min(self.back_off * factor, self.back_off_max)


class TagLists:
    """The newest tag list of each repository: it answers which cosign and fallback tags exist without asking.

    ``watch`` renews it every round; a list older than ``TAG_LIST_AGE`` is asked for again, because a signature that
    is missing from a stale list would look absent.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._lists: dict[Repository, tuple[datetime, frozenset[str]]] = {}
        """Oldest first."""

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._lists)

    def put(self, repository: Repository, tags: Iterable[str], *, now: datetime) -> frozenset[str]:
        """Remembers a list that was just read."""
        found = frozenset(tags)
        with self._lock:
            self._lists.pop(repository, None)
            self._lists[repository] = (now, found)
            self._drop_old(now)
        return found

    def _drop_old(self, now: datetime) -> None:
        """What is too old to be used takes no memory: an estate has many repositories with many tags."""
        for repository, (at, _) in tuple(itertools.islice(self._lists.items(), _LOOKED_AT)):
            if now - at < TAG_LIST_AGE:
                return
            del self._lists[repository]

    def forget(self, repository: Repository) -> None:
        """Somebody waits for an answer about what was just pushed: the next look reads the list anew."""
        with self._lock:
            self._lists.pop(repository, None)

    def recent(self, repository: Repository, registry: Registry, *, now: datetime) -> frozenset[str] | None:
        """The list, read anew when it is old; None when it cannot be had, and each tag has to be asked for."""
        with self._lock:
            at, found = self._lists.get(repository, (None, frozenset()))
        if at is not None and now - at < TAG_LIST_AGE:
            return found
        try:
            return self.put(repository, registry.tags(repository.path), now=now)
        except (NotFoundError, NotOfferedError, UnavailableError):
            return None


@dataclass(frozen=True, slots=True)
class Attesting:
    """What is said about attestations of ours, and the key they are signed with."""

    terms: AttestingTerms
    signer: AttestationSigner


class Silence:
    """The notifier where no webhook is configured."""

    def endpoints(self) -> Mapping[str, tuple[str, ...]]:
        """None."""
        return {}

    def send(self, endpoint: str, event: Event, *, now: datetime) -> None:  # noqa: ARG002 - the port's
        """There is nobody to tell."""
        raise NotFoundError(f"no webhook is called {endpoint}", reason_code="webhook-unknown")


class NoScans:
    """Where attestations about vulnerabilities are not read: an image's SBOM alone speaks."""

    def read(self, statement: Statement) -> tuple[()]:  # noqa: ARG002 - the port's
        """Nothing."""
        return ()


class NoWriter:
    """Where SBOMs are not written."""

    def cyclonedx(self, described: Described, *, now: datetime) -> str:  # noqa: ARG002 - the port's
        """Not here."""
        raise NotOfferedError("no SBOM is written here", reason_code="sbom-not-written")

    spdx = cyclonedx


@dataclass(frozen=True, slots=True)
class Collector:
    """What collecting evidence needs: no database, so that ``check`` can use it alone."""

    registries: Registries
    signatures: SignatureVerifier
    sboms: SbomReader
    clock: Clock
    limits: Limits
    tag_lists: TagLists = field(default_factory=TagLists)
    attesting: Attesting | None = None
    """With it, what we signed ourselves is no evidence."""
    layers: LayerReadings = field(default_factory=LayerReadings)
    scans: ScanReader = field(default_factory=NoScans)
    live: LiveScans = field(default_factory=LiveScans)


@dataclass(frozen=True, slots=True)
class FeedSupply:
    """What bringing feeds needs."""

    reader: FeedReader
    sources: Callable[[], tuple[FeedSource, ...]]
    """As of now."""


@dataclass(frozen=True, slots=True)
class Workroom:
    """The ports beside the policy, limits and caps in force, which are asked for anew: SIGHUP replaces them."""

    registries: Registries
    store: Store
    signatures: SignatureVerifier
    sboms: SbomReader
    matcher: Matcher
    supply: FeedSupply
    clock: Clock
    policy: Callable[[], Policy]
    nonce: Callable[[], str]
    """A new random nonce: 16 hexadecimal digits."""
    pause: Callable[[float], None]
    """Waits for so many seconds (``status --wait``)."""
    spread: Callable[[], float]
    """Uniformly random in [0, 1): jitter of intervals."""
    watches: Callable[[Repository], bool] = lambda _repository: True
    """False for repositories that the configuration leaves out, whatever the policy covers."""
    named: Callable[[], tuple[Repository, ...]] = tuple
    """Repositories that the configuration names without wildcards: they need no catalog."""
    review: str = "gatekeeper quarantine list"
    """Where a person decides about a case: written on tombstones."""
    policy_source: str = "policy"
    """The file that the policy is read from, for messages."""
    notifier: Notifier = field(default_factory=Silence)
    """Tells people of events."""
    endings: Callable[[], Sequence[Ending]] = tuple
    """Credentials and trust material with a known end, as of now."""
    limits_in_force: Callable[[], Limits] = Limits
    caps_in_force: Callable[[], Caps] = Caps
    waiver_limits_in_force: Callable[[], WaiverLimits] = WaiverLimits
    tag_lists: TagLists = field(default_factory=TagLists)
    attesting: Attesting | None = None
    """None: no attestation is ever attached."""
    scans: ScanReader = field(default_factory=NoScans)
    layers: LayerReadings = field(default_factory=LayerReadings)
    live: LiveScans = field(default_factory=LiveScans)
    sbom_writer: SbomWriter = field(default_factory=NoWriter)
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other names of configured registries, by which somebody who asks us to scan may call them: alias to host."""

    @property
    def limits(self) -> Limits:
        """Ceilings and intervals, as of now."""
        return self.limits_in_force()

    @property
    def caps(self) -> Caps:
        """Ceilings on enforcing intents, as of now."""
        return self.caps_in_force()

    @property
    def waiver_limits(self) -> WaiverLimits:
        """How long waivers may hold, as of now."""
        return self.waiver_limits_in_force()

    @property
    def collector(self) -> Collector:
        """The part that ``collect`` needs."""
        return Collector(
            self.registries,
            self.signatures,
            self.sboms,
            self.clock,
            self.limits,
            self.tag_lists,
            self.attesting,
            layers=self.layers,
            scans=self.scans,
            live=self.live,
        )
