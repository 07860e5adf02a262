"""CycloneDX vulnerability disclosure reports, 1.4 to 1.7 (https://cyclonedx.org/capabilities/vdr/)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gatekeeper.core.scan_report import ReportedVulnerability, ScanReport
from gatekeeper.core.severity import UNRATED, Rating, Severity, severity_of_score, severity_of_word
from gatekeeper.vulnerabilities.lenient import items, members, moment_or_none, text

_MOST_COMPONENTS = 1_000_000


def is_report(document: Mapping[str, object]) -> bool:
    """A BOM without ``vulnerabilities`` is an SBOM and reports nothing."""
    return document.get("bomFormat") == "CycloneDX" and isinstance(document.get("vulnerabilities"), list)


def read(document: Mapping[str, object]) -> ScanReport:
    """One vulnerability for each component that it affects."""
    metadata = members(document.get("metadata"))
    return ScanReport(
        "cyclonedx",
        _tool(metadata),
        moment_or_none(metadata.get("timestamp")),
        None,
        tuple(_vulnerabilities(document)),
    )


def _tool(metadata: Mapping[str, object]) -> str:
    tools = metadata.get("tools")
    listed = items(tools) or items(members(tools).get("components"))
    first = members(next(iter(listed), None))
    return f"{text(first.get('name'))} {text(first.get('version'))}".strip()


def _vulnerabilities(document: Mapping[str, object]) -> Iterator[ReportedVulnerability]:
    components = _components(document)
    for item in items(document.get("vulnerabilities")):
        found = members(item)
        name = text(found.get("id"))
        if not name:
            continue
        aliases = tuple(text(members(other).get("id")) for other in items(found.get("references")))
        ratings = [made for made in map(_rating, items(found.get("ratings"))) if made != UNRATED]
        # Scanners list many sources, those that say nothing among them.
        rating = next(
            (made for made in ratings if made.severity is not Severity.UNKNOWN), (*ratings, UNRATED)[0]
        )
        for reference in items(found.get("affects")) or [None]:
            named = text(members(reference).get("ref"))
            component = components.get(named, {"purl": named if named.startswith("pkg:") else ""})
            yield ReportedVulnerability(
                name,
                tuple(alias for alias in aliases if alias and alias != name),
                text(component.get("name")),
                text(component.get("version")),
                text(component.get("purl")),
                rating=rating,
                status=text(members(found.get("analysis")).get("state")),
            )


def _rating(item: object) -> Rating:
    said = members(item)
    word, score = text(said.get("severity")), said.get("score")
    number = float(score) if isinstance(score, int | float) and not isinstance(score, bool) else None
    shown = str(score) if number is not None else ""
    if word:
        return Rating(severity_of_word(word), "vendor", shown, word)
    return UNRATED if number is None else Rating(severity_of_score(number), "vendor", shown, "")


def _components(document: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    found: dict[str, Mapping[str, object]] = {}
    waiting = [members(document.get("metadata")).get("component"), *items(document.get("components"))]
    while waiting and len(found) < _MOST_COMPONENTS:
        component = members(waiting.pop())
        found[text(component.get("bom-ref"))] = component
        waiting += items(component.get("components"))
    return found
