"""A tombstone says where a person decides about it."""

import json
from pathlib import Path

from gatekeeper.core.tombstone import REVIEW
from tests.integration.workflow.world import a_world


def test_the_tombstone_names_the_place_of_review(tmp_path: Path) -> None:
    with a_world(tmp_path) as world:
        world.push("app/web", "1.0", user="0")
        world.rounds(2)
        stored = world.registry.store.manifest("app/web", "1.0")
        assert stored is not None
        assert json.loads(stored.raw)["annotations"][REVIEW] == "gatekeeper quarantine list"
