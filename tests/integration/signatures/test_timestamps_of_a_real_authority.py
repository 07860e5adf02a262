"""Timestamps of sigstore's own timestamp authority, a Go program, are read and verified; ours are not its."""

from __future__ import annotations

import hashlib
import http.client
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from gatekeeper.demo.sigstore import der as asn1
from gatekeeper.signatures.refusal import RefusedError
from gatekeeper.signatures.timestamp import token_of_response, verify_token
from tests.judges.servers import timestamp_authority

pytestmark = [pytest.mark.judge("timestamp-server"), pytest.mark.slow]

_MESSAGE = b"a signature"


@pytest.fixture(scope="module")
def authority() -> Iterator[str]:
    """``127.0.0.1:PORT`` of an authority with a key in memory."""
    with timestamp_authority() as host:
        yield host


def _ask(host: str, method: str, path: str, body: bytes | None = None) -> bytes:
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": "application/timestamp-query"})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status in (200, 201), content
        return content
    finally:
        connection.close()


def _response(host: str, *, with_certificates: bool) -> bytes:
    imprint = asn1.sequence(
        asn1.sequence(asn1.oid("2.16.840.1.101.3.4.2.1"), asn1.element(0x05, b"")),
        asn1.octets(hashlib.sha256(_MESSAGE).digest()),
    )
    wanted = [asn1.element(0x01, b"\xff")] if with_certificates else []
    query = asn1.sequence(asn1.integer(1), imprint, asn1.integer(7), *wanted)
    return _ask(host, "POST", "/api/v1/timestamp", query)


def _chain(host: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(_ask(host, "GET", "/api/v1/timestamp/certchain"))


@pytest.mark.parametrize("with_certificates", [False, True])
def test_its_timestamps_hold(authority: str, with_certificates: bool) -> None:
    leaf, *issuers, anchor = _chain(authority)
    token = token_of_response(_response(authority, with_certificates=with_certificates))
    stamp = verify_token(
        token,
        _MESSAGE,
        anchors=[anchor],
        intermediates=[] if with_certificates else [leaf, *issuers],
        demand_signing_certificate=True,
    )
    assert abs(stamp.at - datetime.now(UTC)) < timedelta(hours=1)
    assert stamp.chain == (leaf, *issuers, anchor)


def test_its_certificates_alone_are_not_believed(authority: str) -> None:
    token = token_of_response(_response(authority, with_certificates=True))
    with pytest.raises(RefusedError) as refused:
        verify_token(token, _MESSAGE, anchors=[])
    assert refused.value.code == "timestamp-untrusted"


def test_of_another_message(authority: str) -> None:
    token = token_of_response(_response(authority, with_certificates=True))
    with pytest.raises(RefusedError) as refused:
        verify_token(token, b"another", anchors=_chain(authority)[-1:])
    assert refused.value.code == "timestamp-mismatch"
