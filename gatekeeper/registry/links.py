"""Where an answer sends us next: ``Link`` and ``Location``, always on the registry's own host."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

from gatekeeper.core.errors import UnavailableError
from gatekeeper.registry.answers import protocol_error
from gatekeeper.transport.message import describe
from gatekeeper.transport.origin import Origin, origin_of

_LINK = re.compile(r'\s*<([^<>]*)>((?:\s*;\s*[^=;,\s]+\s*(?:=\s*(?:"[^"]*"|[^;,"]*))?)*)\s*(?:,|$)')
_NEXT = re.compile(r';\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next)\s*(?:;|$)', re.IGNORECASE)
_LONGEST = 16 * 1024


def next_link(fields: Iterable[str]) -> str | None:
    """The target of the link with ``rel="next"`` (RFC 8288), as written; None when there is none."""
    for text in fields:
        position = 0
        while len(text) <= _LONGEST and (match := _LINK.match(text, position)) and match.end() > position:
            position = match.end()
            if _NEXT.search(match.group(2)):
                return match.group(1)
    return None


def on_origin(target: str, base: str, origin: Origin, what: str) -> str:
    """An absolute URL on ``origin`` for what an answer from ``base`` named. Raises UnavailableError(PROTOCOL).

    A registry behind a proxy that ends TLS often says http where it means https. Host and explicit port must be the
    same; the scheme is always ours, so nothing ever travels less protected than it was asked.
    """
    try:
        joined = urljoin(base, target)
        parts = urlsplit(joined)
        named = origin_of(joined)
        explicit = parts.port
    except (ValueError, UnavailableError) as error:
        raise protocol_error(what, "it named a place that is no http URL") from error
    same_port = named.port == origin.port or (explicit is None and origin.authority == origin.host)
    if named.host != origin.host or not same_port:
        raise protocol_error(what, f"it named another host, {describe(named.authority)}")
    query = f"?{parts.query}" if parts.query else ""
    return f"{origin}{parts.path or '/'}{query}"
