"""The MIME types of the API, and which of them an ``Accept`` header asks for (RFC 9110, 12.5.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.core.errors import NotOfferedError

METADATA_1_0 = "application/vnd.scanner.adapter.metadata+json; version=1.0"
METADATA_1_1 = "application/vnd.scanner.adapter.metadata+json; version=1.1"
SCAN_REQUEST_1_0 = "application/vnd.scanner.adapter.scan.request+json; version=1.0"
SCAN_REQUEST_1_1 = "application/vnd.scanner.adapter.scan.request+json; version=1.1"
SCAN_RESPONSE = "application/vnd.scanner.adapter.scan.response+json; version=1.0"
ERROR = "application/vnd.scanner.adapter.error+json; version=1.0"
REPORT_1_0 = "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"
REPORT_1_1 = "application/vnd.security.vulnerability.report; version=1.1"
SBOM_REPORT = "application/vnd.security.sbom.report+json; version=1.0"
SPDX = "application/spdx+json"
CYCLONEDX = "application/vnd.cyclonedx+json"
SBOM_TYPES = (SPDX, CYCLONEDX)
_MOST_RANGES = 50


class Capability(StrEnum):
    """What is asked of us (1.2: ``ScannerCapability.type``)."""

    VULNERABILITY = "vulnerability"
    SBOM = "sbom"


PRODUCED = {
    Capability.VULNERABILITY: (REPORT_1_0, REPORT_1_1),
    Capability.SBOM: (SBOM_REPORT,),
}
_REPORTS: dict[tuple[str, str], str] = {
    ("application/vnd.security.vulnerability.report", "1.1"): REPORT_1_1,
    ("application/vnd.security.vulnerability.report", ""): REPORT_1_1,
    ("application/vnd.scanner.adapter.vuln.report.harbor+json", "1.0"): REPORT_1_0,
    # The OpenAPI text of 1.1 spells it so.
    ("application/vnd.scanner.adapter.vuln.report.harbor+json", "1.1"): REPORT_1_0,
    ("application/vnd.scanner.adapter.vuln.report.harbor+json", ""): REPORT_1_0,
    ("application/vnd.security.sbom.report+json", "1.0"): SBOM_REPORT,
    ("application/vnd.security.sbom.report+json", ""): SBOM_REPORT,
    # The README spells it so.
    ("application/vnd.security.sbom.repo+json", "1.0"): SBOM_REPORT,
    ("application/vnd.security.sbom.repo+json", ""): SBOM_REPORT,
}
_ANYTHING = frozenset({"*/*", "application/*", "application/json"})


class NotCapableError(NotOfferedError):
    """We make no report of this MIME type. Answered with 501, as the specification wants."""


@dataclass(frozen=True, slots=True)
class _Range:
    base: str
    version: str
    quality: float


def accepted_report(accept: str, *, sbom: bool) -> str:
    """The MIME type of the report to send. ``sbom``: the question itself asks for one.

    Raises NotCapableError when we make nothing that is accepted.
    """
    for one in sorted(_ranges(accept or "*/*"), key=lambda one: -one.quality):
        if one.base in _ANYTHING:
            return SBOM_REPORT if sbom else REPORT_1_1
        produced = _REPORTS.get((one.base, one.version))
        if produced is not None:
            return produced
    offered = ", ".join(mime for mimes in PRODUCED.values() for mime in mimes)
    raise NotCapableError(
        f"Accept: nothing of {accept[:200]!a} is made here, but {offered}", reason_code="report-not-made"
    )


def report_type(written: str) -> str | None:
    """A report's MIME type as we spell it; None for one that we do not make."""
    (one, *_) = [*_ranges(written), _Range("", "", 0.0)]
    return _REPORTS.get((one.base, one.version))


def accepted_metadata(accept: str) -> str:
    """1.0 for whoever asks for nothing newer: such a Harbor refuses a scanner with capabilities unknown to it."""
    versions = {one.version for one in _ranges(accept) if one.base == METADATA_1_0.partition(";")[0]}
    others = any(one.base in _ANYTHING for one in _ranges(accept))
    return METADATA_1_0 if versions == {"1.0"} and not others else METADATA_1_1


def _ranges(accept: str) -> Iterator[_Range]:
    for part in accept.split(",")[:_MOST_RANGES]:
        base, *parameters = (piece.strip().lower() for piece in part.split(";"))
        said = dict(_parameter(parameter) for parameter in parameters)
        quality = _quality(said.get("q", "1"))
        if base and quality > 0:
            yield _Range(base, said.get("version", ""), quality)


def _parameter(written: str) -> tuple[str, str]:
    name, _, value = written.partition("=")
    return name.strip(), value.strip().strip('"')


def _quality(written: str) -> float:
    try:
        return min(max(float(written), 0.0), 1.0)
    except ValueError:
        return 0.0
