"""What passes between the HTTP server and the routes: requests, answers, refusals."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from threading import Event


@dataclass(slots=True)
class Request:
    """One request as received; header names are in lower case, repeated ones joined by ``, ``."""

    method: str
    target: str
    path: str
    """Percent-decoded, without the query."""
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else None


class Framing(Enum):
    """How the end of a body is told."""

    LENGTH = "length"
    CHUNKED = "chunked"
    UNTIL_CLOSE = "until-close"


@dataclass(slots=True)
class Answer:
    """One answer, and how it is put on the wire (the lower half is only ever changed by faults)."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Iterable[bytes] = b""
    framing: Framing = Framing.LENGTH
    length: int | None = None
    """The Content-Length to announce; None announces the truth."""
    piece: int = 0
    """Bytes written at once; 0 writes head and body in one go."""
    pause: float = 0.0
    """Seconds between two pieces."""
    cut_after: int | None = None
    """Close the connection after this many bytes of body."""
    hold: Event | None = None
    """Wait for this event between the head and the body."""
    drop: bool = False
    """Close the connection without a word."""
    reset: bool = False
    """With ``drop`` or ``cut_after``: close by TCP reset."""
    raw: bytes | None = None
    """Send exactly this instead of an HTTP answer, then close."""

    def set(self, name: str, value: str | None) -> Answer:
        """Set a header whatever the case of its present name; None removes it. Gives the answer back."""
        for present in [key for key in self.headers if key.lower() == name.lower()]:
            del self.headers[present]
        if value is not None:
            self.headers[name] = value
        return self

    def get(self, name: str) -> str | None:
        """The value of a header, whatever the case of its name."""
        for key, value in self.headers.items():
            if key.lower() == name.lower():
                return value
        return None

    def content(self) -> bytes:
        """The whole body as bytes (an endless one must not be asked)."""
        if not isinstance(self.body, bytes):
            self.body = b"".join(self.body)
        return self.body


class RefusedError(Exception):
    """A request that the registry answers with an error (distribution-spec, "Error Codes")."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        detail: object = None,
        headers: Mapping[str, str] | None = None,
        plain: bool = False,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        self.headers = dict(headers or {})
        self.plain = plain

    def answer(self) -> Answer:
        """The JSON (or plain text) answer that tells it."""
        if self.plain:
            body = f"{self.message}\n".encode()
            return Answer(self.status, {"Content-Type": "text/plain; charset=utf-8", **self.headers}, body)
        entry: dict[str, object] = {"code": self.code, "message": self.message}
        if self.detail is not None:
            entry["detail"] = self.detail
        return json_answer({"errors": [entry]}, self.status, self.headers)


def json_answer(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON answer, compact, keys in the given order."""
    body = json.dumps(document, separators=(",", ":")).encode()
    return Answer(status, {"Content-Type": "application/json", **(headers or {})}, body)
