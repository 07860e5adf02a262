"""A registry that lost, or was given back, an older content: nothing of that is recorded until somebody believes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError, NotFoundError
from gatekeeper.core.lifecycle import CaseState
from gatekeeper.demo.registry_faults import Match, Status
from gatekeeper.ports import WorkKind
from gatekeeper.workflow.brakes import summary
from gatekeeper.workflow.doubt import accept, believed
from tests.integration.workflow.world import World

REPOSITORIES, TAGS = 6, 4
Seen = tuple[tuple[Digest, datetime], ...]


@pytest.fixture
def estate(world: World) -> World:
    """Twenty-four signed tags and their signatures, all known; one more image is quarantined."""
    for number in range(REPOSITORIES):
        for tag in range(TAGS):
            world.good(f"app/n{number}", f"1.{tag}", text=f"{number} {tag}")
    world.push("app/bad", "1.0", user="0")
    world.rounds(3)
    assert world.tombstone("app/bad", "1.0")
    return world


def observed(world: World) -> list[Seen]:
    """What each tag of the estate was ever seen to show."""
    store = world.app.room.store
    return [
        store.observed(world.repository(f"app/n{number}"), f"1.{tag}")
        for number in range(REPOSITORIES)
        for tag in range(TAGS)
    ]


@contextmanager
def emptied(world: World) -> Iterator[None]:
    """Every repository of the estate has vanished."""
    gone = world.registry.faults.add(Match("GET|HEAD", r"app/n\d/"), Status(404, "NAME_UNKNOWN"))
    try:
        yield
    finally:
        world.registry.faults.remove(gone)


def moved_back(world: World) -> None:
    """Every tag shows something else, as in a registry that was restored from a backup."""
    for number in range(REPOSITORIES):
        for tag in range(TAGS):
            world.push(f"app/n{number}", f"1.{tag}", user="0", text=f"older {number} {tag}")


def test_what_vanishes_at_once_is_not_recorded_as_gone(estate: World) -> None:
    world = estate
    before = observed(world)
    with emptied(world):
        world.rounds(4)
        assert observed(world) == before
        (doubt,) = world.app.room.store.doubts()
        assert doubt.registry == world.registry.host
        assert "have vanished or moved" in doubt.reason
        assert {brake.name for brake in summary(world.app.room).brakes} == {"registry-doubted"}
        world.restart()
        world.rounds(4)
        assert observed(world) == before
    world.rounds(3)
    assert world.app.room.store.doubts() == ()
    assert observed(world) == before
    world.rounds(2)
    assert world.status("app/n0:1.0").exit_code == 0


def test_what_moves_at_once_is_neither_recorded_nor_planned_for(estate: World) -> None:
    world = estate
    cases = len(world.cases())
    moved_back(world)
    world.rounds(3, every=timedelta(hours=1))
    assert len(world.app.room.store.doubts()) == 1
    recorded = [seen for seen in observed(world) if len(seen) > 1]
    assert len(recorded) < 10, "fewer than the floor were recorded before it was clear"
    assert len(world.cases()) - cases < 10
    assert not world.tombstone(f"app/n{REPOSITORIES - 1}", "1.0")
    again = len(recorded)
    world.rounds(3, every=timedelta(hours=1))
    assert len([seen for seen in observed(world) if len(seen) > 1]) == again


def test_a_person_believes_it_and_the_newest_are_looked_at_first(estate: World) -> None:
    world = estate
    world.good("app/n3", "2.0", text="the newest")
    world.rounds(2)
    host = world.registry.host
    with emptied(world):
        world.rounds(4)
        with pytest.raises(MalformedError):
            accept(world.app.room, host, actor="ann", reason=" ")
        with pytest.raises(NotFoundError):
            accept(world.app.room, "none.example.com", actor="ann", reason="x")
        assert accept(world.app.room, host, actor="ann", reason="emptied on purpose") >= REPOSITORIES
        world.registry.clear_requests()
        world.rounds(130, every=timedelta(seconds=1))
        lists = [request.path for request in world.registry.requests if request.path.endswith("tags/list")]
        first = list(dict.fromkeys(path for path in lists if "/app/n" in path))
        assert "app/n3" in first[0]
        assert len(first) == REPOSITORIES
    rows = world.app.room.store.rows(after=0, limit=10_000)
    assert [row.actor for row in rows if row.action == "registry-accepted"] == ["ann"]
    assert world.app.room.store.doubts() == ()


def test_a_look_that_began_before_somebody_believed_it_does_not_doubt_it_again(estate: World) -> None:
    world, room = estate, estate.app.room
    host = world.registry.host
    with emptied(world):
        world.rounds(4)
        world.clock.advance(timedelta(hours=1))
        (lease,) = room.store.claim(
            WorkKind.REPOSITORY, now=world.clock.now(), limit=1, lease_for=timedelta(hours=1)
        )
        watched = room.store.repository(lease)
        assert watched.doubted
        accept(room, host, actor="ann", reason="emptied on purpose")
        assert not believed(room, lease, watched, changed=REPOSITORIES * TAGS)
    assert room.store.doubts() == ()


def test_a_few_changes_are_recorded_as_ever(estate: World) -> None:
    world = estate
    for tag in range(TAGS):
        world.push("app/n0", f"1.{tag}", user="0", text=f"new {tag}")
    world.rounds(2)
    assert world.app.room.store.doubts() == ()
    assert all(len(seen) > 1 for seen in observed(world)[:TAGS])


def test_an_open_case_is_not_closed_by_a_registry_that_lost_everything(estate: World) -> None:
    world = estate
    gone = world.registry.faults.add(Match("GET|HEAD", "/app/"), Status(404, "NAME_UNKNOWN"))
    world.rounds(6, every=timedelta(hours=1))
    assert world.case().state is CaseState.OPEN
    world.registry.faults.remove(gone)
    world.rounds(4)
    assert world.case().state is CaseState.OPEN
    assert world.tombstone("app/bad", "1.0")
