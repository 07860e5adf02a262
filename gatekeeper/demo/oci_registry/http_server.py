"""The HTTP/1.1 side: a lean parser, keep-alive, one write per answer, and every lie a fault asks for."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections.abc import Callable, Iterable, Iterator
from email.utils import formatdate
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from socketserver import StreamRequestHandler
from threading import Event, Lock, Thread, current_thread
from typing import cast
from urllib.parse import parse_qs, unquote

from gatekeeper.demo.oci_registry.wire import Answer, Framing, RefusedError, Request

_LINE_CAP = 65_536
_HEADER_CAP = 200
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class HangupError(Exception):
    """The connection ends here."""


class RegistryServer(ThreadingHTTPServer):
    """Threads, one per connection; ``stop`` closes every connection and waits for every thread."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self,
        address: tuple[str, int],
        answer: Callable[[Request], Answer],
        *,
        stopping: Event,
        body_cap: int,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.answer = answer
        self.body_cap = body_cap
        self.tls = tls
        self.stopping = stopping
        self._tracking = Lock()
        self._connections: dict[Thread, socket.socket] = {}
        super().__init__(address, cast("type", _Connection))

    def server_bind(self) -> None:
        """As the base class, without its reverse look-up of the host's name (seconds on some machines)."""
        self.allow_reuse_address = True
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """A thread for each connection, known before it starts, so that ``stop`` misses none."""
        thread = Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        with self._tracking:
            self._connections = {
                known: connection for known, connection in self._connections.items() if known.is_alive()
            }
            self._connections[thread] = cast(socket.socket, request)
            # Under the lock: a thread not yet started counts as dead.
            thread.start()

    def track(self, connection: socket.socket) -> None:
        """The current thread's connection now is this one (TLS replaces the socket)."""
        with self._tracking:
            self._connections[current_thread()] = connection

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news; everything else was answered with 500 and recorded."""

    def stop(self, *, serving: bool) -> None:
        """Refuse new connections, end the open ones, wait for their threads."""
        self.stopping.set()
        if serving:
            self.shutdown()
        self.server_close()
        with self._tracking:
            open_connections = dict(self._connections)
        for thread, connection in open_connections.items():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=10)


class _Connection(StreamRequestHandler):
    """One client connection."""

    disable_nagle_algorithm = True
    rbufsize = 65_536
    server: RegistryServer

    def setup(self) -> None:
        if self.server.tls is not None:
            self.request = self.server.tls.wrap_socket(
                self.request, server_side=True, do_handshake_on_connect=False
            )
            self.server.track(self.request)
            try:
                self.request.do_handshake()
            except OSError:
                self.request.close()
                raise
        super().setup()

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        if self.server.tls is not None:
            self.request.close()

    def handle(self) -> None:
        with contextlib.suppress(HangupError, OSError):
            while not self.server.stopping.is_set():
                try:
                    request, keep = self._read()
                except RefusedError as refusal:
                    self._write(refusal.answer(), head_only=False, keep=False)
                    return
                keep = self._write(self.server.answer(request), head_only=request.method == "HEAD", keep=keep)
                if not keep:
                    return

    # reading

    def _read(self) -> tuple[Request, bool]:
        line = self.rfile.readline(_LINE_CAP)
        if not line:
            raise HangupError
        words = line.decode("latin-1").split()
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise RefusedError(400, "UNSUPPORTED", "not an HTTP/1.1 request")
        method, target, version = words
        headers = self._read_headers()
        headers[":scheme"] = "https" if self.server.tls is not None else "http"
        option = headers.get("connection", "").lower()
        keep = option != "close" and (version != "HTTP/1.0" or option == "keep-alive")
        body = self._read_body(headers)
        path, _, query = target.partition("?")
        parameters = parse_qs(query, keep_blank_values=True) if query else {}
        if "%" in path:
            path = unquote(path)
        return Request(method, target, path, parameters, headers, body), keep

    def _read_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for _ in range(_HEADER_CAP):
            line = self.rfile.readline(_LINE_CAP)
            if line in (b"\r\n", b"\n"):
                return headers
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon:
                raise RefusedError(400, "UNSUPPORTED", "malformed header")
            name, value = name.lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        raise RefusedError(431, "UNSUPPORTED", "too many headers")

    def _read_body(self, headers: dict[str, str]) -> bytes:
        chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        told = headers.get("content-length")
        if not chunked and told in (None, "0"):
            return b""
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if chunked:
            return self._read_chunks()
        # Go's clients may send the same Content-Length twice; different ones are an attack.
        lengths = set((told or "").split(", "))
        text = lengths.pop()
        if lengths or not text.isascii() or not text.isdigit():
            raise RefusedError(400, "SIZE_INVALID", "malformed Content-Length")
        return self._exactly(int(text))

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while True:
            text = self.rfile.readline(_LINE_CAP).partition(b";")[0].strip()
            try:
                size = int(text, 16)
            except ValueError as error:
                raise RefusedError(400, "SIZE_INVALID", "malformed chunk") from error
            if size == 0:
                while self.rfile.readline(_LINE_CAP) not in (b"\r\n", b"\n", b""):
                    continue
                return bytes(body)
            if len(body) + size > self.server.body_cap:
                raise RefusedError(413, "SIZE_INVALID", "the body is too large")
            body += self._exactly(size)
            self._exactly(2)

    def _exactly(self, size: int) -> bytes:
        if size > self.server.body_cap:
            raise RefusedError(413, "SIZE_INVALID", "the body is too large")
        content = self.rfile.read(size)
        if len(content) != size:
            raise HangupError
        return content

    # writing

    def _write(self, answer: Answer, *, head_only: bool, keep: bool) -> bool:
        """Send one answer; gives whether the connection stays."""
        if answer.raw is not None:
            self.wfile.write(answer.raw)
            return False
        if answer.drop:
            self._hang_up(answer)
        keep = keep and answer.framing is not Framing.UNTIL_CLOSE and answer.length is None
        bodiless = head_only or answer.status in (204, 304)
        head = self._head(answer, bodiless=bodiless, keep=keep)
        plain = isinstance(answer.body, bytes) and answer.framing is not Framing.CHUNKED
        if bodiless or (plain and not answer.piece and answer.hold is None and answer.cut_after is None):
            self.wfile.write(head if bodiless else head + cast(bytes, answer.body))
            return keep
        self.wfile.write(head)
        self._wait(answer.hold)
        for piece in _pieces(answer):
            self.wfile.write(
                b"%x\r\n%b\r\n" % (len(piece), piece) if answer.framing is Framing.CHUNKED else piece
            )
            if answer.pause and self.server.stopping.wait(answer.pause):
                raise HangupError
        if answer.cut_after is not None:
            self._hang_up(answer)
        if answer.framing is Framing.CHUNKED:
            self.wfile.write(b"0\r\n\r\n")
        return keep

    def _head(self, answer: Answer, *, bodiless: bool, keep: bool) -> bytes:
        lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        if answer.framing is Framing.CHUNKED and not bodiless:
            lines.append("Transfer-Encoding: chunked")
        elif answer.length is not None:
            lines.append(f"Content-Length: {answer.length}")
        elif answer.framing is Framing.LENGTH and answer.status not in (204, 304):
            lines.append(f"Content-Length: {len(answer.content())}")
        lines.append("Docker-Distribution-Api-Version: registry/2.0")
        if "Date" not in answer.headers:
            lines.append(f"Date: {formatdate(usegmt=True)}")
        if not keep:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _wait(self, event: Event | None) -> None:
        while event is not None and not event.wait(0.05):
            if self.server.stopping.is_set():
                raise HangupError

    def _hang_up(self, answer: Answer) -> None:
        if answer.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        raise HangupError


def _pieces(answer: Answer) -> Iterator[bytes]:
    whole: Iterable[bytes] = (answer.body,) if isinstance(answer.body, bytes) else answer.body
    left = answer.cut_after
    for part in whole:
        step = answer.piece or len(part)
        for start in range(0, len(part), max(1, step)):
            piece = part[start : start + step]
            if left is not None:
                piece = piece[:left]
                left -= len(piece)
            if piece:
                yield piece
            if left == 0:
                return
