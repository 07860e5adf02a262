"""SARIF 2.1.0 of vulnerability scanners: the last resort, because packages are only in its prose."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from gatekeeper.core.scan_report import ReportedVulnerability, ScanReport
from gatekeeper.core.severity import UNRATED, Rating, severity_of_score
from gatekeeper.vulnerabilities.lenient import items, members, moment_or_none, text

_NO_FINDING = frozenset({"pass", "notApplicable", "informational"})
"""Kinds of results (3.27.9) that report no vulnerability."""
_LEVELS = {"error": 7.0, "warning": 4.0, "note": 0.1}
"""Where a rule has no score of its own."""


def is_report(document: Mapping[str, object]) -> bool:
    """At least one run has a list of results; a run without one scanned nothing (SARIF 3.14.23).

    A run that says it failed (3.20.14) and found nothing says nothing.
    """
    return any(
        isinstance(run.get("results"), list) and (run.get("results") or not _failed(run))
        for run in map(members, items(document.get("runs")))
    )


def _failed(run: Mapping[str, object]) -> bool:
    ended = [members(item).get("executionSuccessful") for item in items(run.get("invocations"))]
    return bool(ended) and all(successful is False for successful in ended)


def read(document: Mapping[str, object]) -> ScanReport:
    """One vulnerability for each result."""
    runs = [members(run) for run in items(document.get("runs"))]
    drivers = [members(members(run.get("tool")).get("driver")) for run in runs]
    ended = [members(item).get("endTimeUtc") for run in runs for item in items(run.get("invocations"))]
    scanner = next((driver for driver in drivers if text(driver.get("name"))), {})
    return ScanReport(
        "sarif",
        f"{text(scanner.get('name'))} {text(scanner.get('version'))}".strip(),
        moment_or_none(*ended),
        None,
        tuple(item for run, driver in zip(runs, drivers, strict=True) for item in _results(run, driver)),
    )


def _results(run: Mapping[str, object], driver: Mapping[str, object]) -> Iterator[ReportedVulnerability]:
    rules = [members(rule) for rule in items(driver.get("rules"))]
    scores = {
        text(rule.get("id")): _number(members(rule.get("properties")).get("security-severity"))
        for rule in rules
    }
    for item in items(run.get("results")):
        result = members(item)
        if result.get("kind") in _NO_FINDING or result.get("baselineState") == "absent":
            continue
        name = (
            text(result.get("ruleId"))
            or text(members(result.get("rule")).get("id"))
            or _by_index(rules, result)
        )
        if name:
            yield ReportedVulnerability(
                # Grype's rule names end with the package: CVE-2024-1-openssl.
                name,
                package=_package(result),
                rating=_rating(scores.get(name, ""), text(result.get("level")) or "warning"),
            )


def _by_index(rules: list[Mapping[str, object]], result: Mapping[str, object]) -> str:
    """The rule that a result names by its place alone (3.27.6)."""
    index = result.get("ruleIndex", members(result.get("rule")).get("index"))
    if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(rules):
        return text(rules[index].get("id"))
    return ""


def _number(value: object) -> str:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else text(value)


def _package(result: Mapping[str, object]) -> str:
    """Trivy begins its message with ``Package: NAME``."""
    for line in text(members(result.get("message")).get("text")).splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "Package":
            return value.strip()
    return ""


def _rating(score: str, level: str) -> Rating:
    try:
        number = float(score) if score else _LEVELS[level]
    except (KeyError, ValueError):
        return UNRATED
    if not math.isfinite(number):
        return UNRATED
    return Rating(severity_of_score(number), "vendor", score, level)
