"""Scan reports of every format in one model: an empty list is clean, an absent one is nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.scan_report import ReportedVulnerability, ScanReport
from gatekeeper.core.severity import Severity
from gatekeeper.core.vex import VexDocument
from gatekeeper.ports import Statement
from gatekeeper.vulnerabilities.attestations import AttestationReader
from gatekeeper.vulnerabilities.reports.reader import read, read_predicate

COSIGN = "https://cosign.sigstore.dev/attestation/vuln/v1"
IN_TOTO = "https://in-toto.io/attestation/vulns/"
WHEN = "2024-05-01T10:00:00Z"
AT = datetime(2024, 5, 1, 10, tzinfo=UTC)

TRIVY: dict[str, Any] = {
    "SchemaVersion": 2,
    "CreatedAt": WHEN,
    "Trivy": {"Version": "0.72.0"},
    "Results": [
        {"Target": "clean"},
        {
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-1",
                    "PkgName": "openssl",
                    "InstalledVersion": "3.0.11",
                    "FixedVersion": "3.0.13, 3.1.5",
                    "Severity": "HIGH",
                    "Status": "fixed",
                    "PkgIdentifier": {"PURL": "pkg:deb/debian/openssl@3.0.11"},
                }
            ]
        },
    ],
}
GRYPE: dict[str, Any] = {
    "descriptor": {
        "name": "grype",
        "version": "0.110.0",
        "timestamp": WHEN,
        "db": {"status": {"built": "2024-04-30T00:00:00Z"}},
    },
    "matches": [
        {
            "vulnerability": {
                "id": "GHSA-1",
                "severity": "Critical",
                "fix": {"versions": ["4.17.21"], "state": "fixed"},
            },
            "relatedVulnerabilities": [{"id": "CVE-1"}],
            "artifact": {"name": "lodash", "version": "4.17.20", "purl": "pkg:npm/lodash@4.17.20"},
        }
    ],
}
SARIF: dict[str, Any] = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {
                "driver": {
                    "name": "Trivy",
                    "version": "0.72.0",
                    "rules": [{"id": "CVE-1", "properties": {"security-severity": "9.8"}}],
                }
            },
            "invocations": [{"endTimeUtc": WHEN}],
            "results": [
                {"ruleId": "CVE-1", "level": "error", "message": {"text": "Package: openssl\nInstalled …"}}
            ],
        }
    ],
}
CYCLONEDX: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "metadata": {"timestamp": WHEN, "tools": [{"name": "trivy", "version": "0.72.0"}]},
    "components": [
        {"bom-ref": "a", "name": "lodash", "version": "4.17.20", "purl": "pkg:npm/lodash@4.17.20"}
    ],
    "vulnerabilities": [
        {"id": "CVE-1", "ratings": [{"severity": "high", "score": 7.2}], "affects": [{"ref": "a"}]}
    ],
}
HARBOR: dict[str, Any] = {
    "generated_at": WHEN,
    "scanner": {"name": "Trivy", "version": "0.72.0"},
    "vulnerabilities": [
        {
            "id": "CVE-1",
            "package": "openssl",
            "version": "3.0.11",
            "fix_version": "3.0.13",
            "severity": "Medium",
        }
    ],
}


@pytest.mark.parametrize(
    ("document", "format_", "vulnerability", "severity", "package", "fixed"),
    [
        (TRIVY, "trivy", "CVE-1", Severity.HIGH, "openssl", ("3.0.13", "3.1.5")),
        (GRYPE, "grype", "GHSA-1", Severity.CRITICAL, "lodash", ("4.17.21",)),
        (SARIF, "sarif", "CVE-1", Severity.CRITICAL, "openssl", ()),
        (CYCLONEDX, "cyclonedx", "CVE-1", Severity.HIGH, "lodash", ()),
        (HARBOR, "harbor", "CVE-1", Severity.MEDIUM, "openssl", ("3.0.13",)),
        (
            {"application/vnd.security.vulnerability.report; version=1.1": HARBOR},
            "harbor",
            "CVE-1",
            Severity.MEDIUM,
            "openssl",
            ("3.0.13",),
        ),
    ],
)
def test_bare_reports(
    document: dict[str, Any],
    format_: str,
    vulnerability: str,
    severity: Severity,
    package: str,
    fixed: tuple[str, ...],
) -> None:
    report = read(json.dumps(document).encode())
    (found,) = report.vulnerabilities
    assert (report.format, report.scanned_at) == (format_, AT)
    assert (found.id, found.rating.severity, found.package, found.fixed) == (
        vulnerability,
        severity,
        package,
        fixed,
    )


def test_the_age_of_the_database() -> None:
    assert read(json.dumps(GRYPE).encode()).database_at == datetime(2024, 4, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "document",
    [
        {**TRIVY, "Results": []},
        {**GRYPE, "matches": []},
        {"runs": [{"tool": {"driver": {"name": "Trivy"}}, "results": []}]},
        {**CYCLONEDX, "vulnerabilities": []},
        {**HARBOR, "vulnerabilities": []},
    ],
)
def test_an_empty_list_is_clean(document: dict[str, Any]) -> None:
    assert read(json.dumps(document).encode()).vulnerabilities == ()


@pytest.mark.parametrize(
    "document",
    [
        {"SchemaVersion": 2, "CreatedAt": WHEN},
        {**TRIVY, "Results": None},
        {**GRYPE, "matches": None},
        {**CYCLONEDX, "vulnerabilities": None},
        {**HARBOR, "vulnerabilities": None},
        {"runs": [{**SARIF["runs"][0], "results": [], "invocations": [{"executionSuccessful": False}]}]},
        {"descriptor": GRYPE["descriptor"]},
        {"runs": [{"tool": {"driver": {"name": "Trivy"}}}]},
        {"bomFormat": "CycloneDX", "components": []},
        {"generated_at": WHEN},
        {},
    ],
)
def test_an_absent_list_is_nothing(document: dict[str, Any]) -> None:
    with pytest.raises(MalformedError) as refused:
        read(json.dumps(document).encode())
    assert refused.value.reason_code == "scan-report-malformed"


@pytest.mark.parametrize(
    ("ratings", "severity"),
    [
        ([{"score": 9.8, "method": "CVSSv31"}], Severity.CRITICAL),
        ([{"severity": "unknown"}, {"severity": "low"}, {"severity": "high"}], Severity.LOW),
        ([{"severity": "unknown"}], Severity.UNKNOWN),
        ([{}, {"severity": 7}, None], Severity.UNKNOWN),
        ([], Severity.UNKNOWN),
    ],
)
def test_ratings_of_cyclonedx(ratings: list[Any], severity: Severity) -> None:
    document = {**CYCLONEDX, "vulnerabilities": [{**CYCLONEDX["vulnerabilities"][0], "ratings": ratings}]}
    assert read(json.dumps(document).encode()).vulnerabilities[0].rating.severity is severity


@pytest.mark.parametrize(
    ("reference", "package", "purl"),
    [
        ("a", "lodash", "pkg:npm/lodash@4.17.20"),
        ("root", "app", "pkg:npm/app@1"),
        ("pkg:npm/elsewhere@1", "", "pkg:npm/elsewhere@1"),
        ("nowhere", "", ""),
    ],
)
def test_what_a_vulnerability_of_cyclonedx_affects(reference: str, package: str, purl: str) -> None:
    root = {"bom-ref": "root", "name": "app", "purl": "pkg:npm/app@1"}
    found = {"id": "CVE-1", "affects": [{"ref": reference}]}
    document = {**CYCLONEDX, "metadata": {"component": root}, "vulnerabilities": [found]}
    (vulnerability,) = read(json.dumps(document).encode()).vulnerabilities
    assert (vulnerability.package, vulnerability.purl) == (package, purl)


@pytest.mark.parametrize(
    ("result", "found"),
    [
        ({"ruleId": "CVE-1"}, ("CVE-1", Severity.CRITICAL)),
        ({"ruleIndex": 0}, ("CVE-1", Severity.CRITICAL)),
        ({"rule": {"index": 0}}, ("CVE-1", Severity.CRITICAL)),
        ({"rule": {"id": "CVE-2"}, "level": "note"}, ("CVE-2", Severity.LOW)),
        ({"ruleIndex": 7}, None),
        ({"ruleId": "CVE-1", "kind": "pass"}, None),
        ({"ruleId": "CVE-1", "kind": "notApplicable"}, None),
        ({"ruleId": "CVE-1", "kind": "fail"}, ("CVE-1", Severity.CRITICAL)),
        ({"ruleId": "CVE-1", "baselineState": "absent"}, None),
    ],
)
def test_results_of_sarif(result: dict[str, Any], found: tuple[str, Severity] | None) -> None:
    rules = [{"id": "CVE-1", "properties": {"security-severity": 9.8}}]
    run = {"tool": {"driver": {"name": "x", "rules": rules}}, "results": [result]}
    read_ = read(json.dumps({"runs": [run]}).encode()).vulnerabilities
    assert [(one.id, one.rating.severity) for one in read_] == ([found] if found else [])


def cosign(result: object, **metadata: str) -> bytes:
    scanner = {
        "uri": "pkg:github/aquasecurity/trivy",
        "version": "0.72.0",
        "db": {"lastUpdate": WHEN},
        "result": result,
    }
    return json.dumps({"scanner": scanner, "metadata": {"scanFinishedOn": WHEN, **metadata}}).encode()


@pytest.mark.parametrize("result", [TRIVY, GRYPE, SARIF])
def test_cosigns_predicate_holds_any_of_them(result: dict[str, Any]) -> None:
    report = read_predicate(COSIGN, cosign(result, scanFinishedOn="2024-05-02T00:00:00Z"))
    assert report is not None
    assert report.format.startswith("cosign-vuln")
    assert report.scanned_at == datetime(2024, 5, 2, tzinfo=UTC), "the predicate's date counts"
    assert report.database_at == AT
    assert len(report.vulnerabilities) == 1


def test_cosigns_predicate_without_a_result_is_nothing() -> None:
    assert read_predicate(COSIGN, cosign({})) is None
    assert read_predicate(COSIGN, b"{}") is None


@pytest.mark.parametrize(
    ("version", "result", "expected"),
    [
        (
            "v0.1",
            [{"vulnerability": {"id": "CVE-1", "severity": {"method": "nvd", "score": "high"}}}],
            Severity.HIGH,
        ),
        ("v0.2", [{"id": "CVE-1", "severity": [{"method": "CVSS", "score": "9.8"}]}], Severity.CRITICAL),
        ("v0.2", [{"id": "CVE-1"}], Severity.UNKNOWN),
        ("v0.2", [{"id": "CVE-1", "severity": [{"score": "nan"}, {"score": "low"}]}], Severity.LOW),
    ],
)
def test_in_totos_predicates(version: str, result: list[Any], expected: Severity) -> None:
    predicate = {
        "scanner": {"uri": "pkg:x", "result": result, "db": {"lastUpdate": WHEN}},
        "metadata": {"scanFinishedOn": WHEN},
    }
    report = read_predicate(IN_TOTO + version, json.dumps(predicate).encode())
    assert report is not None
    assert [(found.id, found.rating.severity) for found in report.vulnerabilities] == [("CVE-1", expected)]
    assert (report.scanned_at, report.database_at) == (AT, AT)


def test_in_totos_annotations_may_name_the_package() -> None:
    notes = [{"package": "openssl", "fixedVersion": "3.0.13"}]
    predicate = {"scanner": {"result": [{"id": "CVE-1", "annotations": notes}]}}
    report = read_predicate(IN_TOTO + "v0.2", json.dumps(predicate).encode())
    assert report is not None
    assert report.vulnerabilities == (ReportedVulnerability("CVE-1", package="openssl", fixed=("3.0.13",)),)


def test_in_toto_empty_is_clean_and_absent_is_nothing() -> None:
    clean = read_predicate(IN_TOTO + "v0.2", b'{"scanner": {"result": []}}')
    assert clean is not None
    assert clean.vulnerabilities == ()
    assert read_predicate(IN_TOTO + "v0.2", b'{"scanner": {}}') is None


def test_other_predicates_are_none_of_ours() -> None:
    assert read_predicate("https://slsa.dev/provenance/v1", b"no JSON") is None


class TestAttestations:
    def said(self, kind: str, document: object) -> tuple[ScanReport | VexDocument, ...]:
        return AttestationReader().read(Statement(kind, json.dumps(document).encode()))

    def test_reports_and_vex(self) -> None:
        openvex = {"@context": "https://openvex.dev/ns/v0.2.0", "statements": []}
        assert isinstance(self.said("https://openvex.dev/ns/v0.2.0", openvex)[0], VexDocument)
        assert isinstance(self.said(COSIGN, json.loads(cosign(TRIVY)))[0], ScanReport)
        assert isinstance(self.said("https://cyclonedx.org/bom", CYCLONEDX)[0], ScanReport)
        analysed = {**CYCLONEDX["vulnerabilities"][0], "analysis": {"state": "resolved"}}
        vex = {**CYCLONEDX, "vulnerabilities": [analysed]}
        (alone,) = self.said("https://cyclonedx.org/bom/v1.5", vex)
        assert isinstance(alone, VexDocument)

    def test_what_nobody_analysed_is_reported_beside_what_somebody_did(self) -> None:
        reported = CYCLONEDX["vulnerabilities"][0]
        analysed = {**reported, "id": "CVE-2", "analysis": {"state": "resolved"}}
        vex, report = self.said(
            "https://cyclonedx.org/bom", {**CYCLONEDX, "vulnerabilities": [reported, analysed]}
        )
        assert isinstance(vex, VexDocument)
        assert isinstance(report, ScanReport)
        assert [statement.vulnerabilities for statement in vex.statements] == [("CVE-2",)]
        assert [found.id for found in report.vulnerabilities] == ["CVE-1", "CVE-2"]

    def test_an_sbom_is_neither(self) -> None:
        assert self.said("https://cyclonedx.org/bom", {"bomFormat": "CycloneDX", "components": []}) == ()
        assert self.said("https://spdx.dev/Document", {}) == ()

    def test_what_cannot_be_read_is_refused(self) -> None:
        with pytest.raises(MalformedError):
            AttestationReader().read(Statement("https://openvex.dev/ns", b"{"))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Vulnerabilities",
                    "VulnerabilityID",
                    "vulnerability",
                    "id",
                    "severity",
                    "score",
                    "tool",
                    "driver",
                    "rules",
                    "results",
                    "ruleId",
                    "message",
                    "text",
                    "affects",
                    "ref",
                    "ratings",
                    "result",
                    "db",
                    "artifact",
                    "fix",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(
    members=st.dictionaries(
        st.sampled_from(
            [
                "Results",
                "SchemaVersion",
                "matches",
                "descriptor",
                "runs",
                "vulnerabilities",
                "generated_at",
                "scanner",
                "metadata",
            ]
        ),
        JSON,
    ),
    cyclonedx=st.booleans(),
    kind=st.sampled_from([COSIGN, IN_TOTO + "v0.1"]),
)
def test_any_json_is_read_or_refused(members: dict[str, Any], cyclonedx: bool, kind: str) -> None:
    content = json.dumps({**members, **({"bomFormat": "CycloneDX"} if cyclonedx else {})}).encode()
    try:
        assert read(content).format
    except MalformedError as refused:
        if refused.reason_code != "scan-report-malformed":
            raise
    predicate = json.dumps({"scanner": {"result": members.get("Results", members)}, "metadata": {}}).encode()
    found = read_predicate(kind, predicate)
    assert found is None or found.format
