"""What answering for a scanner asks of the store and of the room that writes SBOMs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from gatekeeper.core.digest import Digest
from gatekeeper.core.inventory import Described
from gatekeeper.core.reference import Repository


class ScannerReportStore(Protocol):
    """The part of the store that only scanner reports need."""

    def indexes_naming(self, repository: Repository, digest: Digest) -> tuple[Digest, ...]:
        """Judged indexes of this repository whose manifest names the digest, the newest first."""
        ...

    def advisory_records(self, names: Iterable[str]) -> Mapping[str, bytes]:
        """Records of the feeds by their own id, as they came; those that no feed holds are left out."""
        ...


class SbomWriter(Protocol):
    """Writes what is known of an image as one document."""

    def cyclonedx(self, described: Described, *, now: datetime) -> str:
        """CycloneDX 1.6 as JSON text."""
        ...

    def spdx(self, described: Described, *, now: datetime) -> str:
        """SPDX 2.3 as JSON text."""
        ...


__all__ = ["SbomWriter", "ScannerReportStore"]
