"""Every registry the port is proved on: ours in four behaviours, and three of other people."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from gatekeeper.demo.images import Built
from gatekeeper.demo.registry import (
    BasicAuthentication,
    Behaviour,
    EmbeddedRegistry,
    Store,
    TokenAuthentication,
)
from gatekeeper.demo.registry_push import PushClient
from gatekeeper.registry.client import OciRegistry
from gatekeeper.registry.settings import (
    Anonymous,
    Credentials,
    RegistrySettings,
    SecretText,
    UsernamePassword,
)
from tests.judges.registries import REAL_KINDS, registry_server

USER, PASSWORD = "robot", "correct horse"
LOGIN = UsernamePassword(USER, SecretText(PASSWORD))


@dataclass(frozen=True, slots=True)
class Ours:
    """One behaviour of the embedded registry, and what it offers."""

    behaviour: Behaviour
    referrers: bool = True
    tag_delete: bool = True
    credentials: Credentials = field(default_factory=Anonymous)


OURS = {
    "embedded": Ours(Behaviour()),
    "embedded-as-debian": Ours(Behaviour.docker_registry_2(), referrers=False, tag_delete=False),
    "embedded-paged": Ours(Behaviour(page_size=2, referrers_page_size=1)),
    "embedded-token": Ours(
        Behaviour(authentication=TokenAuthentication({USER: PASSWORD})), credentials=LOGIN
    ),
    "embedded-basic": Ours(
        Behaviour(authentication=BasicAuthentication({USER: PASSWORD}), referrers_api=False),
        referrers=False,
        credentials=LOGIN,
    ),
}


@dataclass(frozen=True, slots=True)
class Site:
    """A running registry with a client of ours, and a plain client that shares no code with it."""

    kind: str
    url: str
    referrers: bool
    tag_delete: bool
    client: OciRegistry
    store: Store | None
    """Of ours: content is put straight into it, so that no login of the pusher is part of the test."""

    def push(self, path: str, built: Built, *tags: str) -> None:
        if self.store is not None:
            built.store_in(self.store, path, *tags)
            return
        with PushClient(self.url) as pusher:
            pusher.push(path, built, *tags)


@pytest.fixture(scope="session", params=(*OURS, *REAL_KINDS))
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """Shared by a run: each test uses a repository of its own."""
    kind: str = request.param
    with ExitStack() as stack:
        if kind in OURS:
            ours = OURS[kind]
            embedded = stack.enter_context(EmbeddedRegistry(ours.behaviour))
            url, referrers, tag_delete, credentials = (
                embedded.url,
                ours.referrers,
                ours.tag_delete,
                ours.credentials,
            )
            store: Store | None = embedded.store
        else:
            server = stack.enter_context(registry_server(kind))
            url, referrers, tag_delete = server.url, server.referrers, server.tag_delete
            credentials, store = Anonymous(), None
        client = OciRegistry(
            RegistrySettings(host=url.removeprefix("http://"), plain_http=True, credentials=credentials)
        )
        stack.callback(client.close)
        yield Site(kind, url, referrers, tag_delete, client, store)


@pytest.fixture
def path(request: pytest.FixtureRequest) -> str:
    """A repository path of the test's own."""
    return _path(request.node.nodeid)


@pytest.fixture
def other_path(request: pytest.FixtureRequest) -> str:
    """Another one."""
    return _path(request.node.nodeid + "#other")


def _path(text: str) -> str:
    return f"contract/{hashlib.sha256(text.encode()).hexdigest()[:12]}"


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[OciRegistry]:
    """A second registry, to copy to."""
    with EmbeddedRegistry() as embedded:
        client = OciRegistry(RegistrySettings(host=embedded.host, plain_http=True))
        yield client
        client.close()
