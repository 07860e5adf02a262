"""Basic and token authentication of the embedded registry."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import pytest

from gatekeeper.demo.images import image
from gatekeeper.demo.registry import (
    BasicAuthentication,
    Behaviour,
    EmbeddedRegistry,
    Grant,
    TokenAuthentication,
)
from gatekeeper.demo.registry_push import PushClient
from tests.integration.demo_registry.turned_clock import TurnedClock

_APP = image({"etc/motd": "hello"})
_USERS = {"ann": "secret", "bob": "hidden"}
_GRANTS = (
    Grant("bob", "team/*", frozenset({"pull"})),
    Grant("", "public/*", frozenset({"pull"})),
)
_SETTINGS = TokenAuthentication(_USERS, _GRANTS, refresh_tokens={"identity": "ann"}, ttl=60, secret=b"shared")


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@contextmanager
def running(
    authentication: TokenAuthentication | BasicAuthentication = _SETTINGS,
    clock: Callable[[], float] | None = None,
) -> Iterator[tuple[EmbeddedRegistry, PushClient]]:
    behaviour = Behaviour(authentication=authentication)
    with (
        EmbeddedRegistry(behaviour, clock=clock or TurnedClock()) as registry,
        PushClient(registry.url) as client,
    ):
        for name in ("team/app", "public/app"):
            _APP.store_in(registry.store, name, "1")
        yield registry, client
        assert registry.internal_errors == ()


def get(client: PushClient, target: str, authorization: str | None, method: str = "GET") -> int:
    headers = {"Authorization": authorization} if authorization else {}
    return client.request(method, target, headers=headers)[0]


def fetch_token(client: PushClient, authorization: str | None, *scopes: str) -> str:
    query = urlencode([("service", "embedded-registry"), *(("scope", scope) for scope in scopes)])
    headers = {"Authorization": authorization} if authorization else {}
    status, _, body = client.request("GET", f"/token?{query}", headers=headers)
    assert status == 200
    return f"Bearer {json.loads(body)['token']}"


@pytest.mark.parametrize(
    ("method", "target", "scope"),
    [
        ("GET", "/v2/team/app/manifests/1", "repository:team/app:pull"),
        ("HEAD", "/v2/team/app/tags/list", "repository:team/app:pull"),
        ("PUT", "/v2/team/app/manifests/1", "repository:team/app:pull,push"),
        ("DELETE", "/v2/team/app/manifests/1", "repository:team/app:delete"),
        (
            "POST",
            f"/v2/team/app/blobs/uploads/?mount={_APP.digest}&from=other",
            "repository:team/app:pull,push repository:other:pull",
        ),
        ("GET", "/v2/_catalog", "registry:catalog:*"),
        ("GET", "/v2/", None),
    ],
)
def test_challenge_names_the_scope(method: str, target: str, scope: str | None) -> None:
    with running() as (registry, client):
        status, headers, _ = client.request(method, target)
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', headers["www-authenticate"]))
        assert status == 401
        assert challenge.get("scope") == scope
        assert challenge["realm"] == f"{registry.url}/token"
        assert challenge["service"] == "embedded-registry"


def test_a_token_is_good_for_its_scope_alone() -> None:
    with running() as (_, client):
        token = fetch_token(client, basic("ann", "secret"), "repository:team/app:pull")
        assert get(client, "/v2/", token) == 200
        assert get(client, "/v2/team/app/manifests/1", token) == 200
        assert get(client, "/v2/public/app/manifests/1", token) == 401
        assert get(client, "/v2/team/app/manifests/1", token, "DELETE") == 401
        assert get(client, "/v2/_catalog", token) == 401
        wide = fetch_token(
            client, basic("ann", "secret"), "repository:team/app:pull,push,delete", "registry:catalog:*"
        )
        assert get(client, "/v2/_catalog", wide) == 200
        assert get(client, "/v2/team/app/manifests/1", wide, "DELETE") == 202


def test_a_token_expires_by_the_registrys_clock() -> None:
    clock = TurnedClock()
    with running(clock=clock) as (_, client):
        token = fetch_token(client, basic("ann", "secret"), "repository:team/app:pull")
        clock.now += 59
        assert get(client, "/v2/team/app/manifests/1", token) == 200
        clock.now += 1
        status, headers, _ = client.request(
            "GET", "/v2/team/app/manifests/1", headers={"Authorization": token}
        )
        assert status == 401
        assert 'error="invalid_token"' in headers["www-authenticate"]


def test_grants_limit_what_is_issued() -> None:
    with running() as (_, client):
        scope = "repository:team/app:pull,push"
        token = fetch_token(client, basic("bob", "hidden"), scope)
        assert get(client, "/v2/team/app/manifests/1", token) == 200
        assert get(client, "/v2/team/app/blobs/uploads/", token, "POST") == 401
        anonymous = fetch_token(client, None, "repository:public/app:pull", "repository:team/app:pull")
        assert get(client, "/v2/public/app/manifests/1", anonymous) == 200
        assert get(client, "/v2/team/app/manifests/1", anonymous) == 401


@pytest.mark.parametrize(
    "authorization", [basic("ann", "wrong"), basic("eve", "secret"), "Basic §", "Basic !!", "Junk"]
)
def test_wrong_credentials_get_no_token(authorization: str) -> None:
    with running() as (_, client):
        assert get(client, "/token?scope=repository:team/app:pull", authorization) == 401


@pytest.mark.parametrize("token", ["", "junk", "a.b", "e30.00", "..", "\u00e9.\u00e9"])
def test_forged_tokens_are_refused(token: str) -> None:
    with running() as (_, client):
        assert get(client, "/v2/team/app/manifests/1", f"Bearer {token}") == 401


def test_oauth2() -> None:
    with running() as (_, client):
        form = {
            "grant_type": "refresh_token",
            "refresh_token": "identity",
            "scope": "repository:team/app:pull",
        }
        status, _, body = client.request("POST", "/token", urlencode(form).encode())
        answer = json.loads(body)
        assert (status, answer["expires_in"]) == (200, 60)
        assert get(client, "/v2/team/app/manifests/1", f"Bearer {answer['access_token']}") == 200
        # The refresh token it gives works again, and is itself no access token.
        assert get(client, "/v2/team/app/manifests/1", f"Bearer {answer['refresh_token']}") == 401
        again = form | {"refresh_token": answer["refresh_token"]}
        assert client.request("POST", "/token", urlencode(again).encode())[0] == 200
        for wrong in ("junk", answer["access_token"]):
            assert (
                client.request("POST", "/token", urlencode(form | {"refresh_token": wrong}).encode())[0]
                == 401
            )
        password = {"grant_type": "password", "username": "ann", "password": "secret"}
        assert client.request("POST", "/token", urlencode(password).encode())[0] == 200
        assert client.request("POST", "/token", urlencode(password | {"password": "x"}).encode())[0] == 401
        assert client.request("POST", "/token", b"grant_type=other")[0] == 400


def test_offline_token() -> None:
    with running() as (_, client):
        headers = {"Authorization": basic("ann", "secret")}
        answer = json.loads(client.request("GET", "/token?offline_token=true", headers=headers)[2])
        form = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}
        assert client.request("POST", "/token", urlencode(form).encode())[0] == 200


def test_issued_in_process_and_shared_between_registries() -> None:
    with running() as (registry, _), running() as (_, other):
        token = registry.issue_token("ann", ["repository:team/app:pull"])
        assert get(other, "/v2/team/app/manifests/1", f"Bearer {token}") == 200


def test_no_tokens_without_token_authentication() -> None:
    with EmbeddedRegistry() as registry, pytest.raises(ValueError, match="issues no tokens"):
        registry.issue_token("ann", [])


def test_silent_about_expiry() -> None:
    with running(TokenAuthentication(_USERS, tells_expiry=False)) as (_, client):
        answer = json.loads(client.request("GET", "/token")[2])
        assert "expires_in" not in answer


def test_realm_of_another() -> None:
    with running(TokenAuthentication(_USERS, realm="http://elsewhere/auth")) as (_, client):
        assert 'realm="http://elsewhere/auth"' in client.request("GET", "/v2/")[1]["www-authenticate"]


def test_basic() -> None:
    with running(BasicAuthentication(_USERS, _GRANTS)) as (_, client):
        status, headers, _ = client.request("GET", "/v2/")
        assert (status, headers["www-authenticate"]) == (401, 'Basic realm="embedded registry"')
        assert get(client, "/v2/", basic("ann", "wrong")) == 401
        assert get(client, "/v2/team/app/manifests/1", basic("bob", "hidden")) == 200
        assert get(client, "/v2/team/app/manifests/1", basic("bob", "hidden"), "DELETE") == 403
        assert get(client, "/v2/team/app/manifests/1", basic("ann", "secret"), "DELETE") == 202
