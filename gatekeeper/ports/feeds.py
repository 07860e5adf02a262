"""What the workflow asks of the store about feeds, scans, and what a vulnerability concerns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from gatekeeper.core.component import SbomDocument
from gatekeeper.core.digest import Digest
from gatekeeper.core.feed import FeedKind, FeedSource
from gatekeeper.ports.vulnerabilities import (
    AffectedAnswer,
    CarriedSbom,
    FeedFact,
    FeedImport,
    FeedProblem,
    FeedRecord,
    FeedRow,
    FeedSpec,
    Matcher,
    Published,
    Scanned,
    StoredRecord,
    Weighed,
)
from gatekeeper.ports.work import GatheredSbom

Progress = Callable[[str, int, int | None], None]
"""Who is told how far long work is: what in words, how much is done, of how much (None: not known)."""


class FeedContent(Protocol):
    """What a file or directory holds, recognised by its content, read as a stream."""

    @property
    def kind(self) -> FeedKind:
        """What it tells."""
        ...

    @property
    def ecosystem(self) -> str:
        """The one ecosystem that every record of an OSV dump names; empty where there are several."""
        ...

    @property
    def sha256(self) -> str:
        """Of its bytes, in hexadecimal."""
        ...

    @property
    def total(self) -> int | None:
        """How many records there are; None: not known beforehand."""
        ...

    def records(self) -> Iterator[FeedRecord | FeedFact | FeedProblem]:
        """Each record in a fixed order. MalformedError when the whole breaks off."""
        ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a source gave. ``content`` None: nothing is new."""

    content: FeedContent | None
    complete: bool = True
    """False: only what changed since the cursor."""
    cursor: str | None = None
    """Where the next fetch begins."""


@dataclass(frozen=True, slots=True)
class BundledFeed:
    """A feed on its way into a bundle."""

    spec: FeedSpec
    fetched_at: datetime
    lines: Iterator[bytes]
    """``FeedReader.line_of`` each entry."""


@dataclass(frozen=True, slots=True)
class UnpackedFeed:
    """A verified feed out of a bundle."""

    spec: FeedSpec
    fetched_at: datetime
    """When its source was last asked on the other side: it is no fresher here."""
    content: FeedContent


class FeedReader(Protocol):
    """Opens files and asks sources."""

    def open(self, path: Path, *, kind: FeedKind | None = None) -> FeedContent:
        """Raises MalformedError for what is no feed (or not of this kind), UnavailableError when it cannot be read."""
        ...

    def fetch(self, source: FeedSource, folder: Path, *, cursor: str | None, told: Progress) -> Fetched:
        """From ``https:`` or ``file:``, into files below ``folder``. Raises UnavailableError, MalformedError."""
        ...

    def is_bundle(self, path: Path) -> bool:
        """True for what ``pack`` wrote."""
        ...

    def pack(
        self,
        path: Path,
        feeds: Sequence[BundledFeed],
        folder: Path,
        *,
        created: datetime,
        seal: Callable[[bytes, str], bytes],
    ) -> None:
        """Writes a bundle; ``seal`` signs the statement of a predicate type. Raises UnavailableError."""
        ...

    def line_of(self, content: bytes | FeedFact) -> bytes:
        """One entry as a line of a bundle's member."""
        ...

    def unpack(
        self, path: Path, folder: Path, *, opened: Callable[[bytes], bytes]
    ) -> tuple[UnpackedFeed, ...]:
        """Every feed of a bundle, verified. Raises what ``opened`` raises, MalformedError, UnavailableError."""
        ...


class ScanStore(Protocol):
    """What SBOMs list, and what the feeds say about it."""

    def keep_documents(self, gathered: Sequence[GatheredSbom], matcher: Matcher) -> None:
        """New documents with their components, each component matched with every advisory. Idempotent."""
        ...

    def document(self, digest: Digest) -> SbomDocument | None:
        """What was kept of a document; None for one that is not known."""
        ...

    def keep_reported(self, names: Sequence[str]) -> None:
        """CVEs that the scan reports of a subject name: what is told of them is noticed from here on. Idempotent."""
        ...

    def scan(
        self,
        nodes: Mapping[Digest, Sequence[CarriedSbom]],
        matcher: Matcher,
        *,
        max_age: timedelta,
        reported: Sequence[str] = (),
    ) -> Scanned:
        """What is known about each node by the documents that count for it. Feeds older than ``max_age`` are stale.

        ``reported``: CVEs of scan reports, of which KEV and EPSS are asked too.
        """
        ...

    def scan_unkept(
        self,
        gathered: Sequence[GatheredSbom],
        nodes: Mapping[Digest, Sequence[CarriedSbom]],
        matcher: Matcher,
        *,
        max_age: timedelta,
        reported: Sequence[str] = (),
    ) -> Scanned:
        """The same for documents that stay unknown: nothing is kept."""
        ...


class FeedStore(Protocol):
    """Feeds and their imports."""

    def feeds(self) -> tuple[FeedRow, ...]:
        """Every feed by name."""
        ...

    def feed(self, name: str) -> FeedRow:
        """NotFoundError when there is none."""
        ...

    def feed_problems(self, name: str, *, limit: int) -> tuple[FeedProblem, ...]:
        """What was set aside in the feed's newest version."""
        ...

    def feed_records(self, name: str, *, after: int, limit: int) -> Sequence[StoredRecord]:
        """What the feed's newest version holds, in a fixed order, behind ``after`` (a ``StoredRecord.position``)."""
        ...

    def claim_feed(self, spec: FeedSpec, *, now: datetime, lease_for: timedelta, forced: bool) -> int | None:
        """The token of a lease on a feed that is due (or ``forced``); None while it is not, or another fetches it."""
        ...

    def end_fetch(
        self,
        name: str,
        token: int,
        *,
        error: str | None,
        renewed_at: datetime | None,
        cursor: str | None,
        next_due: datetime,
    ) -> None:
        """Gives the lease back. ``renewed_at``: its source answered that nothing is new. A lost lease is ignored."""
        ...

    def feed_cursor(self, name: str) -> str | None:
        """Where the next incremental fetch begins; None: with everything."""
        ...

    def begin_import(self, spec: FeedSpec, *, sha256: str, now: datetime) -> FeedImport:
        """Takes up an interrupted import of the same content, else begins. ConflictError for another kind of feed."""
        ...

    def add_records(
        self,
        under: FeedImport,
        records: Sequence[FeedRecord],
        problems: Sequence[FeedProblem],
        matcher: Matcher,
        *,
        done: int,
        now: datetime,
    ) -> None:
        """One batch; ``done`` records of the whole are there then. ConflictError when another import took its place."""
        ...

    def add_facts(
        self,
        under: FeedImport,
        facts: Sequence[FeedFact],
        problems: Sequence[FeedProblem],
        *,
        done: int,
        now: datetime,
    ) -> None:
        """The same for KEV, EPSS and end-of-life feeds."""
        ...

    def publish(
        self,
        under: FeedImport,
        matcher: Matcher,
        *,
        source: str,
        complete: bool,
        fetched_at: datetime,
        cursor: str | None,
        now: datetime,
    ) -> Published:
        """One transaction: readers see the new version, and every subject that it concerns is due."""
        ...

    def sweep(self) -> int:
        """Removes what no reader and no action rests on any more; returns how many rows."""
        ...

    def accept_feed(self, name: str, *, actor: str, reason: str, now: datetime) -> FeedRow:
        """Lets actions rest on its newest version. ConflictError when nothing of it waits."""
        ...


class ReevaluationStore(Protocol):
    """Changes of the feeds carried on to subjects."""

    def spread_changes(self, *, now: datetime) -> int:
        """Makes every stale subject due, promoted ones first; returns how many."""
        ...

    def weigh(self, *, share: float, minimum: int, now: datetime) -> tuple[Weighed, ...]:
        """Accepts or holds what was published and is not acted on yet."""
        ...

    def failing_soon(self, until: datetime) -> int:
        """How many passing subjects time alone will make fail until then."""
        ...

    def affected(
        self, name: str, matcher: Matcher, *, repositories: tuple[str, ...], limit: int, verify: bool
    ) -> AffectedAnswer:
        """What a vulnerability concerns. ``verify``: a full rebuild is compared with what is stored."""
        ...
