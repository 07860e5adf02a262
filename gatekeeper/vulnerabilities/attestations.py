"""The port ``ScanReader``: what verified attestations say about vulnerabilities."""

from __future__ import annotations

from gatekeeper.core.scan_report import ScanReport
from gatekeeper.core.vex import VexDocument
from gatekeeper.ports import Statement
from gatekeeper.vulnerabilities.reports import reader as reports
from gatekeeper.vulnerabilities.vex import reader as vex
from gatekeeper.vulnerabilities.vex.openvex import NAMESPACE

_CYCLONEDX = ("https://cyclonedx.org/bom", "https://cyclonedx.org/schema", "https://cyclonedx.org/vex")
_CSAF = "https://docs.oasis-open.org/csaf/"


class AttestationReader:
    """Scan reports and VEX. Stateless; thread-safe."""

    def read(self, statement: Statement) -> tuple[ScanReport | VexDocument, ...]:
        """By the predicate's type; a CycloneDX document may be an SBOM, a report and VEX at once."""
        kind, predicate = statement.predicate_type, statement.predicate
        if kind.startswith((NAMESPACE, _CSAF)):
            return (vex.read(predicate),)
        if kind.startswith(_CYCLONEDX):
            # Most are SBOMs and nothing else; they are not parsed a second time.
            if b'"vulnerabilities"' not in predicate:
                return ()
            said = vex.read(predicate)
            if not said.statements:
                return (reports.read(predicate),)
            # Where some are only reported it is a report too: of all of them, and what is said of some excuses.
            report = reports.read_unanalysed(predicate)
            return (said,) if report is None else (said, report)
        report = reports.read_predicate(kind, predicate)
        return () if report is None else (report,)
