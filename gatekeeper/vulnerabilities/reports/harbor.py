"""Reports of the Harbor Pluggable Scanner API, 1.0 to 1.2 (goharbor/pluggable-scanner-spec: api/spec)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gatekeeper.core.scan_report import ReportedVulnerability, ScanReport
from gatekeeper.core.severity import Rating, severity_of_word
from gatekeeper.vulnerabilities.lenient import items, members, moment_or_none, text

_MIME = "application/vnd.security.vulnerability.report"


def is_report(document: Mapping[str, object]) -> bool:
    """Bare, or under its MIME type as Harbor's own API answers it."""
    return any(
        isinstance(found.get("vulnerabilities"), list) and "generated_at" in found
        for found in _bodies(document)
    )


def read(document: Mapping[str, object]) -> ScanReport:
    """Of several MIME types the first."""
    body = next(found for found in _bodies(document) if isinstance(found.get("vulnerabilities"), list))
    scanner = members(body.get("scanner"))
    return ScanReport(
        "harbor",
        f"{text(scanner.get('name'))} {text(scanner.get('version'))}".strip(),
        moment_or_none(body.get("generated_at")),
        None,
        tuple(_vulnerabilities(body)),
    )


def _bodies(document: Mapping[str, object]) -> list[Mapping[str, object]]:
    return [document, *(members(body) for key, body in document.items() if key.startswith(_MIME))]


def _vulnerabilities(body: Mapping[str, object]) -> Iterator[ReportedVulnerability]:
    for item in items(body.get("vulnerabilities")):
        found = members(item)
        name = text(found.get("id"))
        if name:
            word, fixed = text(found.get("severity")), text(found.get("fix_version"))
            yield ReportedVulnerability(
                name,
                package=text(found.get("package")),
                version=text(found.get("version")),
                fixed=tuple(part.strip() for part in fixed.split(",") if part.strip()),
                rating=Rating(severity_of_word(word), "vendor", "", word),
            )
