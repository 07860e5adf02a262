"""Which addresses a redirect may lead to."""

from __future__ import annotations

import pytest

from gatekeeper.transport.addresses import Reach, allowed_from, reach_of


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("93.184.216.34", Reach.PUBLIC),
        ("2606:4700::1111", Reach.PUBLIC),
        ("10.0.0.1", Reach.PRIVATE),
        ("172.16.3.4", Reach.PRIVATE),
        ("192.168.1.1", Reach.PRIVATE),
        ("100.64.0.1", Reach.PRIVATE),
        ("198.18.0.1", Reach.PRIVATE),
        ("224.0.0.1", Reach.PRIVATE),
        ("255.255.255.255", Reach.PRIVATE),
        ("fd00::1", Reach.PRIVATE),
        ("127.0.0.1", Reach.LOOPBACK),
        ("127.8.8.8", Reach.LOOPBACK),
        ("0.0.0.0", Reach.LOOPBACK),
        ("::1", Reach.LOOPBACK),
        ("::", Reach.LOOPBACK),
        ("169.254.169.254", Reach.LINK_LOCAL),
        ("fe80::1", Reach.LINK_LOCAL),
        ("fe80::1%eth0", Reach.LINK_LOCAL),
        ("::ffff:127.0.0.1", Reach.LOOPBACK),
        ("::ffff:10.1.2.3", Reach.PRIVATE),
        ("::ffff:169.254.169.254", Reach.LINK_LOCAL),
        ("64:ff9b::a9fe:a9fe", Reach.LINK_LOCAL),
        ("2002:7f00:1::", Reach.LOOPBACK),
    ],
)
def test_the_reach_of_an_address(address: str, reach: Reach) -> None:
    assert reach_of(address) is reach


@pytest.mark.parametrize("text", ["", "example.org", "1.2.3", "0x7f000001", "127.1"])
def test_what_is_no_address_has_no_reach(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear"):
        reach_of(text)


@pytest.mark.parametrize(
    ("home", "allowed"),
    [
        ({Reach.PUBLIC}, {Reach.PUBLIC}),
        ({Reach.PRIVATE}, {Reach.PUBLIC, Reach.PRIVATE}),
        ({Reach.LOOPBACK}, {Reach.PUBLIC, Reach.PRIVATE, Reach.LOOPBACK}),
        ({Reach.LINK_LOCAL}, {Reach.PUBLIC, Reach.LINK_LOCAL}),
    ],
)
def test_a_redirect_reaches_no_nearer_than_the_registry(home: set[Reach], allowed: set[Reach]) -> None:
    assert allowed_from(frozenset(home)) == allowed
