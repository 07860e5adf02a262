"""Every exception of the libraries has one cause of ours."""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import cast

import pytest
import urllib3.exceptions as faults
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import ConnectionPool

from gatekeeper.core.errors import Cause
from gatekeeper.transport.faults import StaleConnectionError, relabelled

POOL = cast("ConnectionPool", None)
CONNECTION = cast("HTTPConnection", None)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (faults.ReadTimeoutError(POOL, "/", "slow"), Cause.TIMEOUT),
        (faults.ConnectTimeoutError(CONNECTION, "slow"), Cause.TIMEOUT),
        (faults.ProtocolError("aborted", TimeoutError("timed out")), Cause.TIMEOUT),
        (faults.NewConnectionError(CONNECTION, "refused"), Cause.CONNECT),
        (faults.NameResolutionError("a.example", CONNECTION, socket.gaierror()), Cause.CONNECT),
        (faults.ProxyError("proxy", OSError()), Cause.CONNECT),
        (faults.SSLError(ssl.SSLCertVerificationError(1, "self-signed")), Cause.TLS),
        (faults.ProtocolError("aborted", ConnectionResetError()), Cause.CONNECT),
        (faults.ProtocolError("aborted", http.client.BadStatusLine("x")), Cause.PROTOCOL),
        (faults.ProtocolError("broken", http.client.IncompleteRead(b"")), Cause.PROTOCOL),
        (faults.DecodeError("gzip"), Cause.PROTOCOL),
        (ValueError("header"), Cause.PROTOCOL),
        (OSError("no route"), Cause.CONNECT),
    ],
)
def test_the_cause_of(error: Exception, cause: Cause) -> None:
    assert relabelled(error, "GET", "https://a.example/v2/?secret=1").cause is cause


def test_a_connection_closed_before_an_answer_may_be_tried_again() -> None:
    error = faults.ProtocolError("aborted", http.client.RemoteDisconnected("gone"))
    assert isinstance(relabelled(error, "GET", "https://a.example/"), StaleConnectionError)


def test_no_secret_of_the_url_is_in_the_message() -> None:
    message = relabelled(OSError("x"), "GET", "https://u:p@a.example/v2/?secret=1").message
    assert "secret" not in message
    assert "u:p" not in message
