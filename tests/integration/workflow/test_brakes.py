"""A bad day has a ceiling: caps, breaker, hold."""

from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper.core.errors import ConflictError
from gatekeeper.core.lifecycle import Caps, CaseState, Decision, IntentState
from gatekeeper.demo.registry import EmbeddedRegistry, Match
from gatekeeper.demo.registry_faults import Before
from gatekeeper.workflow.hold import close_breaker
from tests.integration.workflow.world import HandClock, World


def test_above_the_cap_everything_is_a_proposal_until_a_person_closes_the_breaker(tmp_path: Path) -> None:
    with EmbeddedRegistry() as registry:
        world = World(registry, tmp_path, caps=Caps(per_run=10, per_repository=2, per_hour=30))
        for number in range(4):
            world.push("app/web", f"1.{number}", user="0", text=str(number))
        world.rounds(1)
        assert len(world.cases(CaseState.OPEN)) == 2
        assert len(world.cases(CaseState.PROPOSED)) == 2
        assert world.app.room.store.breaker() is not None

        world.restart()
        world.push("app/api", "1.0", user="0", text="another repository")
        world.rounds(1)
        (case,) = [case for case in world.cases() if case.repository.path == "app/api"]
        assert (case.state, case.why_proposed) == (CaseState.PROPOSED, "breaker-open")
        with pytest.raises(Exception, match="reason"):
            close_breaker(world.app.room, actor="ann", reason=" ")
        close_breaker(world.app.room, actor="ann", reason="looked at it")
        world.rounds(1, every=timedelta(hours=1))
        assert world.tombstone("app/api", "1.0")
        world.app.close()


def test_the_cap_of_a_run_holds_over_repositories(tmp_path: Path) -> None:
    with EmbeddedRegistry() as registry:
        world = World(registry, tmp_path, caps=Caps(per_run=3, per_repository=3, per_hour=30))
        for number in range(5):
            world.push(f"app/n{number}", "1.0", user="0", text=str(number))
        world.rounds(1)
        assert len(world.cases(CaseState.OPEN)) == 3
        assert len(world.cases(CaseState.PROPOSED)) == 2
        world.app.close()


def test_hold_stops_every_write_at_once_and_work_goes_on_after_it(world: World) -> None:
    world.push("app/web", "1.0", user="0")
    world.app.hold_on(actor="ann", reason="incident")
    world.registry.clear_requests()
    world.rounds(3)
    assert set(world.methods()) == {"GET", "HEAD"}
    assert world.cases() == []

    world.app.hold_off(actor="ann", reason="over")
    world.rounds(2)
    assert world.tombstone("app/web", "1.0")


@pytest.mark.parametrize("number", range(12))
def test_a_hold_at_any_write_stops_the_next_and_loses_nothing(world: World, number: int) -> None:
    bad = world.push("app/web", "1.0", user="0")
    writing = "POST|PUT|PATCH|DELETE"

    def hold(_request: object) -> None:
        world.app.hold_on(actor="ann", reason="now")

    injection = world.registry.faults.add(Match(writing, skip=number, times=1), Before(hold))
    world.rounds(1)
    if injection.hits:
        world.registry.clear_requests()
        world.rounds(3)
        assert set(world.methods()) <= {"GET", "HEAD"}
        assert world.case().state is CaseState.OPEN
        world.app.hold_off(actor="ann", reason="over")
        world.rounds(2, every=world.app.room.limits.back_off_max)
    assert world.tombstone("app/web", "1.0")
    assert world.shown("quarantine/app/web", f"1.0--{bad.short}") == str(bad)
    assert all(intent.state is IntentState.CONFIRMED for intent in world.intents(world.case()))


def test_two_reviewers_the_second_is_told(world: World) -> None:
    world.push("app/web", "1.0", user="0")
    world.rounds(1)
    case = world.case()
    row = world.app.room.store.case(case.id)
    world.app.review(case.id, Decision.RELEASE, actor="rita", reason="fine")
    with pytest.raises(ConflictError):
        world.app.review(case.id, Decision.KEEP, actor="rolf", reason="not fine")
    with pytest.raises(ConflictError):
        world.app.room.store.review(
            row.case,
            CaseState.KEPT,
            actor="rolf",
            reason="not fine",
            waiver=None,
            intents=(),
            now=HandClock().now(),
        )


def test_a_review_while_the_quarantine_is_under_way_undoes_it(world: World) -> None:
    bad = world.push("app/web", "1.0", user="0")

    def released(_request: object) -> None:
        world.app.review(world.case().id, Decision.RELEASE, actor="rita", reason="fine")

    world.registry.faults.add(Match("PUT", "app/web/manifests/1\\.0$", times=1), Before(released))
    world.rounds(3)
    assert world.shown("app/web", "1.0") == str(bad)
    assert world.case().state is CaseState.RELEASED
    assert world.ours("app/web") == []
    assert world.app.room.store.open_intents() == ()
