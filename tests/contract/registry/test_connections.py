"""TLS, client certificates and proxies: only what the configuration says."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.core.errors import Cause, ConfigurationError, UnavailableError
from gatekeeper.demo import images
from gatekeeper.demo.registry import EmbeddedRegistry, Match
from gatekeeper.demo.registry_faults import Redirect
from gatekeeper.registry.client import OciRegistry
from gatekeeper.registry.registries import ConfiguredRegistries
from gatekeeper.registry.settings import Proxies, RegistrySettings
from tests.fakes.certificates import Authority
from tests.fakes.forward_proxy import ForwardProxy

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def served(certificate: Path, *, client_ca: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.fixture
def secure(authority: Authority) -> Iterator[EmbeddedRegistry]:
    with EmbeddedRegistry(tls=served(authority.issue("server"))) as registry:
        images.image({"a": b"b"}).store_in(registry.store, "team/a", "v1")
        yield registry


def tags(settings: RegistrySettings) -> tuple[str, ...]:
    client = OciRegistry(settings)
    try:
        return client.tags("team/a")
    finally:
        client.close()


def test_a_private_authority_is_trusted_where_it_is_configured(
    secure: EmbeddedRegistry, authority: Authority
) -> None:
    assert tags(RegistrySettings(host=secure.host, ca_file=str(authority.ca))) == ("v1",)


def test_an_unknown_authority_is_not_trusted(secure: EmbeddedRegistry) -> None:
    with pytest.raises(UnavailableError) as caught:
        tags(RegistrySettings(host=secure.host))
    assert caught.value.cause is Cause.TLS


def test_a_configured_authority_replaces_the_others(secure: EmbeddedRegistry, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    with pytest.raises(UnavailableError) as caught:
        tags(RegistrySettings(host=secure.host, ca_file=str(stranger.ca)))
    assert caught.value.cause is Cause.TLS


def test_a_certificate_for_another_host_is_refused(authority: Authority) -> None:
    with EmbeddedRegistry(tls=served(authority.issue("elsewhere", address="127.0.0.9"))) as registry:
        with pytest.raises(UnavailableError) as caught:
            tags(RegistrySettings(host=registry.host, ca_file=str(authority.ca)))
        assert caught.value.cause is Cause.TLS


def test_plain_http_is_never_spoken_unless_configured() -> None:
    with EmbeddedRegistry() as registry:
        with pytest.raises(UnavailableError) as caught:
            tags(RegistrySettings(host=registry.host))
        assert caught.value.cause is Cause.TLS
        assert registry.requests == ()


def test_our_certificate_is_shown_to_the_registry(authority: Authority) -> None:
    context = served(authority.issue("server"), client_ca=authority.ca)
    mine = authority.issue("gatekeeper")
    with EmbeddedRegistry(tls=context) as registry:
        images.image({"a": b"b"}).store_in(registry.store, "team/a", "v1")
        settings = RegistrySettings(
            host=registry.host, ca_file=str(authority.ca), client_certificate=str(mine)
        )
        assert tags(settings) == ("v1",)
        with pytest.raises(UnavailableError):
            tags(RegistrySettings(host=registry.host, ca_file=str(authority.ca)))


def test_our_certificate_is_not_shown_where_a_redirect_leads(
    authority: Authority, secure: EmbeddedRegistry
) -> None:
    context = served(authority.issue("other"), client_ca=authority.ca)
    mine = authority.issue("gatekeeper")
    with EmbeddedRegistry(tls=context) as demanding:
        secure.faults.add(Match("GET", "/blobs/"), Redirect(f"{demanding.url}{{target}}"))
        client = OciRegistry(
            RegistrySettings(host=secure.host, ca_file=str(authority.ca), client_certificate=str(mine))
        )
        config = client.manifest_at("team/a", "v1").config  # type: ignore[union-attr]
        with pytest.raises(UnavailableError):
            client.blob("team/a", config, cap=4096)
        client.close()
        assert demanding.requests == ()


def test_a_redirect_from_https_to_http_is_not_followed(
    authority: Authority, secure: EmbeddedRegistry
) -> None:
    with EmbeddedRegistry() as plain:
        secure.faults.add(Match("GET", "/blobs/"), Redirect(f"{plain.url}{{target}}"))
        client = OciRegistry(RegistrySettings(host=secure.host, ca_file=str(authority.ca)))
        config = client.manifest_at("team/a", "v1").config  # type: ignore[union-attr]
        with pytest.raises(UnavailableError) as caught:
            client.blob("team/a", config, cap=4096)
        client.close()
        assert caught.value.cause is Cause.PROTOCOL
        assert plain.requests == ()


def test_http_goes_through_the_configured_proxy() -> None:
    with ForwardProxy() as proxy, EmbeddedRegistry() as registry:
        images.image({"a": b"b"}).store_in(registry.store, "team/a", "v1")
        through = proxy.url.replace("http://", "http://user:secret@")
        settings = RegistrySettings(host=registry.host, plain_http=True, proxies=Proxies(http=through))
        assert tags(settings) == ("v1",)
        ((method, target, authorization),) = proxy.asked
        assert (method, target.startswith(registry.url)) == ("GET", True)
        assert authorization is not None
        assert "proxy-authorization" not in registry.requests[0].headers
        assert "secret" not in repr(settings)


def test_https_is_tunnelled_through_the_proxy(secure: EmbeddedRegistry, authority: Authority) -> None:
    with ForwardProxy() as proxy:
        settings = RegistrySettings(
            host=secure.host, ca_file=str(authority.ca), proxies=Proxies(https=proxy.url)
        )
        assert tags(settings) == ("v1",)
        assert [(method, target) for method, target, _ in proxy.asked] == [("CONNECT", secure.host)]


@pytest.mark.parametrize("exempt", ["127.0.0.1", ".0.0.1"])
def test_an_exempt_host_is_reached_directly(exempt: str) -> None:
    with ForwardProxy() as proxy, EmbeddedRegistry() as registry:
        images.image({"a": b"b"}).store_in(registry.store, "team/a", "v1")
        proxies = Proxies(http=proxy.url, exempt=(exempt,))
        assert tags(RegistrySettings(host=registry.host, plain_http=True, proxies=proxies)) == ("v1",)
        assert proxy.asked == []


def test_a_proxy_that_is_not_there_is_said_so() -> None:
    with EmbeddedRegistry() as registry:
        gone = Proxies(http="http://127.0.0.1:1")
        with pytest.raises(UnavailableError) as caught:
            tags(RegistrySettings(host=registry.host, plain_http=True, proxies=gone))
        assert caught.value.cause is Cause.CONNECT
        assert registry.requests == ()


@pytest.mark.parametrize(
    "settings",
    [
        RegistrySettings(host="registry.example", ca_file="/absent.pem"),
        RegistrySettings(host="registry.example", client_certificate="/absent.pem"),
    ],
)
def test_a_file_that_is_not_there_is_a_fault_of_the_configuration(settings: RegistrySettings) -> None:
    with pytest.raises(ConfigurationError):
        OciRegistry(settings)


def test_only_configured_hosts_are_known() -> None:
    registries = ConfiguredRegistries(
        [RegistrySettings(host="a.example"), RegistrySettings(host="b.example")]
    )
    assert registries.hosts() == ("a.example", "b.example")
    assert registries.get("a.example") is registries.get("a.example")
    with pytest.raises(ConfigurationError):
        registries.get("c.example")
    registries.close()


def test_a_host_is_configured_once() -> None:
    with pytest.raises(ConfigurationError):
        ConfiguredRegistries([RegistrySettings(host="a.example"), RegistrySettings(host="a.example")])
