"""A tombstone says where a person decides about it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.config.settings import ServerSettings
from gatekeeper.core.tombstone import REVIEW
from gatekeeper.wiring import Parts, build
from tests.integration.workflow.world import a_world


@pytest.mark.parametrize(
    ("public_url", "place"),
    [(None, "gatekeeper quarantine list"), ("https://gate.example.com", "https://gate.example.com")],
)
def test_the_tombstone_names_the_place_of_review(tmp_path: Path, public_url: str | None, place: str) -> None:
    with a_world(tmp_path) as world:
        world.push("app/web", "1.0", user="0")
        room = world.app.room
        settings = replace(world.app.settings, server=ServerSettings(public_url=public_url))
        parts = Parts(clock=world.clock, store=room.store, registries=room.registries, spread=room.spread)
        app = build(settings, lambda: world.policy, parts)
        app.run_rounds(2, between=lambda: world.clock.advance(2 * world.app.settings.polling.max_interval))
        stored = world.registry.store.manifest("app/web", "1.0")
        assert stored is not None
        assert json.loads(stored.raw)["annotations"][REVIEW] == place
