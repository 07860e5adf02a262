"""Our values as the documents of the API: metadata, vulnerability reports, SBOM reports."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from gatekeeper import __version__
from gatekeeper.core.canonical import to_plain
from gatekeeper.core.feed import FeedKind
from gatekeeper.core.match import Gap
from gatekeeper.core.scan import Vulnerability
from gatekeeper.core.scan_request import SCANNED_TYPES, ScanRequest
from gatekeeper.core.severity import Rating, Severity
from gatekeeper.core.verdict import Finding
from gatekeeper.ports.vulnerabilities import FeedRow
from gatekeeper.web.scanner.media_types import METADATA_1_0, PRODUCED, SBOM_TYPES, Capability
from gatekeeper.workflow.scanner_reports import (
    ExcusedVulnerability,
    OpenVulnerability,
    SbomReport,
    VulnerabilityReport,
)

Document = dict[str, Any]
SCANNER: Document = {"name": "Gatekeeper", "vendor": "Gatekeeper", "version": __version__}
UNJUDGED = "GATEKEEPER-UNJUDGED"
"""Stands in the list of vulnerabilities for the components of which nobody can say anything."""
_PROPERTY = "harbor.scanner-adapter/"
_MOST_FIXES = 10
_SEVERITIES = {
    Severity.CRITICAL: "Critical",
    Severity.HIGH: "High",
    Severity.MEDIUM: "Medium",
    Severity.LOW: "Low",
    Severity.NONE: "Negligible",
    Severity.UNKNOWN: "Unknown",
}
_NEGLIGIBLE = frozenset({"negligible", "unimportant"})
"""Vendors' words that mean what Harbor calls ``Negligible``; our own scale has them at ``low``."""
_RANKS = ("Unknown", "Negligible", "Low", "Medium", "High", "Critical")


def metadata_document(mime: str, feeds: Iterable[FeedRow]) -> Document:
    """``ScannerAdapterMetadata``; 1.0 knows one capability and no name for it."""
    capabilities: list[Document] = []
    for capability, produced in PRODUCED.items():
        said: Document = {
            "type": str(capability),
            "consumes_mime_types": list(SCANNED_TYPES),
            "produces_mime_types": list(produced),
        }
        if capability is Capability.SBOM:
            said["additional_attributes"] = {"sbom_media_types": list(SBOM_TYPES)}
        capabilities.append(said)
    if mime == METADATA_1_0:
        capabilities = [{name: value for name, value in capabilities[0].items() if name != "type"}]
    return {"scanner": SCANNER, "capabilities": capabilities, "properties": _properties(feeds)}


def _properties(feeds: Iterable[FeedRow]) -> Document:
    properties = {
        f"{_PROPERTY}scanner-type": "os-package-vulnerability",
        # Of what Harbor can hand over with a request, the least: a pull token that ends soon. It is not used.
        f"{_PROPERTY}registry-authorization-type": "Bearer",
    }
    advisories = [feed for feed in feeds if feed.kind is FeedKind.OSV]
    fetched = [feed.fetched_at for feed in advisories if feed.fetched_at is not None]
    following = [feed.next_due for feed in advisories if feed.next_due is not None]
    if fetched:
        properties[f"{_PROPERTY}vulnerability-database-updated-at"] = str(to_plain(max(fetched)))
    if following:
        properties[f"{_PROPERTY}vulnerability-database-next-update-at"] = str(to_plain(min(following)))
    return properties


def vulnerability_document(report: VulnerabilityReport) -> Document:
    """``HarborVulnerabilityReport``. What is excused is told beside the list, as are the components."""
    items = [_item(one) for one in report.open]
    items += [_doubt(gap) for gap in report.doubts if gap.advisory]
    if report.unjudged:
        items.append(_unjudged(report))
    return {
        **_head(report.request, report.generated_at),
        "severity": max((item["severity"] for item in items), key=_RANKS.index, default="Unknown"),
        "vulnerabilities": items,
        "vendor_attributes": {
            "components": report.components,
            "unjudged": report.unjudged,
            "excused": [_excused(one) for one in report.excused],
        },
    }


def sbom_document(report: SbomReport, media_type: str) -> Document:
    """``HarborSbomReport``."""
    return {
        **_head(report.request, report.generated_at),
        "vendor_attributes": {},
        "media_type": media_type,
        "sbom": json.loads(report.document),
    }


def _head(request: ScanRequest, generated_at: datetime) -> Document:
    artifact = {
        "repository": request.repository.path,
        "digest": str(request.digest),
        "mime_type": request.media_type,
    }
    if request.tag:
        artifact["tag"] = request.tag
    return {"generated_at": to_plain(generated_at), "artifact": artifact, "scanner": SCANNER}


def severity_word(rating: Rating) -> str:
    """Harbor's word: one of ``Critical High Medium Low Negligible Unknown``."""
    if rating.source == "vendor" and rating.vector.strip().casefold() in _NEGLIGIBLE:
        return "Negligible"
    return _SEVERITIES[rating.severity]


def identifier(vulnerability: Vulnerability) -> str:
    """Its CVE id, which Harbor's allowlists name; the record's own id where it has none, or several."""
    match = vulnerability.match
    cves = {name for name in (match.advisory, *match.advisories, *match.aliases) if name.startswith("CVE-")}
    return cves.pop() if len(cves) == 1 else match.advisory


def _item(one: OpenVulnerability) -> Document:
    vulnerability, text = one.vulnerability, one.text
    match = vulnerability.match
    item: Document = {
        "id": identifier(vulnerability),
        "package": match.package.name,
        "version": match.package.version,
        "fix_version": ", ".join(match.fixed[:_MOST_FIXES]),
        "severity": severity_word(match.rating),
        "description": text.details or match.summary,
        "links": list(dict.fromkeys((*_own_links(one), *text.links))),
        "cwe_ids": list(text.weaknesses),
        "vendor_attributes": dict(_attributes(one)),
    }
    cvss = dict(_cvss(one))
    if cvss:
        item["preferred_cvss"] = cvss
    return item


def _own_links(one: OpenVulnerability) -> Iterator[str]:
    """Where people read about it, the record that says so first."""
    if one.in_feeds:
        yield f"https://osv.dev/vulnerability/{one.vulnerability.match.advisory}"
    name = identifier(one.vulnerability)
    if name.startswith("CVE-"):
        yield f"https://nvd.nist.gov/vuln/detail/{name}"


def _cvss(one: OpenVulnerability) -> Iterator[tuple[str, object]]:
    """``CVSSDetails``: what the record says, else what the rating was computed from."""
    rating = one.vulnerability.match.rating
    for version, said in (("v3", one.text.cvss_v3), ("v2", one.text.cvss_v2)):
        known = said if said.score else rating if rating.source == f"cvss-{version}" else None
        if known is not None and known.score:
            yield f"score_{version}", float(known.score)
            yield f"vector_{version}", known.vector


def _attributes(one: OpenVulnerability) -> Iterator[tuple[str, object]]:
    vulnerability = one.vulnerability
    match, rating = vulnerability.match, vulnerability.match.rating
    said: dict[str, object] = {
        "purl": match.component,
        "advisory": match.advisory,
        "aliases": list(match.aliases),
        "why": match.why.text,
        "severity_source": rating.source,
        "score": rating.score,
        "vector" if rating.score else "vendor_severity": rating.vector,
        "vendor_status": str(match.status),
        "known_since": to_plain(vulnerability.known_at),
        "fix_known_since": to_plain(vulnerability.fix_known_at),
        "known_exploited_since": to_plain(vulnerability.exploited_at),
        "epss": vulnerability.epss,
        "fails_at": to_plain(min(_deadlines(one.findings), default=None)),
        "findings": [_finding(finding) for finding in one.findings],
    }
    return ((name, value) for name, value in said.items() if value)


def _deadlines(findings: Iterable[Finding]) -> list[datetime]:
    return [finding.fails_at for finding in findings if finding.fails_at is not None]


def _finding(finding: Finding) -> Document:
    said = {
        "rule": finding.rule,
        "result": str(finding.result),
        "reason_code": finding.reason_code.partition(":")[0],
        "fails_at": to_plain(finding.fails_at),
        "waived_by": finding.waived_by,
    }
    return {name: value for name, value in said.items() if value is not None}


def _doubt(gap: Gap) -> Document:
    return {
        "id": gap.advisory,
        "package": gap.component,
        "version": "",
        "fix_version": "",
        "severity": "Unknown",
        "description": f"Whether it concerns this component cannot be told: {gap.detail}.",
        "links": [],
        "cwe_ids": [],
        "vendor_attributes": {"state": "indeterminate", "reason": str(gap.reason)},
    }


def _unjudged(report: VulnerabilityReport) -> Document:
    """Harbor shows this list and its counts alone: what nobody could judge must not look clean there."""
    details = [gap.detail for gap in report.doubts if not gap.advisory]
    why = (
        f": {'; '.join(details)}"
        if details
        else ": they name no package, version or distribution that is known"
    )
    return {
        "id": UNJUDGED,
        "package": f"{report.unjudged} of {report.components} components",
        "version": "",
        "fix_version": "",
        "severity": "Unknown",
        "description": f"Nobody can say whether these components are vulnerable{why}.",
        "links": [],
        "cwe_ids": [],
        "vendor_attributes": {"state": "unjudged", "unjudged": report.unjudged},
    }


def _excused(one: ExcusedVulnerability) -> Document:
    match, statement = one.vulnerability.match, one.statement
    return {
        "id": identifier(one.vulnerability),
        "package": match.package.name,
        "version": match.package.version,
        "severity": severity_word(match.rating),
        "status": str(statement.status),
        "justification": statement.justification,
        "author": statement.author,
        "document": statement.document,
        "at": to_plain(statement.at),
    }
