"""Switching a scope to enforce on an estate that grew without it."""

from __future__ import annotations

import pytest

from gatekeeper.core.lifecycle import CaseState, Decision
from gatekeeper.core.policy import Action, Existing, Mode
from tests.integration.workflow.world import World


@pytest.fixture
def old_estate(world: World) -> World:
    """Observed for a while: one image fails, one passes."""
    world.scope(mode=Mode.OBSERVE)
    world.push("app/old", "1.0", user="0")
    world.good("app/good", "1.0")
    world.rounds(1)
    assert world.cases() == []
    return world


def test_what_failed_already_is_proposed_and_what_comes_afterwards_is_acted_on(old_estate: World) -> None:
    world = old_estate
    world.scope(mode=Mode.ENFORCE)
    world.rounds(1)
    case = world.case()
    assert (case.state, case.why_proposed) == (CaseState.PROPOSED, "seen-before-enforcement")
    assert not world.tombstone("app/old", "1.0")

    world.push("app/old", "2.0", user="0", text="new")
    world.push("app/new", "1.0", user="0", text="new repository")
    world.rounds(2)
    assert world.tombstone("app/old", "2.0")
    assert world.tombstone("app/new", "1.0")
    assert not world.tombstone("app/old", "1.0")


def test_the_baseline_outlives_restarts_and_further_reloads(old_estate: World) -> None:
    world = old_estate
    world.scope(mode=Mode.ENFORCE)
    world.rounds(1)
    world.restart()
    world.scope(protected_tags=("never",))
    world.rounds(3)
    assert world.case().state is CaseState.PROPOSED
    assert not world.tombstone("app/old", "1.0")


def test_existing_enforce_acts_on_the_old_ones_too(old_estate: World) -> None:
    world = old_estate
    world.scope(mode=Mode.ENFORCE, existing=Existing.ENFORCE)
    world.rounds(2)
    assert world.tombstone("app/old", "1.0")


def test_a_scope_that_is_widened_draws_a_baseline_where_it_begins_to_act(world: World) -> None:
    world.scope(exclude=("127.0.0.1:*/lib/**",))
    world.push("lib/tool", "1.0", user="0")
    world.rounds(2)
    assert world.cases() == []
    world.scope(mode=Mode.OBSERVE, exclude=())
    world.rounds(2)
    world.scope(mode=Mode.ENFORCE)
    world.rounds(2)
    assert world.case().why_proposed == "seen-before-enforcement"
    assert not world.tombstone("lib/tool", "1.0")


def test_an_action_instead_of_a_report_is_a_first_enforcement_too(world: World) -> None:
    world.scope(action=Action.REPORT)
    world.push("app/old", "1.0", user="0")
    world.rounds(2)
    world.scope(action=Action.QUARANTINE)
    world.rounds(2)
    assert world.case().why_proposed == "seen-before-enforcement"


def test_a_person_may_release_what_is_proposed(old_estate: World) -> None:
    world = old_estate
    world.scope(mode=Mode.ENFORCE)
    world.rounds(1)
    world.app.review(world.case().id, Decision.RELEASE, actor="ann", reason="known")
    world.rounds(2)
    assert world.status("app/old:1.0").state == "passed"
