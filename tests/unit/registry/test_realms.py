"""Where a password may go."""

from __future__ import annotations

import pytest

from gatekeeper.core.errors import UnavailableError
from gatekeeper.registry.realms import allowed_realm
from gatekeeper.transport.origin import origin_of


def allowed(realm: str, host: str, *configured: str, base: str | None = None) -> bool:
    try:
        allowed_realm(realm, host=host, origin=origin_of(base or f"https://{host}"), configured=configured)
    except UnavailableError:
        return False
    return True


@pytest.mark.parametrize(
    ("realm", "host", "configured"),
    [
        ("https://registry.example/token", "registry.example", ()),
        ("https://auth.docker.io/token", "docker.io", ()),
        ("https://gitlab.com/jwt/auth", "registry.gitlab.com", ()),
        ("https://auth.example/token", "registry.example", ("auth.example",)),
        ("https://auth.example:8443/token", "registry.example", ("auth.example:8443",)),
        ("http://auth.example/token", "registry.example", ("http://auth.example",)),
    ],
)
def test_the_own_host_shipped_and_configured_services_are_asked(
    realm: str, host: str, configured: tuple[str, ...]
) -> None:
    assert allowed(realm, host, *configured)


@pytest.mark.parametrize(
    ("realm", "host", "configured"),
    [
        ("https://evil.example/token", "registry.example", ()),
        ("https://auth.docker.io/token", "registry.example", ()),
        ("https://auth.docker.io.evil.example/token", "docker.io", ()),
        ("http://auth.docker.io/token", "docker.io", ()),
        ("http://registry.example/token", "registry.example", ()),
        ("https://registry.example:8443/token", "registry.example", ()),
        ("http://auth.example/token", "registry.example", ("auth.example",)),
        ("https://auth.example@evil.example/", "registry.example", ("auth.example",)),
        ("", "registry.example", ()),
        ("javascript:alert(1)", "registry.example", ()),
    ],
)
def test_no_other_host_is(realm: str, host: str, configured: tuple[str, ...]) -> None:
    assert not allowed(realm, host, *configured)


def test_the_refusal_prints_the_line_that_allows_it() -> None:
    origin = origin_of("https://registry.example")
    with pytest.raises(UnavailableError) as caught:
        allowed_realm("https://auth.example/token", host="registry.example", origin=origin, configured=())
    assert 'auth_realms = ["auth.example"]' in caught.value.message
