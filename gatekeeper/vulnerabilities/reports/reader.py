"""Which format a scan report is in, by what it holds."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.core import strict_json
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.scan_report import ScanReport
from gatekeeper.vulnerabilities.lenient import items, members
from gatekeeper.vulnerabilities.reports import attested, cyclonedx, grype, harbor, sarif, trivy

LARGEST = 64 * 1024 * 1024
_FORMATS = (trivy, grype, cyclonedx, sarif, harbor)


def read(content: bytes) -> ScanReport:
    """A bare report. Raises MalformedError ``scan-report-malformed`` when it is none of the formats."""
    report = _report(_object(content))
    if report is None:
        raise _malformed(
            "neither Trivy's, nor Grype's, nor SARIF, CycloneDX or Harbor's, or without a list of results"
        )
    return report


def read_unanalysed(content: bytes) -> ScanReport | None:
    """A CycloneDX document with VEX in it, as a report; None where every vulnerability of it is analysed.

    Raises MalformedError ``scan-report-malformed`` for bytes that are no JSON object.
    """
    document = _object(content)
    reported = [members(found) for found in items(document.get("vulnerabilities"))]
    return cyclonedx.read(document) if any(not found.get("analysis") for found in reported) else None


def read_predicate(predicate_type: str, predicate: bytes) -> ScanReport | None:
    """The report in a verified statement; None for a predicate of another type, and for one without results.

    Raises MalformedError ``scan-report-malformed`` for bytes that are no JSON object.
    """
    if predicate_type == attested.COSIGN:
        return attested.read_cosign(_object(predicate), _report)
    if predicate_type == attested.IN_TOTO or predicate_type.startswith(f"{attested.IN_TOTO}/"):
        return attested.read_in_toto(_object(predicate))
    return None


def _report(document: Mapping[str, object]) -> ScanReport | None:
    return next((known.read(document) for known in _FORMATS if known.is_report(document)), None)


def _object(content: bytes) -> Mapping[str, object]:
    if len(content) > LARGEST:
        raise _malformed(f"larger than {LARGEST} bytes")
    try:
        return strict_json.loads_object(content.removeprefix(b"\xef\xbb\xbf"), max_depth=100)
    except MalformedError as error:
        raise _malformed(error.message) from error


def _malformed(what: str) -> MalformedError:
    return MalformedError(f"the scan report cannot be read: {what}", reason_code="scan-report-malformed")
