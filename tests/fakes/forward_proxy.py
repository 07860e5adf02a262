"""A forward proxy on 127.0.0.1: absolute URLs for http, CONNECT for https; remembers what it was asked."""

from __future__ import annotations

import http.client
import select
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit


class ForwardProxy:
    """A context manager; ``asked`` holds (method, target, Proxy-Authorization) of each request."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str | None]] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                proxy.note(self)
                parts = urlsplit(self.path)
                upstream = http.client.HTTPConnection(parts.netloc, timeout=10)
                try:
                    length = int(self.headers.get("Content-Length", 0))
                    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
                    headers = {
                        name: value
                        for name, value in self.headers.items()
                        if not name.lower().startswith("proxy-")
                    }
                    upstream.request(self.command, target, self.rfile.read(length), headers)
                    answer = upstream.getresponse()
                    body = answer.read()
                    self.send_response(answer.status)
                    for name, value in answer.getheaders():
                        if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                            self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)
                finally:
                    upstream.close()

            def do_CONNECT(self) -> None:
                proxy.note(self)
                host, _, port = self.path.rpartition(":")
                with socket.create_connection((host, int(port)), timeout=10) as upstream:
                    self.send_response(200)
                    self.end_headers()
                    _pump(self.connection, upstream)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def note(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append((handler.command, handler.path, handler.headers.get("Proxy-Authorization")))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _pump(one: Any, other: Any) -> None:
    while True:
        ready, _, _ = select.select([one, other], [], [], 10)
        if not ready:
            return
        for source in ready:
            piece = source.recv(65536)
            if not piece:
                return
            (other if source is one else one).sendall(piece)
