"""OSV records are read as the schema says, and as they are found: dirty."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.advisory_terms import EventKind, RangeKind, VendorStatus
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.severity import Severity
from gatekeeper.vulnerabilities.osv import read_record


def record(**members: Any) -> bytes:
    return json.dumps({"id": "GHSA-1", "modified": "2024-01-02T03:04:05Z", **members}).encode()


def affected(**members: Any) -> list[dict[str, Any]]:
    return [{"package": {"ecosystem": "npm", "name": "left-pad"}, **members}]


def test_a_whole_record() -> None:
    read = read_record(
        record(
            published="2024-01-01T00:00:00.123456Z",
            aliases=["CVE-2024-1", "GHSA-1", "CVE-2024-1"],
            summary="Pads wrongly",
            severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
            affected=affected(
                ranges=[{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.3.0"}]}],
                versions=["1.0.0", "1.0.0"],
            ),
        )
    )
    assert read.id == "GHSA-1"
    assert read.modified == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert read.aliases == ("CVE-2024-1",)
    assert (read.rating.severity, read.rating.source, read.rating.score) == (
        Severity.CRITICAL,
        "cvss-v3",
        "9.8",
    )
    (package,) = read.affected
    assert package.versions == ("1.0.0",)
    (found,) = package.ranges
    assert found.kind is RangeKind.SEMVER
    assert [(event.kind, event.version) for event in found.events] == [
        (EventKind.INTRODUCED, "0"),
        (EventKind.FIXED, "1.3.0"),
    ]


@pytest.mark.parametrize(
    ("members", "severity", "source"),
    [
        ({"database_specific": {"severity": "HIGH"}}, Severity.HIGH, "vendor"),
        (
            {
                "severity": [
                    {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
                    {
                        "type": "CVSS_V4",
                        "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:H/UI:N/VC:L/VI:L/VA:N/SC:N/SI:N/SA:N",
                    },
                ]
            },
            Severity.MEDIUM,
            "cvss-v4",
        ),
        (
            {"severity": [{"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:C/I:C/A:C"}]},
            Severity.CRITICAL,
            "cvss-v2",
        ),
        ({"severity": [{"type": "Ubuntu", "score": "negligible"}]}, Severity.LOW, "vendor"),
        ({"severity": [{"type": "CVSS_V3", "score": "no vector"}]}, Severity.UNKNOWN, ""),
        ({}, Severity.UNKNOWN, ""),
    ],
)
def test_severity_is_believed_in_order(members: dict[str, Any], severity: Severity, source: str) -> None:
    rating = read_record(record(affected=affected(), **members)).affected[0].rating
    assert (rating.severity, rating.source) == (severity, source)


def test_a_package_has_its_own_severity_and_vendor_status() -> None:
    read = read_record(
        record(
            database_specific={"severity": "CRITICAL"},
            affected=[
                *affected(ecosystem_specific={"urgency": "unimportant"}),
                *affected(database_specific={"fix_state": "Will not fix"}),
                *affected(ecosystem_specific={"urgency": "end-of-life"}),
            ],
        )
    )
    assert [package.status for package in read.affected] == [
        VendorStatus.UNIMPORTANT,
        VendorStatus.IGNORED,
        VendorStatus.END_OF_LIFE,
    ]
    assert [package.rating.severity for package in read.affected] == [
        Severity.LOW,
        Severity.CRITICAL,
        Severity.CRITICAL,
    ]


def test_faults_in_what_no_match_needs_cost_nothing() -> None:
    read = read_record(
        record(
            modified=17,
            published="yesterday",
            aliases=["CVE-2024-1", None, 5],
            severity="high",
            summary={"text": "?"},
            references="none",
            affected=affected(versions=["1.0.0"]),
        )
    )
    assert read.aliases == ("CVE-2024-1",)
    assert read.published is None
    assert read.affected[0].versions == ("1.0.0",)


@pytest.mark.parametrize("withdrawn", ["2024-01-02T00:00:00Z", "last week", 2024])
def test_whatever_says_withdrawn_withdraws(withdrawn: object) -> None:
    assert read_record(record(withdrawn=withdrawn)).withdrawn is not None


def test_affected_commits_without_a_package_are_left_out() -> None:
    read = read_record(record(affected=[{"ranges": [{"type": "GIT", "repo": "https://x", "events": []}]}]))
    assert read.affected == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b'{"modified": "2024-01-01T00:00:00Z"}',
        record(id=" "),
        record(affected="all"),
        record(affected=affected(ranges=[{"type": "SEMVER", "events": [{"introduced": 0}]}])),
        record(affected=affected(ranges=[{"type": "WEIRD", "events": []}])),
        record(affected=affected(versions=[1])),
        b'{"id": "X", "affected": ' + b"[" * 100_000,
    ],
)
def test_a_bad_record_is_refused_with_a_reason(content: bytes) -> None:
    with pytest.raises(MalformedError) as refused:
        read_record(content)
    assert refused.value.reason_code == "advisory-malformed"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "package",
                    "ecosystem",
                    "name",
                    "ranges",
                    "type",
                    "events",
                    "introduced",
                    "fixed",
                    "versions",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(members=st.dictionaries(st.sampled_from(["id", "affected", "aliases", "severity", "withdrawn"]), JSON))
def test_any_json_is_read_or_refused(members: dict[str, Any]) -> None:
    _read_or_refuse(json.dumps(members).encode())


@given(content=st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    _read_or_refuse(content)


def _read_or_refuse(content: bytes) -> None:
    try:
        assert read_record(content).id
    except MalformedError:
        return
