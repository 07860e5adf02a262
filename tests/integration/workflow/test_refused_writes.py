"""A registry that refuses a write (412 of its policy, 451, a quota, a size) was not asked in vain: the tag stays as it
is, the act waits with the registry's answer as its note, and it goes on when the registry takes the write.
"""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper.core.lifecycle import IntentState
from gatekeeper.demo.registry import Behaviour
from gatekeeper.demo.registry_faults import Match, Status
from tests.integration.workflow.test_attestations import attesting
from tests.integration.workflow.test_brakes_at_every_write import (
    ACTS,
    BAD,
    WRITING,
    Act,
    passed,
    promote,
    replaced,
    taken_out,
)
from tests.integration.workflow.world import World, a_world

HOUR = timedelta(hours=1)
HARBOR_POLICY = Status(412, "PRECONDITION")
REFUSALS = {
    "policy": HARBOR_POLICY,
    "legal": Status(451, "DENIED"),
    "quota": Status(403, "DENIED"),
    "size": Status(413, "SIZE_INVALID"),
    "full": Status(507, "UNKNOWN"),
}


def refused(world: World, act: Act) -> None:
    """What must be so while every further write is refused."""
    act.carry(world)
    world.rounds(2, every=HOUR)
    shown = world.shown("app/web", "1.0")
    assert shown is not None, "a refused write never takes a tag away"
    for intent in world.app.room.store.open_intents():
        assert any(code in intent.note for code in ("forbidden", "registry-refused-content", "server-error"))


def taken(world: World, act: Act) -> None:
    """The registry takes writes again."""
    world.registry.faults.clear()
    if act.carry in (promote, taken_out):
        act.carry(world)
    world.rounds(3, every=2 * HOUR)
    assert act.done(world)
    assert world.app.room.store.open_intents() == ()


@pytest.mark.parametrize("kind", ["quarantine", "promote", "attest", "restore and unhold"])
def test_every_write_of_every_kind_may_be_refused(tmp_path: Path, kind: str) -> None:
    for number in itertools.count():
        folder = tmp_path / str(number)
        folder.mkdir()
        with a_world(folder) as world:
            act = ACTS[kind]
            act.prepare(world)
            before = replaced(world)
            refusing = world.registry.faults.add(Match(WRITING, skip=number), HARBOR_POLICY)
            tag_written = world.registry.faults.add(Match("PUT", r"app/web/manifests/1\.0$"), HARBOR_POLICY)
            refused(world, act)
            if tag_written.hits and not before:
                assert world.shown("app/web", "1.0") == BAD.digest
            if not refusing.hits:
                return
            assert world.shown("prod/web", "1.0") is None
            taken(world, act)


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [*((kind, "policy") for kind in ACTS), *(("quarantine", refusal) for refusal in REFUSALS)],
)
def test_whatever_it_refuses_with(tmp_path: Path, kind: str, refusal: str) -> None:
    with a_world(tmp_path) as world:
        act = ACTS[kind]
        act.prepare(world)
        shown = world.shown("app/web", "1.0")
        world.registry.faults.add(Match(WRITING), REFUSALS[refusal])
        refused(world, act)
        assert world.shown("app/web", "1.0") == shown
        assert world.shown("prod/web", "1.0") is None
        taken(world, act)


def test_a_fallback_index_that_may_not_be_written_is_no_lost_race(tmp_path: Path) -> None:
    """Attesting writes a tag that others write too, and only while it has not moved: 412 has two meanings there."""
    with a_world(tmp_path, Behaviour.docker_registry_2()) as world:
        attesting(world)
        passed(world)
        world.registry.faults.add(Match("PUT", r"/manifests/sha256-"), HARBOR_POLICY)
        world.rounds(2, every=HOUR)
        (intent,) = world.app.room.store.open_intents()
        assert (intent.state, intent.attempts > 0) == (IntentState.PLANNED, True)
        assert "412" in intent.note
        world.registry.faults.clear()
        world.rounds(2, every=2 * HOUR)
        assert world.app.room.store.open_intents() == ()
