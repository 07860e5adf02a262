"""What cannot be read is told of, and what passed is answered only so long."""

from __future__ import annotations

from datetime import timedelta

from gatekeeper.core.policy import Mode
from gatekeeper.demo.registry_faults import Match, Status
from gatekeeper.workflow.brakes import registries, summary
from tests.integration.workflow.world import MINUTE, World

HOUR = timedelta(hours=1)
DAY = 24 * HOUR


def test_a_repository_not_read_for_too_long_is_told_of(world: World) -> None:
    world.good("app/web", "1.0")
    world.good("app/api", "1.0")
    world.rounds(1)
    (row,) = registries(world.app.room)
    assert (row.host, row.blind, row.blind_since) == (world.registry.host, 0, None)
    read = world.clock.now()
    away = world.registry.faults.add(Match("GET|HEAD", "app/web/"), Status(503))
    world.rounds(1, every=6 * HOUR - MINUTE)
    assert summary(world.app.room).blind == ()
    world.rounds(1, every=2 * MINUTE)
    (row,) = summary(world.app.room).blind
    assert (row.blind, row.repositories, row.blind_since) == (1, 2, read)
    assert row.blind_example is not None
    assert "app/web" in row.blind_example
    world.registry.faults.remove(away)
    world.rounds(1, every=HOUR)
    assert summary(world.app.room).blind == ()


def test_a_half_read_round_is_none(world: World) -> None:
    world.good("app/web", "1.0")
    world.rounds(1)
    world.registry.faults.add(Match("HEAD", "app/web/manifests/1.0"), Status(503))
    world.rounds(3, every=3 * HOUR)
    (row,) = summary(world.app.room).blind
    assert row.blind == 1


def test_a_repository_that_nothing_covers_any_more_is_not_blind(world: World) -> None:
    world.good("app/web", "1.0")
    world.rounds(1)
    world.scope(repositories=("other.example.com/**",))
    world.rounds(5, every=3 * HOUR)
    assert summary(world.app.room).blind == ()


def test_a_pass_is_answered_until_its_recheck_and_the_limit_and_not_a_second_longer(world: World) -> None:
    world.good("app/web", "1.0")
    world.rounds(1)
    verdict = world.status("app/web:1.0").verdict
    assert verdict is not None
    for moment, wanted in (
        (verdict.recheck_at, 0),
        (verdict.recheck_at + 6 * HOUR - timedelta(seconds=1), 0),
        (verdict.recheck_at + 6 * HOUR, 4),
    ):
        world.clock.moment = moment
        answer = world.status("app/web:1.0")
        assert (answer.exit_code, answer.reason_code) == (wanted, "verdict-due" if wanted else "passed")


def test_a_failure_past_its_recheck_is_no_answer(world: World) -> None:
    world.scope(mode=Mode.PROPOSE)
    world.push("app/web", "1.0", user="0")
    world.rounds(1)
    assert world.status("app/web:1.0").exit_code == 1
    world.clock.advance(2 * DAY)
    assert world.status("app/web:1.0").exit_code == 4
