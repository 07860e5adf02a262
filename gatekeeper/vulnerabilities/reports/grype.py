"""Grype's JSON (anchore/grype: grype/presenter/models/document.go)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gatekeeper.core.scan_report import ReportedVulnerability, ScanReport
from gatekeeper.core.severity import Rating, severity_of_word
from gatekeeper.vulnerabilities.lenient import items, members, moment_or_none, text


def is_report(document: Mapping[str, object]) -> bool:
    """``matches`` is an empty list in a clean report."""
    return isinstance(document.get("matches"), list) and "descriptor" in document


def read(document: Mapping[str, object]) -> ScanReport:
    """The database's date has moved between versions of grype."""
    descriptor = members(document.get("descriptor"))
    database = members(descriptor.get("db"))
    built = (database.get("built"), members(database.get("status")).get("built"))
    return ScanReport(
        "grype",
        f"{text(descriptor.get('name')) or 'grype'} {text(descriptor.get('version'))}".strip(),
        moment_or_none(descriptor.get("timestamp")),
        moment_or_none(*built),
        tuple(_vulnerabilities(document)),
    )


def _vulnerabilities(document: Mapping[str, object]) -> Iterator[ReportedVulnerability]:
    for item in items(document.get("matches")):
        match = members(item)
        found, artifact = members(match.get("vulnerability")), members(match.get("artifact"))
        name = text(found.get("id"))
        if not name:
            continue
        fix = members(found.get("fix"))
        word = text(found.get("severity"))
        related = [text(members(other).get("id")) for other in items(match.get("relatedVulnerabilities"))]
        yield ReportedVulnerability(
            name,
            tuple(dict.fromkeys(other for other in related if other and other != name)),
            text(artifact.get("name")),
            text(artifact.get("version")),
            text(artifact.get("purl")),
            tuple(text(version) for version in items(fix.get("versions")) if text(version)),
            Rating(severity_of_word(word), "vendor", "", word),
            text(fix.get("state")),
        )
