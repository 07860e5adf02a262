"""A world with a daemon's HTTP face on it, and people at the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import main
from gatekeeper.cli.local_desk import LocalDesk
from gatekeeper.cli.remote import RemoteDesk, endpoint
from gatekeeper.ports import TokenScope
from gatekeeper.web.app import create_app
from gatekeeper.web.server import Server, ServerSettings
from gatekeeper.workflow import tokens
from tests.integration.workflow.world import World, a_world


@dataclass(slots=True)
class Gate:
    """A daemon that answers, seen from both desks."""

    world: World
    url: str

    def token(self, *scopes: TokenScope, repositories: tuple[str, ...] = ("**",)) -> str:
        made = tokens.create(
            self.world.app.room.store,
            name="tester",
            scopes=frozenset(scopes or {TokenScope.ADMIN}),
            repositories=repositories,
            expires_at=None,
            now=self.world.clock.now(),
        )
        return made.text

    @property
    def local(self) -> LocalDesk:
        return LocalDesk(self.world.app)

    def remote(self, token: str | None = None, *, clock: Callable[[], float] | None = None) -> RemoteDesk:
        where = endpoint(self.url, insecure_http=False, ca_file=None)
        given = token or self.token()
        return RemoteDesk(where, given) if clock is None else RemoteDesk(where, given, clock=clock)

    def image(self, name: str) -> str:
        return f"{self.world.registry.host}/{name}"


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    with a_world(tmp_path) as world:
        server = Server(create_app(world.app.room, missing=tuple), ServerSettings(port=0))
        url = server.start()
        try:
            yield Gate(world, url)
        finally:
            server.stop()


@pytest.fixture
def typed(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, Any]]:
    """Runs a command against the daemon; exit code and JSON."""
    monkeypatch.setenv("GATEKEEPER_SERVER", gate.url)
    monkeypatch.setenv("GATEKEEPER_TOKEN", gate.token())

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*arguments, "--output", "json"])
        return code, json.loads(capsys.readouterr().out)

    return run
