"""A policy, a key set or a version that changes its mind about many images at once."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from gatekeeper.core.errors import ConflictError, MalformedError, NotFoundError
from gatekeeper.core.lifecycle import CaseState
from gatekeeper.core.signer import ManagedKey, Signer
from gatekeeper.demo.registry_faults import Match, Status
from gatekeeper.workflow.policy_change import accept, change
from tests.integration.workflow.world import MALLORY, World, policy_of

HOUR = timedelta(hours=1)


def estate(world: World, count: int) -> None:
    for number in range(count):
        world.good(f"app/n{number}", "1.0", text=str(number))
    world.rounds(1)
    assert world.cases() == []


def other_key(world: World) -> None:
    """The release key is taken out and another put in: every signature is worth nothing any more."""
    policy = policy_of(world.policy.scopes[0])
    world.policy = dataclasses.replace(
        policy, signers={"alice": Signer("alice", (ManagedKey(MALLORY.public),))}
    )


def tombstones(world: World, count: int) -> int:
    return sum(world.tombstone(f"app/n{number}", "1.0") for number in range(count))


def test_many_turned_images_are_counted_and_kept_as_proposals_until_the_change_is_accepted(
    world: World,
) -> None:
    world.caps_for(per_run=100, per_repository=100, per_hour=100, per_change=3)
    estate(world, 4)
    other_key(world)
    world.rounds(3, every=HOUR)
    found = change(world.app.room)
    assert found is not None
    assert (found.turned, found.pending, found.revision) == (4, True, world.policy.revision)
    assert {(case.state, case.why_proposed) for case in world.cases()} == {
        (CaseState.PROPOSED, "change-not-accepted")
    }
    assert tombstones(world, 4) == 0

    world.restart()
    world.rounds(2, every=HOUR)
    assert tombstones(world, 4) == 0
    with pytest.raises(MalformedError):
        accept(world.app.room, found.revision, actor="ann", reason=" ")
    with pytest.raises(NotFoundError):
        accept(world.app.room, "0" * 64, actor="ann", reason="another one")
    accepted = accept(world.app.room, found.revision, actor="ann", reason="the key was stolen")
    assert (accepted.pending, accepted.accepted_by) == (False, "ann")
    with pytest.raises(ConflictError):
        accept(world.app.room, found.revision, actor="bob", reason="again")
    world.rounds(2, every=HOUR)
    assert tombstones(world, 4) == 4


def test_a_small_change_flows(world: World) -> None:
    world.caps_for(per_run=100, per_repository=100, per_hour=100, per_change=4)
    estate(world, 4)
    other_key(world)
    world.rounds(4, every=HOUR)
    assert tombstones(world, 4) == 4
    found = change(world.app.room)
    assert found is not None
    assert found.accepted_by == "gatekeeper"


def test_the_policy_put_back_takes_the_proposals_back(world: World) -> None:
    world.caps_for(per_run=100, per_repository=100, per_hour=100, per_change=1)
    estate(world, 3)
    right = world.policy
    other_key(world)
    world.rounds(2, every=HOUR)
    assert len(world.cases(CaseState.PROPOSED)) == 3
    world.policy = right
    world.rounds(2, every=HOUR)
    assert {case.state for case in world.cases()} == {CaseState.SUPERSEDED}
    assert tombstones(world, 3) == 0
    found = change(world.app.room)
    assert found is not None
    assert not found.pending


def test_a_second_reload_before_anybody_accepted_keeps_them_proposals(world: World) -> None:
    world.caps_for(per_run=100, per_repository=100, per_hour=100, per_change=1)
    estate(world, 3)
    other_key(world)
    world.rounds(2, every=HOUR)
    world.policy = dataclasses.replace(
        world.policy, scopes=(dataclasses.replace(world.policy.scopes[0], protected_tags=("none",)),)
    )
    world.rounds(3, every=HOUR)
    found = change(world.app.room)
    assert found is not None
    assert (found.turned, found.pending) == (3, True)
    assert tombstones(world, 3) == 0


def test_images_that_could_not_be_judged_meanwhile_count_against_the_cap(world: World) -> None:
    world.caps_for(per_run=100, per_repository=100, per_hour=100, per_change=2)
    estate(world, 4)
    away = world.registry.faults.add(Match("GET|HEAD", "app/n[123]/"), Status(503))
    other_key(world)
    world.rounds(3, every=HOUR)
    assert tombstones(world, 4) == 0, "one is known to be turned, three are not known yet"
    world.registry.faults.remove(away)
    world.rounds(3, every=HOUR)
    found = change(world.app.room)
    assert found is not None
    assert (found.turned, found.pending) == (4, True)
    assert tombstones(world, 4) == 0


def test_new_failures_beside_a_pending_change_are_acted_on(world: World) -> None:
    world.caps_for(per_run=100, per_repository=100, per_hour=100, per_change=1)
    estate(world, 3)
    other_key(world)
    world.rounds(2, every=HOUR)
    world.push("app/fresh", "1.0", user="0")
    world.rounds(2, every=HOUR)
    assert world.tombstone("app/fresh", "1.0")
    assert tombstones(world, 3) == 0
