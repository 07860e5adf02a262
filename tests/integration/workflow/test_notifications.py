"""The daemon tells people what happens, also when nobody listens for a while."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gatekeeper.core.errors import ConflictError, NotFoundError, UnavailableError
from gatekeeper.core.lifecycle import Decision
from gatekeeper.demo.registry import Match
from gatekeeper.demo.registry_faults import Status
from gatekeeper.ports import TokenScope
from gatekeeper.workflow import notify, tokens
from tests.fakes.webhook_receiver import WebhookReceiver
from tests.integration.workflow.world import World


def test_a_whole_story_is_told_in_order(told: World, receiver: WebhookReceiver) -> None:
    told.push("app/web", "1.0", user="0")
    told.rounds(2)
    told.app.review(told.case().id, Decision.RESTORE, actor="rita", reason="wrong moment")
    told.rounds(2)
    assert receiver.kinds == ["verdict-recorded", "case-opened", "case-restored", "case-proposed"]
    opened = receiver.received[1].event["data"]
    assert (opened["reason"], opened["tags"]) == ("signature-missing", "1.0")
    assert all(message.signed for message in receiver.received)
    assert [event.kind for event in told.app.room.store.events(after=0, limit=100)] == receiver.kinds


def test_an_endpoint_that_is_away_is_told_later_in_the_same_order(
    told: World, receiver: WebhookReceiver
) -> None:
    receiver.answers.extend([503, 503])
    told.push("app/web", "1.0", user="0")
    told.rounds(1)
    assert receiver.kinds == ["verdict-recorded"]
    told.clock.advance(timedelta(seconds=5))
    told.app.run_rounds(1)
    assert receiver.kinds == ["verdict-recorded"]
    told.clock.advance(timedelta(seconds=10))
    told.app.run_rounds(1)
    assert receiver.kinds == ["verdict-recorded"] * 2
    told.clock.advance(timedelta(minutes=1))
    told.app.run_rounds(1)
    assert receiver.kinds == ["verdict-recorded"] * 3 + ["case-opened"]


def test_a_message_nobody_ever_takes_is_kept_for_a_person(told: World, receiver: WebhookReceiver) -> None:
    receiver.answers.extend([500] * notify.ATTEMPTS)
    told.app.hold_on(actor="rita", reason="maintenance")
    for _ in range(notify.ATTEMPTS):
        told.app.run_rounds(1)
        told.clock.advance(2 * notify.LONGEST_WAIT)
    assert len(receiver.received) == notify.ATTEMPTS
    (letter,) = told.app.room.store.dead_letters()
    assert (letter.endpoint, letter.attempts, letter.event.kind) == ("ops", notify.ATTEMPTS, "hold-on")
    assert "status 500" in letter.error

    notify.resend(told.app.room, None, actor="rita", reason="it is back")
    told.app.run_rounds(1)
    assert receiver.kinds[-1] == "hold-on"
    assert told.app.room.store.dead_letters() == []


def test_a_webhook_can_be_tried_out(told: World, receiver: WebhookReceiver) -> None:
    notify.try_out(told.app.room, "ops", actor="local:rita")
    assert receiver.kinds == ["notification-test"]
    assert told.app.room.store.events(after=0, limit=10) == []
    receiver.answers.extend([500, 410])
    with pytest.raises(UnavailableError, match="status 500"):
        notify.try_out(told.app.room, "ops", actor="local:rita")
    with pytest.raises(ConflictError, match="gone"):
        notify.try_out(told.app.room, "ops", actor="local:rita")
    with pytest.raises(NotFoundError, match="configured are: ops"):
        notify.try_out(told.app.room, "opps", actor="local:rita")


def test_a_stuck_action_and_a_token_that_ends_are_told_once(told: World, receiver: WebhookReceiver) -> None:
    now = told.clock.now()
    tokens.create(
        told.app.room.store,
        name="pipeline",
        scopes=frozenset({TokenScope.READ}),
        repositories=("**",),
        expires_at=now + timedelta(days=30),
        now=now,
        actor="rita",
    )
    told.push("app/web", "1.0", user="0")
    told.registry.faults.add(Match("PUT"), Status(412))
    told.rounds(2)
    told.clock.advance(timedelta(hours=2))
    told.rounds(2)
    told.clock.advance(timedelta(days=24))
    told.rounds(2)
    assert [kind for kind in receiver.kinds if kind.startswith(("intent", "token"))] == [
        "intent-stuck",
        "token-ending",
    ]
    told.registry.faults.clear()
    told.clock.advance(timedelta(hours=2))
    told.rounds(2)
    assert receiver.kinds.count("intent-unstuck") == 1
    assert told.tombstone("app/web", "1.0")
