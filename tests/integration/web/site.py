"""A world with a daemon's HTTP face on loopback, and a caller that speaks plain HTTP to it."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from gatekeeper.core.reference import parse_reference
from gatekeeper.core.verdict import State
from gatekeeper.database.migrate import upgrade
from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.ports import TokenScope
from gatekeeper.web.app import create_app
from gatekeeper.web.server import Server, ServerSettings
from gatekeeper.workflow import tokens
from tests.integration.workflow.world import World, a_world

TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


@dataclass(slots=True)
class PostgresWorld(World):
    """A world whose database is an empty one on PostgreSQL."""

    url: str = ""

    @property
    def database(self) -> str:
        return self.url

    def empty_database(self) -> None:
        upgrade(self.url)


@dataclass(slots=True)
class Site:
    """A server over a world."""

    world: World
    url: str
    admin: str = ""

    def __post_init__(self) -> None:
        self.admin = self.token()

    def token(
        self,
        *scopes: TokenScope,
        repositories: tuple[str, ...] = ("**",),
        expires_at: datetime | None = None,
        one_use: bool = False,
    ) -> str:
        made = tokens.create(
            self.world.app.room.store,
            name="tester",
            scopes=frozenset(scopes or {TokenScope.ADMIN}),
            repositories=repositories,
            expires_at=expires_at,
            now=self.world.clock.now(),
            one_use=one_use,
        )
        return made.text

    def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        query: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request. ``token`` None: the administrator's; empty: none at all. A body of bytes is sent as it is."""
        sent = dict(headers or {})
        text = self.admin if token is None else token
        if text and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {text}"
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        target = f"{path}?{urlencode(query)}" if query else path
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=TIMEOUT)
        try:
            connection.request(method, target, body=content, headers=sent)
            response = connection.getresponse()
            raw = response.read()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, named, raw)
        finally:
            connection.close()

    def get(self, path: str, token: str | None = None, **query: str) -> Reply:
        return self.ask("GET", path, token=token, query=query)

    def status(
        self, image: str, *, wait: float | None = None, known: str = "", token: str | None = None
    ) -> Reply:
        """``image`` without the registry host."""
        query = {"image": self.image(image)} | ({} if wait is None else {"wait": str(wait)})
        return self.ask(
            "GET", "/v1/status", token=token, query=query, headers={"If-None-Match": known} if known else {}
        )

    @property
    def later(self) -> str:
        """A moment at which a waiver may end."""
        return (self.world.clock.now() + timedelta(days=1)).isoformat()

    @property
    def revision(self) -> str:
        """Of the policy in force."""
        return self.world.policy.revision

    def image(self, name: str) -> str:
        return f"{self.world.registry.host}/{name}"

    def passed(self, path: str, tag: str = "1.0") -> str:
        """A judged, passing image: its reference by digest, without the host."""
        digest = self.world.good(path, tag)
        self.world.rounds(3)
        name = f"{path}@{digest}"
        row = self.world.app.room.store.status(
            parse_reference(self.image(name)).repository, digest, now=self.world.clock.now()
        )
        assert row is not None
        assert row.verdict is not None
        assert row.verdict.state is State.PASSED
        return name


@contextmanager
def serving(world: World, missing: Callable[[], tuple[str, ...]] = tuple) -> Iterator[Site]:
    server = Server(create_app(world.app.room, missing=missing), ServerSettings(port=0))
    url = server.start()
    try:
        yield Site(world, url)
    finally:
        server.stop()


@contextmanager
def a_site(directory: Path, missing: Callable[[], tuple[str, ...]] = tuple) -> Iterator[Site]:
    with a_world(directory) as world, serving(world, missing) as site:
        yield site


@contextmanager
def a_site_on_postgres(directory: Path, url: str) -> Iterator[Site]:
    with EmbeddedRegistry() as registry:
        world = PostgresWorld(registry, directory, url=url)
        try:
            with serving(world) as site:
                yield site
        finally:
            world.app.close()


def eventually(ask: Callable[[], Any], good: Callable[[Any], bool], seconds: float = 30.0) -> Any:
    """Asks until the answer is good; the deadline is generous, and missing it is the failure."""
    deadline = time.monotonic() + seconds
    while True:
        found = ask()
        if good(found):
            return found
        assert time.monotonic() < deadline, found
