"""What a transport is told. Nothing comes from the environment."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """Settings of the connections to one origin."""

    connect: float = 5.0
    """Seconds to connect, and to shake hands."""
    read: float = 30.0
    """Seconds between two pieces of an answer."""
    total: float = 60.0
    """Seconds for a whole exchange, whatever drips in."""
    headers: int = 100
    """Header fields of one answer."""
    header_bytes: int = 64 * 1024
    error_body: int = 64 * 1024
    """Bytes kept of the body of an answer with a status from 400 on; the rest is dropped, which is no error."""
    connections: int = 8
    """Idle connections kept for one host."""
    ca_file: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    proxy: str | None = field(default=None, repr=False)
    """``http://[user:password@]host:port``"""
    networks: tuple[str, ...] | None = None
    """For an origin that others name: which addresses it may have beside public ones (CIDR). None: any."""
