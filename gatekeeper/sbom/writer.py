"""``ports.SbomWriter`` over the format libraries, which are loaded when a document is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gatekeeper.core.inventory import Described


@dataclass(frozen=True, slots=True)
class Writer:
    """Names us, in this version, as the tool that wrote the document."""

    version: str

    def cyclonedx(self, described: Described, *, now: datetime) -> str:
        """CycloneDX 1.6 as JSON text."""
        from gatekeeper.sbom.emit_cyclonedx import emit  # noqa: PLC0415 - loads cyclonedx-python-lib

        return emit(described, now=now, version=self.version)

    def spdx(self, described: Described, *, now: datetime) -> str:
        """SPDX 2.3 as JSON text."""
        from gatekeeper.sbom.emit_spdx import emit  # noqa: PLC0415 - loads spdx-tools

        return emit(described, now=now, version=self.version)
