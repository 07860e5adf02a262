"""Events and deliveries, on every database."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from gatekeeper.core.errors import NotFoundError
from gatekeeper.database import Database
from gatekeeper.ports import Delivery
from tests.contract.store.samples import NOW

MINUTE = timedelta(minutes=1)


def _tell(store: Database, count: int, action: str = "hold-on") -> None:
    for number in range(count):
        store.append(
            actor="rita", action=action, subject="hold", reason=f"number {number}", detail={"x": "y"}, now=NOW
        )


def _claim(store: Database, endpoint: str = "ops") -> Delivery:
    claimed = store.claim_delivery(endpoint, now=NOW, lease_for=MINUTE)
    assert claimed is not None
    return claimed


def test_what_is_audited_is_told_in_order_and_only_once(store: Database) -> None:
    _tell(store, 3)
    _tell(store, 1, action="token-created")
    first, second, third = store.events(after=0, limit=10)
    assert [event.reason for event in (first, second, third)] == ["number 0", "number 1", "number 2"]
    assert (first.actor, first.kind, first.detail, first.audit) == ("rita", "hold-on", {"x": "y"}, 1)
    assert store.events(after=second.id, limit=10) == [third]
    assert store.events(after=0, limit=1) == [first]
    assert store.newest_event() == third.id


def test_each_endpoint_gets_what_it_wants(store: Database) -> None:
    _tell(store, 2)
    _tell(store, 1, action="hold-off")
    wants = {"ops": ("**",), "pager": ("hold-off",), "mute": ("case-*",)}
    assert store.address_events(wants, now=NOW) == 4
    assert store.address_events(wants, now=NOW) == 0
    assert _claim(store, "pager").event.kind == "hold-off"
    assert store.claim_delivery("mute", now=NOW, lease_for=MINUTE) is None


def test_an_event_of_before_the_first_webhook_is_history(store: Database) -> None:
    _tell(store, 1)
    assert store.address_events({}, now=NOW) == 0
    assert store.address_events({"ops": ("**",)}, now=NOW) == 0
    assert len(store.events(after=0, limit=10)) == 1


def test_a_claim_is_alone_until_it_runs_out(store: Database, other: Database) -> None:
    _tell(store, 1)
    store.address_events({"ops": ("**",)}, now=NOW)
    mine = _claim(store)
    assert other.claim_delivery("ops", now=NOW, lease_for=MINUTE) is None
    theirs = other.claim_delivery("ops", now=NOW + MINUTE, lease_for=MINUTE)
    assert theirs is not None
    assert theirs.id == mine.id
    store.not_delivered(mine, error="late", now=NOW, retry_at=None)
    assert store.dead_letters() == []
    other.delivered(theirs)
    assert store.claim_delivery("ops", now=NOW + 9 * MINUTE, lease_for=MINUTE) is None


def test_two_daemons_never_hold_the_same_message(store: Database, other: Database) -> None:
    _tell(store, 10)
    store.address_events({"ops": ("**",)}, now=NOW)
    got: list[int] = []
    lock = threading.Lock()

    def take(database: Database) -> None:
        while len(got) < 10:
            claimed = database.claim_delivery("ops", now=NOW, lease_for=MINUTE)
            if claimed is None:
                continue
            with lock:
                got.append(claimed.id)
            database.delivered(claimed)

    threads = [threading.Thread(target=take, args=(database,)) for database in (store, other, store, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)) == 10


def test_what_is_given_up_is_listed_and_sent_again_when_a_person_says_so(store: Database) -> None:
    _tell(store, 2)
    store.address_events({"ops": ("**",)}, now=NOW)
    first = _claim(store)
    store.not_delivered(first, error="status 500", now=NOW, retry_at=NOW + MINUTE)
    assert store.dead_letters() == []
    assert store.claim_delivery("ops", now=NOW, lease_for=MINUTE) is None
    again = store.claim_delivery("ops", now=NOW + MINUTE, lease_for=MINUTE)
    assert again is not None
    assert (again.id, again.attempts) == (first.id, 1)
    store.not_delivered(again, error="status 410", now=NOW, retry_at=None)
    (letter,) = store.dead_letters()
    assert (letter.error, letter.attempts, letter.event) == ("status 410", 2, first.event)

    second = _claim(store)
    with pytest.raises(NotFoundError, match=f"no dead letter {second.id}"):
        store.resend([second.id], actor="rita", reason="again", now=NOW)
    assert store.resend([letter.id], actor="rita", reason="again", now=NOW) == 1
    assert store.resend(None, actor="rita", reason="again", now=NOW) == 0
    assert store.dead_letters() == []
    store.delivered(second)
    assert (_claim(store).id, letter.id) == (first.id, first.id)
    assert [row.action for row in store.rows(after=0, limit=10)][-1] == "notifications-resent"


def test_old_events_are_forgotten_unless_somebody_waits_for_them(store: Database) -> None:
    _tell(store, 3)
    store.address_events({"ops": ("**",)}, now=NOW)
    store.delivered(_claim(store))
    store.not_delivered(_claim(store), error="no", now=NOW, retry_at=None)
    assert store.forget_events(before=NOW) == 0
    assert store.forget_events(before=NOW + MINUTE) == 1
    assert [event.reason for event in store.events(after=0, limit=10)] == ["number 1", "number 2"]
    assert len(store.dead_letters()) == 1


def test_an_alarm_is_told_once_and_ended_once(store: Database, other: Database) -> None:
    assert store.raise_alarm("intent-stuck", "intent 1", reason="status 412", now=NOW)
    assert not other.raise_alarm("intent-stuck", "intent 1", reason="status 412", now=NOW)
    assert store.raise_alarm("intent-stuck", "intent 2", reason="status 412", now=NOW)
    ended = store.end_alarms("intent-stuck", frozenset({"intent 1"}), told_as="intent-unstuck", now=NOW)
    assert ended == ("intent 2",)
    assert other.end_alarms("intent-stuck", frozenset({"intent 1"}), told_as="intent-unstuck", now=NOW) == ()
    assert [event.kind for event in store.events(after=0, limit=10)] == [
        "intent-stuck",
        "intent-stuck",
        "intent-unstuck",
    ]
    assert store.broken_at() is None
