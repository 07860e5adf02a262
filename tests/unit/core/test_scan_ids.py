"""Ids of scans say what they are about, and nothing else is one."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.reference import Repository
from gatekeeper.core.scan_request import SCANNED_TYPES, ScanRequest, parse_scan_id, scan_id

DIGEST = Digest.of(b"image")
REQUESTS = st.builds(
    ScanRequest,
    st.builds(
        Repository,
        st.sampled_from(["harbor.example.com", "127.0.0.1:5000", "[::1]:5000", "docker.io"]),
        st.from_regex(r"[a-z]{1,20}/[a-z0-9]{1,20}(/[a-z]{1,40}){0,3}", fullmatch=True),
    ),
    st.binary().map(Digest.of),
    st.sampled_from(SCANNED_TYPES),
    st.from_regex(r"|[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True),
    st.timedeltas(timedelta(0), timedelta(days=30_000)).map(
        lambda age: datetime(2000, 1, 1, tzinfo=UTC) + age
    ),
)


@given(REQUESTS)
def test_an_id_is_read_as_it_was_written_and_needs_no_escaping(request: ScanRequest) -> None:
    number = scan_id(request)
    assert parse_scan_id(number) == request
    assert number.replace("-", "").replace("_", "").isalnum()
    assert number.isascii()


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")))
def test_what_was_never_an_id_is_refused(text: str) -> None:
    with pytest.raises(MalformedError) as refused:
        parse_scan_id(text)
    assert refused.value.reason_code == "scan-unknown"


@given(REQUESTS, st.data())
def test_whatever_is_read_is_written_the_same(request: ScanRequest, data: st.DataObject) -> None:
    number = scan_id(request)
    place = data.draw(st.integers(0, len(number) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019-_=/+ "))
    changed = number[:place] + letter + number[place + 1 :]
    try:
        read = parse_scan_id(changed)
    except MalformedError:
        return
    assert scan_id(read) == changed


@pytest.mark.parametrize(
    "said",
    [
        ["harbor.example.com", "app/web", str(DIGEST), 0, "", 1, 2],
        ["harbor.example.com", "app/web", str(DIGEST), 2, "", 1],
        ["harbor.example.com", "app/web", str(DIGEST), -1, "", 1],
        ["harbor.example.com", "app/web", str(DIGEST), True, "", 1],
        ["harbor.example.com", "app/web", str(DIGEST), 0, "", 10**30],
        ["harbor.example.com", "app/web", str(DIGEST), 0, "", 1.0],
        ["harbor.example.com", "app/../web", str(DIGEST), 0, "", 1],
        ["HARBOR.example.com", "app/web", str(DIGEST), 0, "", 1],
        ["harbor.example.com", "app/web", "sha256:1", 0, "", 1],
        ["harbor.example.com", "app/web", str(DIGEST), 0, "-", 1],
        {"registry": "harbor.example.com"},
        [[[[]]]],
    ],
    ids=str,
)
def test_every_part_is_checked(said: object) -> None:
    text = json.dumps(said, separators=(",", ":"))
    with pytest.raises(MalformedError):
        parse_scan_id(base64.urlsafe_b64encode(text.encode()).decode().rstrip("="))
