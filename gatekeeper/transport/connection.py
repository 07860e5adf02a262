"""Connections that end on time: every read is bound by the exchange's deadline, header fields are counted.

``http.client`` bounds each ``recv`` alone, so that one byte every few seconds holds a worker for ever; and it parses
header fields with the e-mail parser, which costs more than all the rest of a HEAD. Both are replaced here.
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from gatekeeper.transport.faults import AddressRefusedError

_LINE = 16 * 1024
_INTERIM_ANSWERS = 8


class Bounds(threading.local):
    """What binds the exchange that this thread is about to start."""

    until: float = 0.0
    """``time.monotonic()`` at which it is over."""
    read: float = 30.0
    headers: int = 100
    header_bytes: int = 64 * 1024
    admits: Callable[[str], bool] | None = None
    """Says whether this IP address may be talked to."""
    received: bytes = b""
    """The beginning of the next answer, where it was read already."""


BOUNDS = Bounds()


class _DeadlineReader(io.RawIOBase):
    """Reads a socket, and never waits beyond the deadline."""

    def __init__(self, raw: Any, sock: socket.socket) -> None:
        super().__init__()
        self._received, BOUNDS.received = BOUNDS.received, b""
        self._raw = raw
        self._sock = sock
        self._until = BOUNDS.until
        self._patience = BOUNDS.read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._received:
            given = self._received[: len(buffer)]
            buffer[: len(given)] = given
            self._received = self._received[len(given) :]
            return len(given)
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline of the exchange has passed")
        self._sock.settimeout(min(left, self._patience))
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class BoundedResponse(http.client.HTTPResponse):
    """An answer whose head is read within the caps."""

    headers: http.client.HTTPMessage
    msg: http.client.HTTPMessage
    length: int | None
    will_close: bool
    chunked: bool
    chunk_left: int | None
    code: int

    def __init__(
        self,
        sock: socket.socket,
        debuglevel: int = 0,
        method: str | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self._asked = method
        self._fields_left = BOUNDS.headers
        self._bytes_left = BOUNDS.header_bytes
        self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock))

    def begin(self) -> None:
        """Read status line and header fields. Raises HTTPException for a head that breaks HTTP or a cap."""
        if getattr(self, "headers", None) is not None:
            return
        version, status = self._status()
        for _ in range(_INTERIM_ANSWERS):
            if status >= 200 or status == http.client.SWITCHING_PROTOCOLS:
                break
            self._fields()
            version, status = self._status()
        else:
            raise http.client.HTTPException("only interim answers")
        self.code = self.status = status
        self.reason = ""
        self.version = 10 if version == b"HTTP/1.0" else 11
        self.headers = self.msg = self._fields()
        self._frame(status)

    def _line(self) -> bytes:
        line = self.fp.readline(_LINE + 1)
        self._bytes_left -= len(line)
        if len(line) > _LINE or self._bytes_left < 0:
            raise http.client.HTTPException("header fields over the cap")
        return line

    def _status(self) -> tuple[bytes, int]:
        line = self._line()
        if not line:
            raise http.client.RemoteDisconnected("closed without an answer")
        return status_of(line)

    def _fields(self) -> http.client.HTTPMessage:
        message = http.client.HTTPMessage()
        while True:
            line = self._line()
            if line in (b"\r\n", b"\n"):
                return message
            self._fields_left -= 1
            if self._fields_left < 0:
                raise http.client.HTTPException("too many header fields")
            if not line.endswith(b"\n"):
                raise http.client.HTTPException("a header field that is cut off")
            message.set_raw(*field_of(line))

    def _frame(self, status: int) -> None:
        """How the body ends (RFC 9112 section 6.3)."""
        fields = self.headers
        encoding = fields.get("transfer-encoding")
        lengths = set(fields.get_all("content-length", ()))
        connection = (fields.get("connection") or "").lower()
        self.will_close = "close" in connection or (self.version == 10 and "keep-alive" not in connection)
        self.chunked = encoding is not None and encoding.lower() == "chunked"
        self.chunk_left = None
        self.length = None
        if encoding is not None and (not self.chunked or lengths):
            raise http.client.HTTPException("ambiguous framing")
        if lengths:
            text = lengths.pop()
            if lengths or not (text.isascii() and text.isdigit()):
                raise http.client.HTTPException("Content-Length is no number")
            self.length = int(text[:20])
        if status in (204, 304) or self._asked == "HEAD":
            self.length = 0
            self.chunked = False
        elif not self.chunked and self.length is None:
            self.will_close = True


def status_of(line: bytes) -> tuple[bytes, int]:
    """(version, status) of a status line. Raises HTTPException."""
    version, _, rest = line.partition(b" ")
    number = rest[:3]
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or not number.isdigit() or number < b"100":
        raise http.client.BadStatusLine("no HTTP/1 status line")
    return version, int(number)


def field_of(line: bytes) -> tuple[str, str]:
    """(name, value) of a header field's line. Raises HTTPException."""
    name, colon, value = line.decode("iso-8859-1").partition(":")
    if not colon or not name or name != name.strip():
        raise http.client.HTTPException("a header field without a name, or folded")
    return name, value.strip()


def _check_peer(connection: HTTPConnection) -> None:
    admits = BOUNDS.admits
    if admits is None or connection.sock is None or connection.has_connected_to_proxy:
        return
    if not admits(str(connection.sock.getpeername()[0])):
        connection.close()
        raise AddressRefusedError


class BoundedHTTPConnection(HTTPConnection):
    """Plain http."""

    response_class = BoundedResponse

    def connect(self) -> None:
        super().connect()
        _check_peer(self)


class BoundedHTTPSConnection(HTTPSConnection):
    """https."""

    response_class = BoundedResponse

    def connect(self) -> None:
        super().connect()
        _check_peer(self)


class BoundedHTTPPool(HTTPConnectionPool):
    """Connections to one plain http host."""

    ConnectionCls = BoundedHTTPConnection


class BoundedHTTPSPool(HTTPSConnectionPool):
    """Connections to one https host."""

    ConnectionCls = BoundedHTTPSConnection


POOLS = {"http": BoundedHTTPPool, "https": BoundedHTTPSPool}
