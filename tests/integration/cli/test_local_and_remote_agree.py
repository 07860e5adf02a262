"""The same question at both desks has the same answer, to the byte."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from gatekeeper.cli.desk import Desk
from gatekeeper.cli.remote import RemoteDesk, endpoint
from gatekeeper.core.errors import (
    ConflictError,
    DeniedError,
    GatekeeperError,
    MalformedError,
    NotFoundError,
    UnavailableError,
)
from gatekeeper.core.exit_codes import exit_code_of
from gatekeeper.ports import TokenScope
from tests.integration.cli.conftest import Gate


def test_every_reading_answer_is_the_same(gate: Gate) -> None:
    world = gate.world
    world.good("app/web", "1.0")
    world.push("app/bad", "1.0", user="0")
    world.rounds(3)
    case = world.case().id
    local, remote = gate.local, gate.remote()
    for image in ("app/web:1.0", "app/bad:1.0", "quarantine/app/bad:x"):
        assert remote.status(gate.image(image), None) == local.status(gate.image(image), None)
        assert remote.explain(gate.image(image), None) == local.explain(gate.image(image), None)
    assert remote.cases((), "**", 100, None) == local.cases((), "**", 100, None)
    assert remote.cases(("released",), "**", 1, None) == local.cases(("released",), "**", 1, None)
    assert remote.case(case) == local.case(case)
    assert remote.brakes() == local.brakes()
    assert local.brakes()["brakes"] == []
    assert remote.registries() == local.registries()
    assert remote.policy_change() == local.policy_change()
    assert remote.events(0, 2) == local.events(0, 2)
    assert [event["kind"] for event in local.events(0, 2)["items"]] == ["verdict-recorded", "case-opened"]
    assert remote.dead_letters() == local.dead_letters() == {"items": [], "next": None}
    assert remote.resend(None, "it is back") == local.resend(None, "it is back") == {"resent": 0}
    assert local.policy_change()["change"]["revision"] == world.policy.revision


def test_acts_at_one_desk_show_at_the_other(gate: Gate) -> None:
    local, remote = gate.local, gate.remote()
    assert remote.hold_on("maintenance") == local.brakes()
    assert local.brakes()["hold"]["reason"] == "maintenance"
    assert remote.hold_off("done") == local.brakes()
    assert local.brakes()["brakes"] == []
    gate.world.push("app/bad", "1.0", user="0")
    gate.world.rounds(3)
    assert remote.accept_policy(gate.world.policy.revision, "read it") == local.policy_change()
    case = gate.world.case().id
    assert remote.review(case, "keep", "seen")["state"] == "kept"
    assert local.case(case)["case"]["state"] == "kept"
    assert local.review(case, "restore", "back")["state"] == "restored"
    assert remote.case(case) == local.case(case)


def test_a_promotion_is_the_same_from_both(gate: Gate) -> None:
    gate.world.good("app/web", "1.0")
    gate.world.push("app/bad", "1.0")
    gate.world.rounds(3)
    target = gate.image("prod/web:1.0")
    promoted = gate.remote().promote(gate.image("app/web:1.0"), target, "ship it")
    assert (promoted["state"], promoted["exit_code"]) == ("confirmed", 0)
    again = gate.local.promote(gate.image("app/web:1.0"), target, "ship it")
    assert again.keys() == promoted.keys()
    refused = gate.remote().promote(gate.image("app/bad:1.0"), target, "ship it")
    assert refused == gate.local.promote(gate.image("app/bad:1.0"), target, "ship it")
    assert refused["state"] == "refused"


WRONG: dict[type[GatekeeperError], Callable[[Desk, Gate], object]] = {
    MalformedError: lambda desk, _: desk.status("!!", None),
    NotFoundError: lambda desk, gate: desk.status(gate.image("app/none:1"), None),
    ConflictError: lambda desk, _: desk.close_breaker("nothing to close"),
    DeniedError: lambda desk, gate: desk.promote(gate.image("a:1"), gate.image("elsewhere/a:1"), "why not"),
}


@pytest.mark.parametrize("family", WRONG)
def test_an_error_is_of_the_same_family_with_the_same_words(
    gate: Gate, family: type[GatekeeperError]
) -> None:
    told = []
    for desk in (gate.local, gate.remote()):
        with pytest.raises(family) as caught:
            WRONG[family](desk, gate)
        told.append((exit_code_of(caught.value), caught.value.reason_code, caught.value.message))
    assert told[0] == told[1]


def test_a_token_without_the_scope_is_denied_with_code_6(gate: Gate) -> None:
    reader = gate.remote(gate.token(TokenScope.READ, repositories=("other.example.com/**",)))
    attempts: list[Callable[[], object]] = [
        lambda: reader.status(gate.image("app/web:1.0"), None),
        lambda: reader.hold_on("not mine"),
        lambda: gate.remote("gk_wrong").brakes(),
    ]
    for attempt in attempts:
        with pytest.raises(DeniedError) as caught:
            attempt()
        assert exit_code_of(caught.value) == 6


def test_a_wait_that_runs_out_says_so_at_both_desks(gate: Gate) -> None:
    gate.world.push("app/web", "1.0")
    gate.world.rounds(1)
    seconds = iter((0.0, 89.9, 95.0))
    remote = gate.remote(clock=lambda: next(seconds))
    waited = remote.status(gate.image("app/web:1.0"), timedelta(seconds=90))
    assert (waited["state"], waited["reason_code"], waited["exit_code"]) == ("waiting", "wait-ran-out", 4)
    assert waited["message"].startswith("the wait ran out: ")
    here = gate.local.status(gate.image("app/web:1.0"), timedelta(seconds=1))
    assert (here["reason_code"], here["message"]) == (waited["reason_code"], waited["message"])


def test_a_wait_ends_as_soon_as_there_is_a_verdict(gate: Gate) -> None:
    gate.world.good("app/web", "1.0")
    gate.world.rounds(2)
    assert gate.remote().status(gate.image("app/web:1.0"), timedelta(hours=1))["state"] == "passed"
    assert (
        gate.remote().status("uncovered.example.com/a:1", timedelta(hours=1))["reason_code"]
        == "scope-missing"
    )


def test_a_daemon_that_is_not_there_is_unavailable(gate: Gate) -> None:
    gone = RemoteDesk(endpoint("http://127.0.0.1:1", insecure_http=False, ca_file=None), "gk_x")
    with pytest.raises(UnavailableError) as caught:
        gone.brakes()
    assert caught.value.reason_code == "server-unreachable"
