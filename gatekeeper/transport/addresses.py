"""Which addresses a redirect may lead to: what a registry says must not open our inner network."""

from __future__ import annotations

import socket
from collections.abc import Callable
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.transport.origin import Origin

_NAT64 = ip_network("64:ff9b::/96")


class Reach(IntEnum):
    """How near an address is. A redirect may lead as near as the registry itself is, link-local never nearer."""

    PUBLIC = 0
    PRIVATE = 1
    LOOPBACK = 2
    LINK_LOCAL = 3


def reach_of(address: str) -> Reach:
    """Of a textual IP address; IPv4 inside IPv6 counts as the IPv4 address. Raises ValueError."""
    parsed = _unwrapped(ip_address(address.partition("%")[0]))
    if parsed.is_link_local:
        return Reach.LINK_LOCAL
    if parsed.is_loopback or parsed.is_unspecified:
        return Reach.LOOPBACK
    if not parsed.is_global or parsed.is_multicast or parsed.is_reserved:
        return Reach.PRIVATE
    return Reach.PUBLIC


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def reaches(origin: Origin) -> frozenset[Reach]:
    """Of every address its name resolves to. Raises UnavailableError(CONNECT)."""
    try:
        found = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnavailableError(
            f"{origin.authority}: the name cannot be resolved", cause=Cause.CONNECT
        ) from error
    return frozenset(reach_of(str(entry[4][0])) for entry in found)


def allowed_from(home: frozenset[Reach]) -> frozenset[Reach]:
    """Where a redirect of a registry with addresses of these kinds may lead."""
    allowed = {Reach.PUBLIC} | home
    if Reach.LOOPBACK in home:
        allowed.add(Reach.PRIVATE)
    return frozenset(allowed)


def admitting(networks: tuple[str, ...]) -> Callable[[str], bool]:
    """Public addresses and those in ``networks`` (CIDR). Raises ValueError for what is no network."""
    allowed = [ip_network(network) for network in networks]

    def admits(address: str) -> bool:
        try:
            parsed = _unwrapped(ip_address(address.partition("%")[0]))
            public = reach_of(address) is Reach.PUBLIC
        except ValueError:
            return False
        return public or any(parsed in network for network in allowed)

    return admits
