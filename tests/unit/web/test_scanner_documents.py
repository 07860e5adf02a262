"""Harbor's words and MIME types."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gatekeeper.core.evidence import Trust
from gatekeeper.core.match import Ground, LookedUp, Match, Why
from gatekeeper.core.scan import Vulnerability
from gatekeeper.core.severity import UNRATED, Rating, Severity
from gatekeeper.web.scanner.documents import identifier, severity_word
from gatekeeper.web.scanner.media_types import (
    METADATA_1_0,
    METADATA_1_1,
    REPORT_1_0,
    REPORT_1_1,
    SBOM_REPORT,
    NotCapableError,
    accepted_metadata,
    accepted_report,
)


@pytest.mark.parametrize(
    ("accept", "sbom", "report"),
    [
        (REPORT_1_1, False, REPORT_1_1),
        (REPORT_1_0, False, REPORT_1_0),
        ("application/vnd.scanner.adapter.vuln.report.harbor+json;version=1.0", False, REPORT_1_0),
        ('application/vnd.security.vulnerability.report; version="1.1"', False, REPORT_1_1),
        ("APPLICATION/vnd.security.vulnerability.report; Version=1.1", False, REPORT_1_1),
        ("application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.1", False, REPORT_1_0),
        (SBOM_REPORT, True, SBOM_REPORT),
        ("application/vnd.security.sbom.repo+json; version=1.0", True, SBOM_REPORT),
        ("", False, REPORT_1_1),
        ("*/*", False, REPORT_1_1),
        ("*/*", True, SBOM_REPORT),
        (f"{REPORT_1_0};q=0.2, {REPORT_1_1};q=0.8", False, REPORT_1_1),
        (f"text/html, {REPORT_1_0};q=0.1", False, REPORT_1_0),
    ],
)
def test_the_best_report_that_is_accepted(accept: str, sbom: bool, report: str) -> None:
    assert accepted_report(accept, sbom=sbom) == report


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        f"{REPORT_1_1};q=0",
        f"{REPORT_1_1};q=no",
        "application/vnd.security.vulnerability.report; version=2.0",
        "application/vnd.scanner.adapter.vuln.report.raw",
        ",;=,",
    ],
)
def test_what_is_not_made(accept: str) -> None:
    with pytest.raises(NotCapableError, match="nothing of"):
        accepted_report(accept, sbom=False)


@pytest.mark.parametrize(
    ("accept", "metadata"),
    [
        ("", METADATA_1_1),
        ("*/*", METADATA_1_1),
        (METADATA_1_1, METADATA_1_1),
        (METADATA_1_0, METADATA_1_0),
        (f"{METADATA_1_0}, {METADATA_1_1}", METADATA_1_1),
        (f"{METADATA_1_0}, */*;q=0.1", METADATA_1_1),
    ],
)
def test_only_who_knows_nothing_newer_gets_1_0(accept: str, metadata: str) -> None:
    assert accepted_metadata(accept) == metadata


@pytest.mark.parametrize(
    ("rating", "word"),
    [
        (Rating(Severity.CRITICAL, "cvss-v3", "9.8", "CVSS:3.1/…"), "Critical"),
        (Rating(Severity.HIGH, "vendor", "", "Important"), "High"),
        (Rating(Severity.MEDIUM, "vendor", "", "moderate"), "Medium"),
        (Rating(Severity.LOW, "vendor", "", "low"), "Low"),
        (Rating(Severity.LOW, "vendor", "", "unimportant"), "Negligible"),
        (Rating(Severity.LOW, "vendor", "", "Negligible"), "Negligible"),
        (Rating(Severity.NONE, "cvss-v3", "0.0", ""), "Negligible"),
        (UNRATED, "Unknown"),
    ],
)
def test_severities_in_harbors_words(rating: Rating, word: str) -> None:
    assert severity_word(rating) == word


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("GHSA-1", "CVE-2026-1"), "CVE-2026-1"),
        (("CVE-2026-1",), "CVE-2026-1"),
        (("DEBIAN-CVE-2026-1", "CVE-2026-1"), "CVE-2026-1"),
        (("DSA-1", "CVE-2026-1", "CVE-2026-2"), "DSA-1"),
        (("GHSA-1",), "GHSA-1"),
    ],
)
def test_a_vulnerability_is_called_what_allowlists_call_it(names: tuple[str, ...], told: str) -> None:
    match = Match(
        component="pkg:npm/a@1",
        package=LookedUp("npm", "a", "1"),
        advisory=names[0],
        advisories=names[:1],
        aliases=names[1:],
        why=Why(Ground.VERSIONS, "1"),
        fixed=(),
    )
    known = datetime(2026, 1, 1, tzinfo=UTC)
    assert identifier(Vulnerability(match, (), Trust.SIGNED, known, None)) == told
