"""Trivy's JSON (aquasecurity/trivy: pkg/types/report.go, SchemaVersion 2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gatekeeper.core.scan_report import ReportedVulnerability, ScanReport
from gatekeeper.core.severity import Rating, severity_of_word
from gatekeeper.vulnerabilities.lenient import items, members, moment_or_none, text


def is_report(document: Mapping[str, object]) -> bool:
    """``Results`` is absent from what scanned nothing."""
    return isinstance(document.get("Results"), list) and (
        "SchemaVersion" in document or "ArtifactName" in document
    )


def read(document: Mapping[str, object]) -> ScanReport:
    """A result without vulnerabilities is clean."""
    version = text(members(document.get("Trivy")).get("Version"))
    return ScanReport(
        "trivy",
        f"trivy {version}".strip(),
        moment_or_none(document.get("CreatedAt")),
        None,
        tuple(_vulnerabilities(document)),
    )


def _vulnerabilities(document: Mapping[str, object]) -> Iterator[ReportedVulnerability]:
    for result in items(document.get("Results")):
        for item in items(members(result).get("Vulnerabilities")):
            found = members(item)
            name = text(found.get("VulnerabilityID"))
            if not name:
                continue
            word = text(found.get("Severity"))
            fixed = text(found.get("FixedVersion"))
            yield ReportedVulnerability(
                name,
                tuple(text(alias) for alias in items(found.get("VendorIDs")) if text(alias)),
                text(found.get("PkgName")),
                text(found.get("InstalledVersion")),
                text(members(found.get("PkgIdentifier")).get("PURL")),
                tuple(part.strip() for part in fixed.split(",") if part.strip()),
                Rating(severity_of_word(word), "vendor", "", word),
                text(found.get("Status")),
            )
