"""What comes over a kept connection means exactly what it means over a new one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.transport.client import Transport
from gatekeeper.transport.message import Answer, Redirects, Request
from gatekeeper.transport.origin import origin_of
from gatekeeper.transport.settings import TransportSettings

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
HASTY = TransportSettings(read=0.3, total=0.6, headers=5, header_bytes=500, error_body=8)
ANSWERS = {
    "plain": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-A: 1\r\nX-A: 2\r\n\r\nabc",
    "kept alive by name": b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc",
    "closing": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
    "until the end": b"HTTP/1.1 200 OK\r\n\r\nabc",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "unchanged": b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
    "not found": b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc",
    "long error": b"HTTP/1.1 500 Oh\r\nContent-Length: 12\r\n\r\nabcdefghijkl",
    "redirect": b"HTTP/1.1 307 Go\r\nLocation: /there\r\nContent-Length: 3\r\n\r\nabc",
    "too long": b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + b"a" * 20,
    "cut body": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
    "cut head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
    "folded field": b"HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 3\r\n\r\nabc",
    "field without name": b"HTTP/1.1 200 OK\r\n: 1\r\nContent-Length: 3\r\n\r\nabc",
    "many fields": b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 9 + b"Content-Length: 3\r\n\r\nabc",
    "long fields": b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 600 + b"\r\nContent-Length: 3\r\n\r\nabc",
    "endless fields": b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 200_000,
}


@contextmanager
def scripted(*connections: tuple[bytes, ...]) -> Iterator[str]:
    """A server that answers each request of each connection with these bytes; at a connection's end it closes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)

        def serve() -> None:
            for answers in connections:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(10)
                    try:
                        for answer in answers:
                            if connection.recv(65536):  # a request comes in one piece on this machine
                                connection.sendall(answer)
                        connection.shutdown(socket.SHUT_WR)
                        while connection.recv(65536):
                            pass
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def outcome(transport: Transport, url: str, method: str = "GET", **terms: object) -> object:
    """What is told of an answer, or of the error."""
    try:
        answer = transport.send(Request(method, f"{url}/v2/", {}, cap=16, **terms))  # type: ignore[arg-type]
    except UnavailableError as error:
        return type(error).__name__, error.cause
    return answer.status_code, sorted(answer.headers.items()), answer.content


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_means_the_same_on_a_kept_connection(name: str, method: str) -> None:
    body = ANSWERS[name] if method == "GET" else ANSWERS[name].removesuffix(b"abc")
    with scripted((body,)) as url:
        transport = Transport(origin_of(url), HASTY)
        fresh = outcome(transport, url, method)
        transport.close()
    with scripted((OK, body)) as url:
        transport = Transport(origin_of(url), HASTY)
        assert outcome(transport, url) == (200, [("Content-Length", "2")], b"hi")
        kept = outcome(transport, url, method)
        transport.close()
    assert kept == fresh


def test_a_redirect_of_a_blob_is_followed_from_a_kept_connection() -> None:
    with scripted((OK, ANSWERS["redirect"]), (ANSWERS["plain"],)) as url:
        transport = Transport(origin_of(url), HASTY)
        outcome(transport, url)
        answer = transport.send(Request("GET", f"{url}/v2/", {}, redirects=Redirects.BLOB))
        transport.close()
    assert (answer.status_code, answer.content) == (200, b"abc")


def test_bytes_that_nobody_asked_for_are_no_answer_to_the_next_request() -> None:
    unsolicited = OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    with scripted((OK, unsolicited), (ANSWERS["plain"],)) as url:
        transport = Transport(origin_of(url), HASTY)
        first, second, third = (
            transport.send(Request("GET", f"{url}/v2/", {}, cap=16)).content for _ in range(3)
        )
        transport.close()
    assert (first, second, third) == (b"hi", b"hi", b"abc")


def test_a_connection_that_was_closed_meanwhile_is_replaced() -> None:
    with scripted((OK,), (ANSWERS["plain"],)) as url:
        transport = Transport(origin_of(url), HASTY)
        transport.send(Request("GET", f"{url}/v2/", {}))
        again = _patiently(transport, url)
        transport.close()
    assert again.content == b"abc"


def test_a_field_that_would_end_its_line_is_not_sent() -> None:
    with scripted((OK, OK)) as url:
        transport = Transport(origin_of(url), HASTY)
        transport.send(Request("GET", f"{url}/v2/", {}))
        with pytest.raises(UnavailableError) as refused:
            transport.send(Request("GET", f"{url}/v2/", {"Accept": "a\r\nX-Smuggled: 1"}))
        transport.close()
    assert refused.value.cause is Cause.PROTOCOL


def _patiently(transport: Transport, url: str) -> Answer:
    """As every caller does: a kept connection that ended before it answered is asked again, once."""
    try:
        return transport.send(Request("GET", f"{url}/v2/", {}))
    except UnavailableError:
        return transport.send(Request("GET", f"{url}/v2/", {}))
