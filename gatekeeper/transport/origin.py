"""Origins (RFC 6454): scheme, host and port, compared in one canonical form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.transport.message import describe

_PORTS = {"http": 80, "https": 443}
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]|[\\]")


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, lower-case host without brackets, port."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """``host[:port]``, default port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def origin_of(url: str) -> Origin:
    """The origin of an absolute http or https URL. Raises UnavailableError(PROTOCOL) for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname
    except ValueError as error:
        raise _refused(url) from error
    if _UNPRINTABLE.search(url) or parts.scheme not in _PORTS or not host:
        raise _refused(url)
    if parts.username is not None or parts.password is not None:
        raise _refused(url)
    return Origin(parts.scheme, host.rstrip("."), port or _PORTS[parts.scheme])


def _refused(url: str) -> UnavailableError:
    return UnavailableError(
        f"{describe(url)!r} is no http or https URL that can be followed", cause=Cause.PROTOCOL
    )
