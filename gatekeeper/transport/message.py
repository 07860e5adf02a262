"""What is sent and what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from requests.utils import parse_header_links
from urllib3 import HTTPHeaderDict

from gatekeeper.core.errors import Cause, UnavailableError

CAP = 4 * 1024 * 1024


class Redirects(Enum):
    """Whether an answer may send us elsewhere."""

    NEVER = "never"
    """A redirect is an answer like any other; its body is not followed."""
    BLOB = "blob"
    """At most three hops, also to another host, where no credential goes (distribution-spec, "Pulling blobs")."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. ``url`` is absolute and must lie on the transport's origin."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | Iterable[bytes] | None = None
    """An iterable needs a ``Content-Length`` among the headers."""
    cap: int = CAP
    """Bytes of body that are read at most; an answer that has more is UnavailableError(OVER_CAP)."""
    total: float | None = None
    """Seconds for the whole exchange; None takes the transport's."""
    redirects: Redirects = Redirects.NEVER


HeaderFields = HTTPHeaderDict
"""Header fields by case-insensitive name; ``get`` joins repeated ones by a comma, ``getlist`` does not."""


class Answer:
    """A complete answer. Its names are those of ``requests.Response``, because oras reads it as one."""

    __slots__ = ("content", "headers", "method", "status_code", "url")

    def __init__(
        self, status_code: int, headers: HeaderFields, content: bytes, url: str, method: str
    ) -> None:
        self.status_code = status_code
        self.headers = headers
        self.content = content
        self.url = url
        self.method = method

    @property
    def reason(self) -> str:
        """The status as text; the far side's own phrase is not repeated."""
        return f"status {self.status_code}"

    @property
    def request(self) -> Answer:
        """Where oras looks for ``url`` and ``method`` of the request."""
        return self

    @property
    def links(self) -> dict[str, dict[str, str]]:
        """The ``Link`` fields by relation, where oras looks for the next page."""
        found = parse_header_links(self.headers.get("Link") or "")
        return {link["rel"]: link for link in found if "rel" in link and "url" in link}

    @property
    def text(self) -> str:
        """The body as text; hostile."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises UnavailableError(PROTOCOL)."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise UnavailableError(
                f"{self.method} {describe(self.url)}: the answer is not JSON", cause=Cause.PROTOCOL
            ) from error


def describe(url: str) -> str:
    """A URL for messages: no query (it may hold a token), no user, shortened, printable ASCII only."""
    bare = url.split("?", 1)[0].split("#", 1)[0]
    scheme, separator, rest = bare.partition("://")
    if separator:
        authority, slash, path = rest.partition("/")
        bare = f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
    return ascii(bare[:300])[1:-1]
