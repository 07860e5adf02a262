"""The client of the Harbor Pluggable Scanner API against a scanner that checks it, and against scanners that lie."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from gatekeeper.core.errors import Cause, NotOfferedError, UnavailableError
from gatekeeper.sbom.reader import Reader
from gatekeeper.transport.client import Transport
from gatekeeper.transport.origin import origin_of
from gatekeeper.transport.settings import TransportSettings
from gatekeeper.vulnerabilities.scanner_client import ScannerClient
from tests.fakes.scanner_adapter import (
    REPORT_1_0,
    REPORT_1_1,
    SBOM,
    SBOM_OF_README,
    VULNERABILITY,
    Reply,
    ScannerAdapter,
    metadata,
    reply,
    sbom_capability,
)
from tests.integration.scanners.conftest import Clock, to_scan


@pytest.fixture
def adapter() -> Iterator[ScannerAdapter]:
    with ScannerAdapter(
        metadata=metadata({"type": "vulnerability", **VULNERABILITY}, sbom_capability())
    ) as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(adapter: ScannerAdapter, clock: Clock) -> Iterator[ScannerClient]:
    with closing(Transport(origin_of(adapter.url), TransportSettings(read=5.0))) as transport:
        yield ScannerClient(
            "fake", adapter.url, transport, timeout=300, monotonic=clock.monotonic, sleep=clock.sleep
        )


def refused(client: ScannerClient, what: str = "report") -> UnavailableError:
    with pytest.raises(UnavailableError) as caught:
        getattr(client, what)(to_scan())
    return caught.value


def test_a_report_is_asked_for_until_it_is_there(
    client: ScannerClient, adapter: ScannerAdapter, clock: Clock
) -> None:
    adapter.queue("report", reply(302, Retry_After="7"), reply(302, Refresh_After="3"), reply(302))
    report = client.report(to_scan(token="short-lived"))
    assert adapter.complaints == []
    assert [(one.id, one.package, one.fixed) for one in report.vulnerabilities] == [
        ("CVE-2026-0001", "musl", ("1.2.5-r1",))
    ]
    assert report.scanned_at == datetime(2026, 1, 11, 12, tzinfo=UTC)
    assert report.database_at == datetime(2026, 1, 10, 6, tzinfo=UTC)
    assert clock.slept[:2] == [7, 3]
    assert len(clock.slept) == 3
    (request,) = adapter.scans
    assert request["registry"] == {"url": "https://registry.test", "authorization": "Bearer short-lived"}
    assert request["artifact"]["repository"] == "team/app"
    assert request["enabled_capabilities"] == [{"type": "vulnerability", "produces_mime_types": [REPORT_1_1]}]


def test_no_token_is_no_authorization(client: ScannerClient, adapter: ScannerAdapter) -> None:
    client.report(to_scan())
    assert adapter.scans[0]["registry"] == {"url": "https://registry.test"}


def test_a_scanner_of_1_0_is_asked_as_1_0(client: ScannerClient, adapter: ScannerAdapter) -> None:
    adapter.metadata = metadata({**VULNERABILITY, "produces_mime_types": [REPORT_1_0]})
    assert len(client.report(to_scan()).vulnerabilities) == 1
    assert adapter.complaints == []
    assert "enabled_capabilities" not in adapter.scans[0]


def test_a_clean_report_is_clean_and_one_without_a_list_is_none(
    client: ScannerClient, adapter: ScannerAdapter
) -> None:
    adapter.report["vulnerabilities"] = []
    assert client.report(to_scan()).vulnerabilities == ()
    del adapter.report["vulnerabilities"]
    assert refused(client).reason_code == "scanner-answer-malformed"


@pytest.mark.parametrize("mime", [SBOM, SBOM_OF_README])
@pytest.mark.parametrize("as_text", [False, True])
def test_an_sbom_in_either_spelling(
    client: ScannerClient, adapter: ScannerAdapter, mime: str, *, as_text: bool
) -> None:
    adapter.metadata = metadata(
        sbom_capability(mime, "application/spdx+json", "application/vnd.cyclonedx+json")
    )
    if as_text:
        adapter.document = json.dumps(adapter.document)
    document = Reader().read(client.sbom(to_scan()))
    assert [one.purl for one in document.components] == ["pkg:npm/left-pad@1.3.0"]
    assert adapter.complaints == []
    assert adapter.scans[0]["enabled_capabilities"] == [
        {
            "type": "sbom",
            "produces_mime_types": [mime],
            "parameters": {"sbom_media_types": ["application/vnd.cyclonedx+json"]},
        }
    ]


def test_spdx_is_taken_where_it_is_all_there_is(client: ScannerClient, adapter: ScannerAdapter) -> None:
    adapter.metadata = metadata(sbom_capability(SBOM, "application/spdx+json"))
    client.sbom(to_scan())
    assert adapter.asked[-1].endswith("?sbom_media_type=application%2Fspdx%2Bjson")


def test_what_a_scanner_does_not_make_is_not_asked_for(
    client: ScannerClient, adapter: ScannerAdapter
) -> None:
    adapter.metadata = metadata(VULNERABILITY)
    with pytest.raises(NotOfferedError, match="fake does not make SBOMs"):
        client.sbom(to_scan())
    adapter.metadata = metadata({**VULNERABILITY, "consumes_mime_types": ["application/vnd.other"]})
    with pytest.raises(NotOfferedError, match=r"oci\.image\.manifest"):
        client.report(to_scan())
    assert adapter.scans == []


def test_a_lost_scan_is_begun_again_but_not_for_ever(client: ScannerClient, adapter: ScannerAdapter) -> None:
    adapter.queue("report", reply(302), reply(404))
    assert len(client.report(to_scan()).vulnerabilities) == 1
    assert len(adapter.scans) == 2
    adapter.queue("report", *[reply(404)] * 3)
    assert refused(client).reason_code == "scanner-lost-scan"
    assert len(adapter.scans) == 5


def test_a_busy_scanner_is_asked_again(client: ScannerClient, adapter: ScannerAdapter, clock: Clock) -> None:
    adapter.queue("scan", reply(503, Retry_After="9"), reply(429))
    adapter.queue("report", reply(502))
    assert len(client.report(to_scan()).vulnerabilities) == 1
    assert clock.slept[0] == 9


def test_a_scan_that_never_ends_is_late(client: ScannerClient, adapter: ScannerAdapter, clock: Clock) -> None:
    adapter.queue("report", *[reply(302, Retry_After="50")] * 100)
    late = refused(client)
    assert (late.cause, late.reason_code) == (Cause.TIMEOUT, "scanner-late")
    assert clock.now <= 300


def test_an_absurd_wait_is_not_waited_for(
    client: ScannerClient, adapter: ScannerAdapter, clock: Clock
) -> None:
    adapter.queue(
        "report", reply(302, Retry_After="999999"), reply(302, Retry_After="-1"), reply(302, Retry_After="0")
    )
    client.report(to_scan())
    assert clock.slept[0] == 60
    assert min(clock.slept) >= 0.8


def test_a_redirect_is_never_followed(client: ScannerClient, adapter: ScannerAdapter) -> None:
    with ScannerAdapter() as elsewhere:
        adapter.queue("report", reply(302, Location=f"{elsewhere.url}/metadata"))
        client.report(to_scan(token="secret"))
        adapter.queue("scan", reply(307, Location=f"{elsewhere.url}/scan"))
        assert refused(client).cause is Cause.PROTOCOL
        adapter.queue("metadata", reply(301, Location=f"{elsewhere.url}/metadata"))
        assert refused(client).cause is Cause.PROTOCOL
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("status", "cause"),
    [(400, Cause.PROTOCOL), (403, Cause.FORBIDDEN), (418, Cause.PROTOCOL), (500, Cause.SERVER_ERROR)],
)
def test_a_refusal_says_what_the_scanner_said(
    client: ScannerClient, adapter: ScannerAdapter, status: int, cause: Cause
) -> None:
    adapter.queue("report", reply(status, {"error": {"message": "disk\x1b[31m full"}}))
    error = refused(client)
    assert error.cause is cause
    assert error.reason_code == "scanner-refused"
    assert "disk" in error.message
    assert "\x1b" not in error.message


def test_501_is_no_outage(client: ScannerClient, adapter: ScannerAdapter) -> None:
    adapter.queue("scan", reply(501))
    with pytest.raises(NotOfferedError):
        client.report(to_scan())


def test_the_scanner_s_own_sign_in(adapter: ScannerAdapter, client: ScannerClient) -> None:
    adapter.wants = "Bearer of-the-scanner"
    assert refused(client).cause is Cause.UNAUTHORIZED
    signed_in = ScannerClient("fake", adapter.url, client.transport, lambda: "Bearer of-the-scanner")
    assert len(signed_in.report(to_scan()).vulnerabilities) == 1
    assert "of-the-scanner" not in repr(signed_in)


JUNK: list[Any] = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"\xff\xfe",
    b'{"a":1,"a":2}',
    b"[" * 100_000,
    b"<html>",
]


@pytest.mark.parametrize("where", ["metadata", "scan", "report"])
@pytest.mark.parametrize("what", ["report", "sbom"])
@pytest.mark.parametrize("junk", JUNK)
def test_junk_is_a_typed_refusal(
    client: ScannerClient, adapter: ScannerAdapter, where: str, what: str, junk: bytes
) -> None:
    adapter.queue(where, Reply(202 if where == "scan" else 200, junk))
    assert refused(client, what).reason_code == "scanner-answer-malformed"


@pytest.mark.parametrize(
    "document",
    [
        {"capabilities": "all"},
        {"capabilities": []},
        {"capabilities": [None, 7]},
        {"scanner": {}},
    ],
)
def test_strange_metadata(client: ScannerClient, adapter: ScannerAdapter, document: dict[str, Any]) -> None:
    adapter.metadata = document
    with pytest.raises((UnavailableError, NotOfferedError)) as caught:
        client.report(to_scan())
    assert caught.value.reason_code in ("scanner-answer-malformed", "scanner-not-capable")


@pytest.mark.parametrize("number", ["", "..", "x" * 5000, 7, None])
def test_a_scan_without_a_name(client: ScannerClient, adapter: ScannerAdapter, number: object) -> None:
    adapter.queue("scan", reply(202, {"id": number}))
    assert refused(client).reason_code == "scanner-answer-malformed"


def test_the_name_of_a_scan_leads_nowhere_else(client: ScannerClient, adapter: ScannerAdapter) -> None:
    adapter.queue("scan", *[reply(202, {"id": "../../admin?x=#"})] * 3)
    assert refused(client).reason_code == "scanner-lost-scan"
    assert "GET /api/v1/scan/..%2F..%2Fadmin%3Fx%3D%23/report" in adapter.asked


def _endless(write: Callable[[bytes], object]) -> None:
    while True:
        write(b" " * 65536)


def test_an_endless_answer_is_capped(adapter: ScannerAdapter, client: ScannerClient) -> None:
    adapter.queue("report", Reply(200, stream=_endless))
    small = ScannerClient("fake", adapter.url, client.transport, largest=1_000_000)
    assert refused(small).cause is Cause.OVER_CAP


def test_an_announced_giant_is_not_read(client: ScannerClient, adapter: ScannerAdapter) -> None:
    adapter.queue("metadata", Reply(200, b" " * 2_000_000))
    assert refused(client).cause is Cause.OVER_CAP


def test_a_stall_ends(adapter: ScannerAdapter) -> None:
    def stalls(_write: Callable[[bytes], object]) -> None:
        adapter.ended.wait(30)

    adapter.queue("report", Reply(200, stream=stalls))
    with closing(Transport(origin_of(adapter.url), TransportSettings(read=0.2))) as transport:
        assert refused(ScannerClient("fake", adapter.url, transport)).cause is Cause.TIMEOUT


def test_nobody_there() -> None:
    with ScannerAdapter() as gone:
        url = gone.url
    with closing(Transport(origin_of(url), TransportSettings())) as transport:
        assert refused(ScannerClient("fake", url, transport)).cause is Cause.CONNECT
