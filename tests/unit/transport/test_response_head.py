"""The head of an answer: what is read as what, and what is refused."""

from __future__ import annotations

import http.client
import io
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.transport.connection import BOUNDS, BoundedResponse


class Wire:
    """A socket that has received these bytes and then the end."""

    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(io.BytesIO(self._received))

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0


@pytest.fixture(autouse=True)
def _time() -> Iterator[None]:
    BOUNDS.until = time.monotonic() + 60
    yield
    BOUNDS.until = 0.0


def head(raw: bytes, method: str = "GET") -> BoundedResponse:
    response = BoundedResponse(Wire(raw), method=method)  # type: ignore[arg-type]
    try:
        response.begin()
    finally:
        response.close()
    return response


def test_a_plain_answer() -> None:
    answer = head(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b c \r\n\r\n{}")
    assert (answer.status, answer.length, answer.will_close) == (200, 2, False)
    assert answer.headers["x-a"] == "b c"


def test_interim_answers_are_passed_over() -> None:
    assert head(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 C\r\nContent-Length: 0\r\n\r\n").status == 201


@pytest.mark.parametrize(
    ("raw", "closes"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", False),
    ],
)
def test_when_the_connection_ends(raw: bytes, closes: bool) -> None:
    assert head(raw).will_close is closes


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304), ("GET", 204)])
def test_an_answer_without_body_has_none_whatever_it_announces(method: str, status: int) -> None:
    assert head(b"HTTP/1.1 %d X\r\nContent-Length: 700\r\n\r\n" % status, method).length == 0


def test_the_same_length_twice_is_one_length() -> None:
    assert head(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}").length == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20\r\n\r\n",
        b"HTTP/1.1 099 X\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: cut off",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101 + b"\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: " + b"b" * 20_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + (b"A: " + b"b" * 1000 + b"\r\n") * 90 + b"\r\n",
        b"HTTP/1.1 102 P\r\n\r\n" * 20,
    ],
)
def test_a_head_that_breaks_http_or_a_cap_is_refused(raw: bytes) -> None:
    with pytest.raises(http.client.HTTPException):
        head(raw)


def test_silence_is_a_closed_connection() -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        head(b"")


def test_nothing_is_read_after_the_deadline() -> None:
    BOUNDS.until = time.monotonic() - 1
    with pytest.raises(TimeoutError):
        head(b"HTTP/1.1 200 OK\r\n\r\n")


@given(st.binary(max_size=300))
def test_whatever_comes_is_an_answer_or_a_refusal(raw: bytes) -> None:
    for start in (b"", b"HTTP/1.1 200 OK\r\n"):
        try:
            answer = head(start + raw)
        except http.client.HTTPException:
            continue
        assert 100 <= answer.status <= 999
