"""Each brake by itself: whatever step an intent is at, the next write is stopped, and who, why and since when is told.

The hold is in ``test_brakes``: it stops every write of every intent.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from gatekeeper.core.lifecycle import CaseState, IntentKind, IntentState
from gatekeeper.core.policy import Mode
from gatekeeper.demo.registry_faults import Before, Match
from gatekeeper.workflow.brakes import brakes_at, summary
from gatekeeper.workflow.hold import close_breaker
from tests.integration.workflow.world import World

HOUR = timedelta(hours=1)
WRITING = "POST|PUT|PATCH|DELETE"
TAG_WRITE = r"app/web/manifests/1\.0$"
CHANGES: dict[str, Callable[[World], None]] = {
    "protected tag": lambda world: world.scope(protected_tags=("1.*",)),
    "protected repository": lambda world: world.scope(protected_repositories=("127.0.0.1:*/app/*",)),
    "observe": lambda world: world.scope(mode=Mode.OBSERVE),
    "propose": lambda world: world.scope(mode=Mode.PROPOSE),
}


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("change", CHANGES)
def test_a_policy_that_forbids_it_stops_an_intent_at_every_step(
    world: World, change: str, number: int
) -> None:
    bad = world.push("app/web", "1.0", user="0")

    def forbid(_request: object) -> None:
        CHANGES[change](world)

    world.registry.faults.add(Match(WRITING, skip=number, times=1), Before(forbid))
    tag_written = world.registry.faults.add(Match("PUT", TAG_WRITE), Before(lambda _request: None))
    world.rounds(1)
    forbidden_before_the_tag = tag_written.hits == 0
    world.rounds(3, every=HOUR)
    if forbidden_before_the_tag:
        assert tag_written.hits == 0
        assert world.shown("app/web", "1.0") == str(bad)
        first = world.cases()[-1]
        assert {intent.state for intent in world.intents(first, IntentKind.QUARANTINE)} == {
            IntentState.ABANDONED
        }
    else:
        assert world.tombstone("app/web", "1.0"), "the tag was written before anybody forbade it"


def test_a_protected_tag_is_told_of_with_its_scope_and_nothing_is_written(world: World) -> None:
    world.scope(protected_tags=("stable",))
    world.push("app/web", "stable", user="0")
    world.registry.clear_requests()
    world.rounds(3)
    assert set(world.methods()) <= {"GET", "HEAD"}
    assert world.case().why_proposed == "protected"
    (brake,) = world.status("app/web:stable").brakes
    assert (brake.name, brake.actor) == ("protected", "policy")
    assert "scope all protects" in brake.reason
    assert brake.since is not None
    assert brakes_at(world.app.room, world.repository("app/web"), "other") == ()


def test_an_open_breaker_lets_no_write_through_and_is_told_of(world: World) -> None:
    world.caps_for(per_run=10, per_repository=10, per_hour=1)
    world.push("app/one", "1.0", user="0", text="one")
    world.rounds(2)
    world.push("app/two", "1.0", user="0", text="two")
    world.rounds(1)
    opened = world.clock.now()
    world.registry.clear_requests()
    world.push("app/three", "1.0", user="0", text="three")
    world.restart()
    world.rounds(3, every=2 * HOUR)
    assert set(world.methods()) <= {"GET", "HEAD"}
    assert {case.why_proposed for case in world.cases(CaseState.PROPOSED)} == {"breaker-open"}
    (brake,) = world.status("app/three:1.0").brakes
    assert (brake.name, brake.actor, brake.reason, brake.since) == (
        "breaker",
        "gatekeeper",
        "cap-per-hour",
        opened,
    )
    close_breaker(world.app.room, actor="ann", reason="looked at it")
    world.rounds(2, every=2 * HOUR)
    assert len(world.cases(CaseState.OPEN)) >= 2


@pytest.mark.parametrize(
    ("caps", "name"),
    [
        ({"per_run": 9, "per_repository": 9, "per_hour": 1}, "cap-per-hour"),
        ({"per_run": 9, "per_repository": 1, "per_hour": 9}, "cap-per-repository"),
    ],
)
def test_a_used_up_cap_is_told_of_before_the_breaker_opens(
    world: World, caps: dict[str, int], name: str
) -> None:
    world.caps_for(**caps)
    world.push("app/web", "1.0", user="0")
    world.rounds(1)
    (brake,) = summary(world.app.room).brakes
    assert (brake.name, brake.since) == (name, world.clock.now())
    assert brake.reason.startswith("1 of 1 tags were acted on within an hour")
    world.registry.clear_requests()
    world.push("app/web", "2.0", user="0", text="second")
    world.rounds(1)
    assert {"breaker", name} == {brake.name for brake in summary(world.app.room).brakes}
    assert not world.tombstone("app/web", "2.0")
    world.rounds(1, every=2 * HOUR)
    assert {brake.name for brake in summary(world.app.room).brakes} == {"breaker"}


def test_a_doubted_registry_and_a_waiting_change_are_told_of_where_they_concern(world: World) -> None:
    world.push("app/web", "1.0", user="0")
    world.rounds(2)
    store, now = world.app.room.store, world.clock.now()
    assert store.doubt(world.registry.host, reason="12 of 20 tags", now=now)
    assert not store.doubt(world.registry.host, reason="again", now=now)
    (brake,) = world.status(f"app/web@{world.case().digest}").brakes
    assert (brake.name, brake.since) == ("registry-doubted", now)
    assert brake.reason == f"{world.registry.host}: 12 of 20 tags"


def test_a_hold_is_told_of_with_who_and_why(world: World) -> None:
    world.push("app/web", "1.0", user="0")
    world.app.hold_on(actor="ann", reason="fire drill")
    world.rounds(2)
    (brake,) = world.status("app/web:1.0").brakes
    assert (brake.name, brake.actor, brake.reason) == ("hold", "ann", "fire drill")
