"""What records tell people; whatever is not as it should be counts as not said."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.advisory import NO_TEXT
from gatekeeper.vulnerabilities.describing import describe_record

V3 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
V2 = "AV:N/AC:L/Au:N/C:P/I:P/A:P"


def test_details_references_weaknesses_and_vectors_are_told() -> None:
    record = {
        "id": "GHSA-1",
        "details": "First line.\nSecond.\x1b[31m",
        "references": [
            {"type": "WEB", "url": "https://example.com/a"},
            {"type": "WEB", "url": "https://example.com/a"},
            {"type": "FIX", "url": "http://example.com/fix"},
            {"type": "WEB", "url": "javascript:alert(1)"},
            {"type": "WEB", "url": "https://example.com/with space"},
            {"type": "WEB"},
        ],
        "severity": [{"type": "CVSS_V2", "score": V2}, {"type": "CVSS_V3", "score": V3}],
        "database_specific": {"cwe_ids": ["CWE-79", "CWE-79", "nonsense", 7]},
        "affected": [{"database_specific": {"cwes": [{"cweId": "CWE-80", "description": "…"}]}}],
    }
    text = describe_record(json.dumps(record).encode())
    assert text.details == "First line.\nSecond.[31m"
    assert text.links == ("https://example.com/a", "http://example.com/fix")
    assert text.weaknesses == ("CWE-79", "CWE-80")
    assert (text.cvss_v3.score, text.cvss_v3.vector) == ("9.8", V3)
    assert (text.cvss_v2.score, text.cvss_v2.vector) == ("7.5", V2)


def test_a_vector_of_a_package_speaks_where_the_record_has_none() -> None:
    record = {"id": "A-1", "affected": [{"severity": [{"type": "CVSS_V3", "score": V3}]}]}
    assert describe_record(json.dumps(record).encode()).cvss_v3.score == "9.8"


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000])
def test_what_cannot_be_read_tells_nothing(content: bytes) -> None:
    assert describe_record(content) == NO_TEXT


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(("details", "references", "severity", "database_specific", "affected"), _JSON),
    )
)
def test_no_record_is_too_odd(record: dict[str, object]) -> None:
    text = describe_record(json.dumps(record).encode())
    assert all(link.startswith("http") for link in text.links)
