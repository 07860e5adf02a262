"""A scan report as evidence: what a scanner found, when, and with how old a database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gatekeeper.core.digest import Digest
from gatekeeper.core.severity import UNRATED, Rating
from gatekeeper.core.vex import VexDocument


@dataclass(frozen=True, slots=True)
class ReportedVulnerability:
    """One line of a report; empty for what the format does not say."""

    id: str
    aliases: tuple[str, ...] = ()
    package: str = ""
    version: str = ""
    purl: str = ""
    fixed: tuple[str, ...] = ()
    rating: Rating = UNRATED
    status: str = ""
    """The scanner's word for what the vendor does: ``will_not_fix``, ``end_of_life`` …"""


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What one scanner said. No vulnerabilities means scanned and clean: a report without a list is none."""

    format: str
    """``cosign-vuln`` | ``in-toto-vulns`` | ``sarif`` | ``trivy`` | ``grype`` | ``cyclonedx`` | ``harbor``."""
    scanner: str
    """Name and version, as it says itself."""
    scanned_at: datetime | None
    database_at: datetime | None
    """Of the scanner's vulnerability database."""
    vulnerabilities: tuple[ReportedVulnerability, ...]


@dataclass(frozen=True, slots=True)
class AttestedReport:
    """A report in a verified attestation about the node it hangs on, or made now by a scanner of ours."""

    carrier: Digest
    document: Digest
    """Digest of the predicate."""
    report: ScanReport
    signatures: tuple[Digest, ...] = ()
    """``Candidate.signature`` of the attestation."""
    generated: bool = False
    """True: nobody attested it; a scanner that is configured here made it now (``Trust.GENERATED``)."""


@dataclass(frozen=True, slots=True)
class AttestedVex:
    """VEX in a verified attestation about the node it hangs on."""

    carrier: Digest
    document: Digest
    content: VexDocument
    signatures: tuple[Digest, ...] = ()
