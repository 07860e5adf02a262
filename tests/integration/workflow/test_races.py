"""A pusher moves the tag at every step; their push always stays and is judged next."""

import pytest

from gatekeeper.core.lifecycle import CaseState, Decision, IntentKind, IntentState
from gatekeeper.core.policy import Action
from gatekeeper.demo.registry import Match
from gatekeeper.demo.registry_faults import After, Before
from tests.integration.workflow.world import World

MOST_REQUESTS = 50
"""More than one whole quarantine sends; the race is tried before and after each of them."""
MOST_OF_A_RESTORE = 20
TAG = "/v2/app/web/manifests/1.0"


def test_the_race_below_covers_every_request(world: World) -> None:
    world.push("app/web", "1.0", user="0")
    world.registry.clear_requests()
    world.rounds(1)
    assert world.tombstone("app/web", "1.0")
    assert len(world.registry.requests) <= MOST_REQUESTS


@pytest.mark.parametrize("moment", [Before, After])
@pytest.mark.parametrize("number", range(MOST_REQUESTS))
def test_a_push_at_any_request_is_never_lost_unless_our_write_was_the_next(
    world: World, number: int, moment: type[Before] | type[After]
) -> None:
    world.push("app/web", "1.0", user="0")
    pushed = world.push("app/web", user="1000", text="the new one")
    world.sign("app/web", pushed)
    at: list[int] = []

    def race(_request: object) -> None:
        at.append(len(world.registry.requests) - (1 if moment is Before else 0))
        world.registry.store.set_tag("app/web", "1.0", str(pushed))

    world.registry.faults.add(Match(skip=number, times=1), moment(race))
    world.registry.clear_requests()
    world.rounds(1)
    if not at:
        assert number > 20
        return
    following = [request.method for request in world.registry.requests[at[0] :] if request.path == TAG]
    world.rounds(2)

    if following[:1] == ["PUT"]:
        # No registry offers compare-and-swap: only a push between our last look and our write can be lost.
        assert world.tombstone("app/web", "1.0")
        return
    assert world.shown("app/web", "1.0") == str(pushed)
    assert world.status("app/web:1.0").state == "passed"
    if any(case.state is CaseState.SUPERSEDED for case in world.cases()):
        assert world.ours("app/web") == []


def test_a_tag_that_moves_between_the_steps_of_an_intent_is_left_alone(world: World) -> None:
    world.push("app/web", "1.0", user="0")
    other = world.good("app/web", text="the new one")
    world.registry.faults.add(
        Match("PUT", "gatekeeper-case-", times=1),
        After(lambda _: world.registry.store.set_tag("app/web", "1.0", str(other))),
    )
    world.rounds(3)

    assert world.shown("app/web", "1.0") == str(other)
    (intent,) = world.intents(world.case(), IntentKind.QUARANTINE)
    assert intent.state is IntentState.SUPERSEDED
    assert world.status("app/web:1.0").state == "passed"


def test_a_pusher_who_wins_right_after_our_write_wins(world: World) -> None:
    world.push("app/web", "1.0", user="0")
    other = world.good("app/web", text="the new one")
    world.registry.faults.add(
        Match("PUT", "app/web/manifests/1\\.0$", times=1),
        After(lambda _: world.registry.store.set_tag("app/web", "1.0", str(other))),
    )
    world.rounds(3)
    assert world.shown("app/web", "1.0") == str(other)
    (intent,) = world.intents(world.case(), IntentKind.QUARANTINE)
    assert "pusher won" in intent.note


def test_a_restore_never_overwrites_what_was_pushed_meanwhile(world: World) -> None:
    world.push("app/web", "1.0", user="0")
    world.rounds(2)
    other = world.good("app/web", "1.0", text="the new one")
    world.app.review(world.case().id, Decision.RELEASE, actor="rita", reason="fine")
    world.rounds(2)

    assert world.shown("app/web", "1.0") == str(other)
    (restore,) = world.intents(world.case(), IntentKind.RESTORE)
    assert restore.state is IntentState.SUPERSEDED
    assert world.ours("app/web") == []


@pytest.mark.parametrize("collected", [False, True])
@pytest.mark.parametrize("moment", [Before, After])
@pytest.mark.parametrize("number", range(MOST_OF_A_RESTORE))
def test_a_push_at_any_request_of_a_restore_is_never_lost_unless_our_write_was_the_next(
    world: World, number: int, moment: type[Before] | type[After], collected: bool
) -> None:
    bad = world.push("app/web", "1.0", user="0")
    world.rounds(2)
    pushed = world.good("app/web", text="the new one")
    if collected:
        world.registry.store.delete_manifest("app/web", str(bad))
    world.app.review(world.case().id, Decision.RESTORE, actor="rita", reason="wrong moment")
    at: list[int] = []

    def race(_request: object) -> None:
        at.append(len(world.registry.requests) - (1 if moment is Before else 0))
        world.registry.store.set_tag("app/web", "1.0", str(pushed))

    world.registry.faults.add(Match(skip=number, times=1), moment(race))
    world.registry.clear_requests()
    world.rounds(1)
    if not at:
        assert number > 10
        return
    following = [request.method for request in world.registry.requests[at[0] :] if request.path == TAG]
    world.rounds(2)
    covered = following[:1] == ["PUT"]
    assert world.shown("app/web", "1.0") == str(bad if covered else pushed)


def test_a_single_404_of_a_known_tag_is_not_gone(world: World) -> None:
    bad = world.push("app/web", "1.0", user="0")
    world.scope(action=Action.REPORT)
    world.rounds(2)
    world.registry.store.delete_tag("app/web", "1.0")
    world.rounds(1)
    world.registry.store.set_tag("app/web", "1.0", str(bad))
    world.rounds(1)
    answer = world.status("app/web:1.0")
    assert answer.verdict is not None
    assert answer.verdict.subject.tags == ("1.0",)


def test_a_tag_missing_in_two_rounds_is_gone(world: World) -> None:
    digest = world.good("app/web", "1.0", "2.0")
    world.rounds(2)
    world.registry.store.delete_tag("app/web", "1.0")
    world.rounds(1)
    row = world.app.room.store.status(world.repository("app/web"), digest, now=world.clock.now())
    assert row is not None
    assert row.tags == ("1.0", "2.0")
    world.rounds(1)
    row = world.app.room.store.status(world.repository("app/web"), digest, now=world.clock.now())
    assert row is not None
    assert row.tags == ("2.0",)
