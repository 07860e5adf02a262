"""An exchange over a connection that is open already: one write, mostly one read, no ceremony.

``urlopen`` and ``http.client`` cost three times what the rest of a HEAD does, and a sweep is nothing but HEADs. What is
simple is done here: a request without body on a kept connection, a whole answer of known length. Everything else goes
the long way: the first request on a connection (connecting, TLS, proxies, whom we talk to), and answers that are
chunked, close the connection or are longer than what may be read.
"""

from __future__ import annotations

import http.client
import queue
import re
import select
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from urllib3 import HTTPHeaderDict
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.response import BaseHTTPResponse, HTTPResponse

from gatekeeper.transport.connection import BOUNDS, BoundedResponse, field_of, status_of

_TARGET = re.compile(r"[\x21-\x7e]+")
_FIELD = re.compile(r"[\x20-\x7e]+")
_PIECE = 64 * 1024
_ONE_WRITE = 16 * 1024
_END = b"\r\n\r\n"
_EMPTY_LINE = re.compile(rb"\n\r?\n")


@dataclass(frozen=True, slots=True)
class Whole:
    """A complete answer."""

    status: int
    headers: HTTPHeaderDict
    content: bytes


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked, and what binds it."""

    method: str
    target: str
    headers: Mapping[str, str]
    until: float
    """``time.monotonic()`` at which it is over."""
    cap: int
    """Bytes of body that may be read; a longer answer goes the long way, which knows what to do."""
    error_cap: int
    """The same for an answer with a status from 400 on."""
    longer: frozenset[int] = frozenset()
    """Statuses whose answer goes the long way."""


def over_kept(pool: HTTPConnectionPool, ask: Ask) -> Whole | BaseHTTPResponse | None:
    """The answer, whole or with its body still to be read; None when nothing was sent, because no connection is open.

    Raises OSError, HTTPException.
    """
    request = _request(pool, ask)
    connection = _open_connection(pool) if request is not None else None
    if request is None or connection is None:
        return None
    try:
        answer = _exchange(pool, connection, ask, request)
    except BaseException:
        connection.close()
        _give_back(pool, connection)
        raise
    if isinstance(answer, Whole):
        _give_back(pool, connection)
    return answer


def _request(pool: HTTPConnectionPool, ask: Ask) -> bytes | None:
    """The request's bytes; None when something in it needs the checks of the long way."""
    if _TARGET.fullmatch(ask.target) is None:
        return None
    lines = [f"{ask.method} {ask.target} HTTP/1.1", f"Host: {_authority(pool)}", "Accept-Encoding: identity"]
    for name, value in ask.headers.items():
        if name.lower() in ("host", "accept-encoding"):
            return None
        lines.append(f"{name}: {value}")
    if any(_FIELD.fullmatch(line) is None for line in lines):
        return None
    request = ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
    return request if len(request) <= _ONE_WRITE else None


def _authority(pool: HTTPConnectionPool) -> str:
    default = 443 if pool.scheme == "https" else 80
    host = f"[{pool.host.strip('[]')}]" if ":" in pool.host else pool.host
    return host if pool.port in (None, default) else f"{host}:{pool.port}"


def _open_connection(pool: HTTPConnectionPool) -> HTTPConnection | None:
    try:
        connection = pool.pool.get(block=False) if pool.pool is not None else None
    except queue.Empty:
        return None
    if isinstance(connection, HTTPConnection) and _quiet(connection.sock):
        return connection
    if pool.pool is not None:
        _give_back(pool, connection)
    return None


def _quiet(sock: socket.socket | None) -> bool:
    """Open, and nothing waits to be read: neither its end nor an answer that nobody asked for."""
    if sock is None:
        return False
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return not poll.poll(0)


def _give_back(pool: HTTPConnectionPool, connection: HTTPConnection | None) -> None:
    pool._put_conn(connection)  # noqa: SLF001 - urllib3's own door for subclasses


def _exchange(
    pool: HTTPConnectionPool, connection: HTTPConnection, ask: Ask, request: bytes
) -> Whole | BaseHTTPResponse:
    sock = connection.sock
    _bind(sock, ask.until)
    sock.sendall(request)
    buffer = _receive(sock, ask.until, started=False)
    while (empty := _EMPTY_LINE.search(buffer)) is None and len(buffer) <= BOUNDS.header_bytes:
        buffer += _receive(sock, ask.until, started=True)
    simple = _simple(buffer[: empty.end()], ask) if empty is not None else None
    if empty is None or simple is None:
        return _long_way(pool, connection, ask, buffer)
    status, headers, expected = simple
    content = buffer[empty.end() :]
    if len(content) < expected:
        pieces = [content]
        left = expected - len(content)
        while left > 0:
            piece = _receive(sock, ask.until, started=True)
            pieces.append(piece)
            left -= len(piece)
        content = b"".join(pieces)
    if len(content) > expected:
        # More than was announced: whose answer that is nobody knows.
        connection.close()
        content = content[:expected]
    return Whole(status, headers, content)


def _simple(head: bytes, ask: Ask) -> tuple[int, HTTPHeaderDict, int] | None:
    """(status, fields, bytes of body) of a simple answer; None for every other. Raises HTTPException."""
    if not head.endswith(_END) or len(head) > BOUNDS.header_bytes:
        return None
    first, *lines = head[: -len(_END)].split(b"\r\n")
    version, status = status_of(first)
    if status < 200 or version != b"HTTP/1.1" or status in ask.longer or len(lines) > BOUNDS.headers:
        return None
    headers = HTTPHeaderDict()
    for line in lines:
        if b"\n" in line:
            return None
        headers.add(*field_of(line))
    if "transfer-encoding" in headers or headers.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    text = headers.get("content-length")
    if text is not None and not (text.isascii() and text.isdigit() and len(text) < 16):
        return None
    if ask.method == "HEAD" or status in (204, 304):
        return status, headers, 0
    cap = ask.cap if status < 400 else min(ask.cap, ask.error_cap)
    return None if text is None or int(text) > cap else (status, headers, int(text))


def _long_way(
    pool: HTTPConnectionPool, connection: HTTPConnection, ask: Ask, buffer: bytes
) -> BaseHTTPResponse:
    """The same answer from its first byte, as ``http.client`` and urllib3 read it."""
    BOUNDS.until = ask.until
    BOUNDS.received = buffer
    response = BoundedResponse(connection.sock, method=ask.method)
    try:
        response.begin()
    except BaseException:
        response.close()  # it holds the socket open else
        raise
    if response.will_close:
        # As http.client does: the answer alone keeps the socket open.
        connection.close()
    return HTTPResponse(
        body=response,
        headers=HTTPHeaderDict(response.headers.items()),
        status=response.status,
        version=response.version,
        reason="",
        preload_content=False,
        decode_content=False,
        original_response=response,
        pool=pool,
        connection=connection,
        enforce_content_length=True,
        request_method=ask.method,
        request_url=ask.target,
    )


def _bind(sock: socket.socket, until: float) -> None:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline of the exchange has passed")
    patience = min(left, BOUNDS.read)
    # Setting it costs a system call; most exchanges are bound by the patience, which stays the same.
    if sock.gettimeout() != patience:
        sock.settimeout(patience)


def _receive(sock: socket.socket, until: float, *, started: bool) -> bytes:
    _bind(sock, until)
    piece = sock.recv(_PIECE)
    if not piece:
        if started:
            raise http.client.IncompleteRead(b"")
        raise http.client.RemoteDisconnected("closed without an answer")
    return piece
