"""``gatekeeper decommission`` as it is typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.cli import main
from tests.integration.workflow.world import World, a_world

CONFIG = """\
version = 1

[[registries]]
host = "{host}"
plain_http = true

[database]
path = "gatekeeper.db"
"""
POLICY = """\
version = 1

[policies.default]
rules = ["user-root"]

[[scopes]]
name = "all"
repositories = ["{host}/**"]
policy = "default"
mode = "observe"
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path) as made:
        (tmp_path / "config.toml").write_text(CONFIG.format(host=made.registry.host))
        (tmp_path / "policy.toml").write_text(POLICY.format(host=made.registry.host))
        yield made


def typed(world: World, *arguments: str) -> int:
    return main(["decommission", *arguments, "--config", str(world.directory / "config.toml")])


def test_look_first_then_out(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    host = world.registry.host
    bad = world.push("app/web", "1.0", user="0")
    world.settle()
    assert world.tombstone("app/web", "1.0")
    assert typed(world, host) == 2
    assert "--reason" in capsys.readouterr().err

    before = world.registry.dump()
    assert typed(world, host, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert f"{host}/app/web" in shown
    assert "replaced-tag" in shown
    assert world.registry.dump() == before

    assert typed(world, host, "--reason", "we leave", "--output", "json") == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["left"], done["held"], done["enforcing"], done["dry_run"]) == ([], False, [], False)
    assert {one["kind"] for one in done["intents"]} == {"restore", "unhold", "erase"}
    assert world.shown("app/web", "1.0") == str(bad)
    assert list(world.registry.store.tags("app/web")) == ["1.0"]

    assert typed(world, host, "--reason", "once more") == 0
    assert "nothing of ours is left" in capsys.readouterr().out


def test_a_registry_that_is_not_configured_is_refused(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(world, "elsewhere.example.com", "--dry-run") == 3
    assert "elsewhere.example.com" in capsys.readouterr().err


def test_hold_is_exit_code_6(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.push("app/web", "1.0", user="0")
    world.settle()
    world.app.hold_on(actor="rita", reason="look first")
    assert typed(world, world.registry.host, "--reason", "we leave") == 6
    assert "hold off" in capsys.readouterr().out
    assert world.tombstone("app/web", "1.0")
