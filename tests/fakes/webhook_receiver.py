"""A webhook's receiving end on 127.0.0.1: verifies signatures as the specification says, answers as it is told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self


@dataclass(slots=True)
class Received:
    """One message; ``signed`` when the secret signed it."""

    path: str
    headers: dict[str, str]
    event: dict[str, Any]
    signed: bool


@dataclass
class WebhookReceiver:
    """A context manager. ``answers``: statuses to give, one each; then 204."""

    secret: bytes
    received: list[Received] = field(default_factory=list)
    answers: deque[int] = field(default_factory=deque)
    location: str = ""
    stall: Event | None = None
    """While this is set to an event, requests wait for it unanswered."""

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(
                    Received(self.path, headers, json.loads(body), receiver.signed(headers, body))
                )
                if receiver.stall is not None:
                    receiver.stall.wait(30)
                status = receiver.answers.popleft() if receiver.answers else 204
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.stall is not None:
            self.stall.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook?team=platform"

    def signed(self, headers: dict[str, str], body: bytes) -> bool:
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(self.secret, content, hashlib.sha256).digest()).decode()
        return f"v1,{expected}" in headers["webhook-signature"].split(" ")

    @property
    def kinds(self) -> list[str]:
        """Of the events received, in order."""
        return [message.event["type"].removeprefix("gatekeeper.") for message in self.received]
