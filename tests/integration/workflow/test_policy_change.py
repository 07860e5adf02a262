"""A policy, a key set or a version that changes its mind about many images at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta

import pytest

from gatekeeper.core import decide
from gatekeeper.core.errors import ConflictError, MalformedError, NotFoundError
from gatekeeper.core.lifecycle import CaseState
from gatekeeper.core.policy import RuleSet
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.signature_missing import SignatureMissing
from gatekeeper.core.rules.user_root import UserRoot
from gatekeeper.core.signer import ManagedKey, Signer
from gatekeeper.core.verdict import EVALUATOR, Result
from gatekeeper.database import Database
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


@dataclasses.dataclass(frozen=True, slots=True)
class LaterUserRoot(UserRoot):
    """The same rule in a later version of ours: it finds fault with a user that passed before."""

    def check(self, context: Context) -> Iterator[Check]:
        for found in super(LaterUserRoot, self).check(context):
            yield dataclasses.replace(found, result=Result.VIOLATED, reason_code="user-root")


# Canonical forms name the class, which no version of ours renames.
LaterUserRoot.__name__ = UserRoot.__name__


def later_version(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program is started over the same database, with the same policy file."""
    monkeypatch.setattr(decide, "EVALUATOR", EVALUATOR + 1)
    defaults = Database.mark_policy.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "evaluator", EVALUATOR + 1)
    before = world.policy.revision
    world.policy = policy_of(
        world.policy.scopes[0], rules=RuleSet("default", (SignatureMissing(), LaterUserRoot()))
    )
    assert world.policy.revision == before
    world.restart()


def test_a_later_version_of_the_evaluator_judges_everything_again_and_what_it_turns_is_proposed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.caps_for(per_run=100, per_repository=100, per_hour=100, per_change=3)
    estate(world, 4)
    world.rounds(1)
    assert {world.status(f"app/n{number}:1.0").verdict.evaluator for number in range(4)} == {EVALUATOR}  # type: ignore[union-attr]
    world.restart()
    world.registry.clear_requests()
    world.rounds(1, every=timedelta(seconds=1))
    assert not [request for request in world.registry.requests if "/blobs/" in request.path]

    later_version(world, monkeypatch)
    world.rounds(1, every=timedelta(seconds=1))
    verdicts = [world.status(f"app/n{number}:1.0").verdict for number in range(4)]
    assert {verdict.evaluator for verdict in verdicts if verdict is not None} == {EVALUATOR + 1}
    world.rounds(2, every=HOUR)
    found = change(world.app.room)
    assert found is not None
    assert (found.turned, found.pending) == (4, True)
    assert {(case.state, case.why_proposed) for case in world.cases()} == {
        (CaseState.PROPOSED, "change-not-accepted")
    }
    assert tombstones(world, 4) == 0
    told = [event.kind for event in world.app.room.store.events(after=0, limit=100)]
    assert told.count("policy-change-pending") == 1

    accept(world.app.room, found.revision, actor="ann", reason="the new version is right")
    world.rounds(2, every=HOUR)
    assert tombstones(world, 4) == 4
