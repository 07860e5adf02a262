"""Predicates about scans: cosign's vuln v1 (COSIGN_VULN_ATTESTATION_SPEC.md), in-toto's vulns v0.1 and v0.2."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from gatekeeper.core.scan_report import ReportedVulnerability, ScanReport
from gatekeeper.core.severity import UNRATED, Rating, Severity, severity_of_score, severity_of_word
from gatekeeper.vulnerabilities.lenient import items, members, moment_or_none, text

COSIGN = "https://cosign.sigstore.dev/attestation/vuln/v1"
IN_TOTO = "https://in-toto.io/attestation/vulns"


def read_cosign(
    predicate: Mapping[str, object], nested: Callable[[Mapping[str, object]], ScanReport | None]
) -> ScanReport | None:
    """``scanner.result`` is whatever the scanner wrote; dates around it count before its own. None without a result."""
    scanner = members(predicate.get("scanner"))
    report = nested(members(scanner.get("result")))
    if report is None:
        return None
    metadata, database = members(predicate.get("metadata")), members(scanner.get("db"))
    name = f"{text(scanner.get('uri'))} {text(scanner.get('version'))}".strip()
    return replace(
        report,
        format=f"cosign-vuln {report.format}",
        scanner=report.scanner or name,
        scanned_at=moment_or_none(metadata.get("scanFinishedOn"), metadata.get("scanStartedOn"))
        or report.scanned_at,
        database_at=moment_or_none(database.get("lastUpdate")) or report.database_at,
    )


def read_in_toto(predicate: Mapping[str, object]) -> ScanReport | None:
    """An empty ``result`` is clean; None without one."""
    scanner = members(predicate.get("scanner"))
    if not isinstance(scanner.get("result"), list):
        return None
    metadata, database = members(predicate.get("metadata")), members(scanner.get("db"))
    return ScanReport(
        "in-toto-vulns",
        f"{text(scanner.get('uri'))} {text(scanner.get('version'))}".strip(),
        moment_or_none(metadata.get("scanFinishedOn"), metadata.get("scanStartedOn")),
        moment_or_none(database.get("lastUpdate")),
        tuple(_results(scanner)),
    )


def _results(scanner: Mapping[str, object]) -> Iterator[ReportedVulnerability]:
    for item in items(scanner.get("result")):
        found = members(item)
        # v0.1 nests what v0.2 has beside the id.
        inner = members(found.get("vulnerability")) or found
        name = text(inner.get("id"))
        if not name:
            continue
        notes = {**_annotations(inner), **_annotations(found)}
        severity = inner.get("severity")
        ratings = [made for made in map(_rating, items(severity) or [severity]) if made != UNRATED]
        rating = next(
            (made for made in ratings if made.severity is not Severity.UNKNOWN), (*ratings, UNRATED)[0]
        )
        fixed = notes.get("fixedVersion") or notes.get("fixed_version") or ""
        yield ReportedVulnerability(
            name,
            package=notes.get("package", ""),
            version=notes.get("version", "") or notes.get("installedVersion", ""),
            purl=notes.get("purl", ""),
            fixed=(fixed,) if fixed else (),
            rating=rating,
        )


def _annotations(found: Mapping[str, object]) -> dict[str, str]:
    """A list of objects by the specification, one object by some tools."""
    noted = found.get("annotations")
    listed = [members(note) for note in items(noted) or [noted]]
    return {key: text(value) for note in listed for key, value in note.items()}


def _rating(item: object) -> Rating:
    """``score`` is a number, a word, or a number as text."""
    said = members(item)
    score = said.get("score")
    try:
        number = float(score) if isinstance(score, int | float | str) else None
    except ValueError:
        number = None
    if number is not None and math.isfinite(number):
        return Rating(severity_of_score(number), "vendor", f"{number:.1f}", text(said.get("method")))
    word = text(score)
    return Rating(severity_of_word(word), "vendor", "", word) if word else UNRATED
