"""Live scanners: an image that brings neither a trusted SBOM nor a fresh scan report is given to them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock, Semaphore
from typing import TypeVar

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, MalformedError, UnavailableError
from gatekeeper.core.scan_report import ScanReport
from gatekeeper.ports import GatheredSbom, SbomReader
from gatekeeper.ports.scanners import ImageToScan, Makes, Scanner

_Answer = TypeVar("_Answer", GatheredSbom, ScanReport)


@dataclass(frozen=True, slots=True)
class Installed:
    """A scanner as it is used here."""

    scanner: Scanner
    makes: tuple[Makes, ...] = (Makes.SBOM,)
    max_age: timedelta = timedelta(hours=24)
    """How long its answer about one image holds, and how old a report that an image brings may be."""
    at_once: Semaphore = field(default_factory=lambda: Semaphore(2))
    """How many images are scanned at the same time."""


@dataclass(slots=True)
class _Kept:
    at: datetime
    answer: GatheredSbom | ScanReport


@dataclass(slots=True)
class LiveScans:
    """The scanners that are configured, and what they said of the last images. Thread-safe.

    A scan takes minutes and an image never changes, so an answer is kept until its scanner's ``max_age``, in memory
    alone: a new process scans again.
    """

    scanners: tuple[Installed, ...] = ()
    most: int = 256
    """Answers that are kept."""
    _lock: Lock = field(default_factory=Lock)
    _kept: OrderedDict[tuple[str, Makes, Digest], _Kept] = field(default_factory=OrderedDict)

    def sbom(
        self,
        installed: Installed,
        image: Callable[[], ImageToScan],
        digest: Digest,
        now: datetime,
        reader: SbomReader,
    ) -> GatheredSbom:
        """An SBOM, read. Raises UnavailableError, NotOfferedError."""

        def scanned() -> GatheredSbom:
            content = installed.scanner.sbom(image())
            try:
                return GatheredSbom(Digest.of(content), reader.read(content))
            except MalformedError as error:
                # The scanner's fault, unless the image lists more than we read.
                cause = Cause.OVER_CAP if error.cause is Cause.OVER_CAP else Cause.PROTOCOL
                raise UnavailableError(
                    f"scanner {installed.scanner.name} made an SBOM that cannot be read: {error.message}",
                    cause=cause,
                    reason_code="scanner-answer-malformed",
                ) from error

        return self._answer(installed, Makes.SBOM, digest, now, GatheredSbom, scanned)

    def report(
        self, installed: Installed, image: Callable[[], ImageToScan], digest: Digest, now: datetime
    ) -> ScanReport:
        """A report. Raises UnavailableError, NotOfferedError."""
        return self._answer(
            installed, Makes.REPORT, digest, now, ScanReport, lambda: installed.scanner.report(image())
        )

    def _answer(
        self,
        installed: Installed,
        makes: Makes,
        digest: Digest,
        now: datetime,
        kind: type[_Answer],
        scanned: Callable[[], _Answer],
    ) -> _Answer:
        key = (installed.scanner.name, makes, digest)
        with installed.at_once:
            with self._lock:
                kept = self._kept.get(key)
            if kept is not None and now - kept.at < installed.max_age and isinstance(kept.answer, kind):
                return kept.answer
            answer = scanned()
        with self._lock:
            self._kept[key] = _Kept(now, answer)
            self._kept.move_to_end(key)
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
        return answer
