"""What the workflow asks of live scanners: an SBOM or a report of one image, made now."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from gatekeeper.core.digest import Digest
from gatekeeper.core.reference import Repository
from gatekeeper.core.scan_report import ScanReport


class Makes(StrEnum):
    """What is asked of a scanner."""

    SBOM = "sbom"
    REPORT = "report"


class Program(StrEnum):
    """The programs whose arguments are known."""

    SYFT = "syft"
    GRYPE = "grype"
    TRIVY = "trivy"


@dataclass(frozen=True, slots=True)
class PullAccess:
    """How somebody else may pull from one repository, for a short time and nothing else."""

    url: str
    """The registry's base URL, ``https://host[:port]``."""
    token: str = field(default="", repr=False)
    """A bearer token for pulling; empty: pull without signing in. Never a login of ours."""


@dataclass(frozen=True, slots=True)
class ImageToScan:
    """One manifest, and how it may be pulled."""

    repository: Repository
    digest: Digest
    media_type: str
    access: PullAccess


class Scanner(Protocol):
    """A scanner as it is configured. Thread-safe. What it answers is hostile: capped, timed and never believed as is.

    Raises UnavailableError when it is away, stalls, says too much or nothing that can be read; NotOfferedError when
    it does not make what is asked for.
    """

    @property
    def name(self) -> str:
        """As the configuration calls it."""
        ...

    def sbom(self, image: ImageToScan) -> bytes:
        """An SBOM document in one of the formats that are read."""
        ...

    def report(self, image: ImageToScan) -> ScanReport:
        """What it found."""
        ...


__all__ = ["ImageToScan", "Makes", "Program", "PullAccess", "Scanner"]
