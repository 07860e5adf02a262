"""The caps hold whoever plans at the same time; what exceeds them is a proposal, and the breaker opens."""

from __future__ import annotations

import dataclasses
import threading
from datetime import datetime

from gatekeeper.core.lifecycle import ENFORCING, Allowance, Caps, CaseState, Hold
from gatekeeper.database import Database
from gatekeeper.ports import Lease, Page, WorkKind
from tests.contract.store.samples import (
    APP,
    HOUR,
    MINUTE,
    NOW,
    WEB,
    act,
    digest,
    due,
    failed,
    judgement,
    nonce,
    propose,
    quarantined,
    watch,
)

CAPS = Caps(per_run=4, per_repository=10, per_hour=30)


def _record(store: Database, lease: Lease, caps: Caps | None, run_started: datetime | None = NOW) -> None:
    subject = store.due_subject(lease)
    plans = {tag: act(subject, tag) for tag in subject.tags}
    store.record(
        lease, judgement(subject, failed(subject), plans, caps=caps, run_started=run_started), now=NOW
    )


def _claimed(store: Database, count: int) -> list[Lease]:
    watch(store, {f"v{number}": digest(f"image {number}") for number in range(count)})
    return list(store.claim(WorkKind.SUBJECT, now=NOW, limit=count, lease_for=HOUR))


def _enforced(store: Database) -> int:
    return len([intent for intent in store.open_intents() if intent.draft.kind in ENFORCING])


def test_two_threads_never_exceed_a_cap_together(store: Database, other: Database) -> None:
    leases = _claimed(store, 12)

    def work(database: Database, mine: list[Lease]) -> None:
        for lease in mine:
            _record(database, lease, CAPS)

    threads = [
        threading.Thread(target=work, args=(database, leases[start::4]))
        for start, database in enumerate((store, other, store, other))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _enforced(store) == 4
    assert store.counts()["cases.open"] == 4
    assert store.counts()["cases.proposed"] == 8
    assert store.broken_at() is None
    breaker = store.breaker()
    assert breaker is not None
    assert breaker.reason == "cap-per-run"
    assert [row.action for row in store.rows(after=0, limit=100)].count("breaker-opened") == 1


def test_what_exceeds_a_cap_is_proposed_with_the_cap_as_reason(store: Database) -> None:
    leases = _claimed(store, 3)
    for lease in leases:
        _record(store, lease, Caps(per_run=9, per_repository=1, per_hour=9))
    why = {
        case.why_proposed
        for case in store.cases(states=frozenset({CaseState.PROPOSED}), repositories=("**",), page=Page())[0]
    }
    assert why == {"cap-per-repository", "breaker-open"}


def test_the_caps_of_the_hour_outlive_the_run(store: Database) -> None:
    quarantined(store)
    budget = store.budget(WEB, Caps(10, 3, 30), run_started=NOW + MINUTE, now=NOW + MINUTE)
    assert (budget.run, budget.repository, budget.hour) == (10, 3, 29)
    budget = store.budget(APP, Caps(10, 3, 30), run_started=NOW, now=NOW + MINUTE)
    assert (budget.run, budget.repository, budget.hour) == (9, 2, 29)
    budget = store.budget(APP, Caps(10, 3, 30), run_started=NOW + HOUR, now=NOW + HOUR)
    assert (budget.run, budget.repository, budget.hour) == (10, 3, 30)


def test_intents_of_people_do_not_use_up_the_caps(store: Database) -> None:
    _, case_id = quarantined(store)
    row = store.case(case_id)
    recovered = dataclasses.replace(row.case, id="rebuilt", digest=digest("x"))
    (intent,) = row.intents
    draft = dataclasses.replace(intent.draft, tag="v9", nonce=nonce("other"), case_id="rebuilt")
    store.add_case(recovered, [draft], actor="alice", reason="lost the database", now=NOW)
    assert store.budget(APP, Caps(), run_started=NOW, now=NOW).hour == 29


def test_nothing_is_enforced_while_the_hold_is_on(store: Database) -> None:
    (lease,) = _claimed(store, 1)
    store.set_hold(Hold("alice", "incident", NOW), actor="alice", reason="incident", now=NOW)
    _record(store, lease, CAPS)
    assert _enforced(store) == 0
    assert store.newest_case(APP, digest("image 0")) is None


def test_an_open_breaker_turns_acts_into_proposals_until_it_is_closed(store: Database) -> None:
    first, second = _claimed(store, 2)
    subject = store.due_subject(first)
    plans = {tag: propose("cap-per-hour", "per_hour") for tag in subject.tags}
    store.record(first, judgement(subject, failed(subject), plans), now=NOW)
    refused = store.due_subject(second).digest
    _record(store, second, CAPS)
    assert _enforced(store) == 0
    case = store.newest_case(APP, refused)
    assert case is not None
    assert case.why_proposed == "breaker-open"
    store.close_breaker(actor="alice", reason="looked at them", now=NOW)
    watch(store, {"v9": digest("image 9")})
    lease, _ = due(store)
    _record(store, lease, CAPS)
    assert _enforced(store) == 1


def test_what_is_under_way_stops_beyond_the_caps_and_while_the_breaker_is_open(store: Database) -> None:
    for lease in _claimed(store, 3):
        _record(store, lease, Caps(per_run=9, per_repository=9, per_hour=9))
    acts = [intent.id for intent in store.open_intents()]

    def allowed(caps: Caps, now: datetime = NOW) -> list[Allowance]:
        return [store.allowance(act_id, caps, now=now) for act_id in acts]

    granted = [Allowance.GRANTED] * 3
    assert allowed(Caps(per_repository=3, per_hour=3)) == granted
    assert allowed(Caps(per_repository=9, per_hour=1)) == [Allowance.GRANTED, *[Allowance.PER_HOUR] * 2]
    assert allowed(Caps(per_repository=2, per_hour=9)) == [*granted[:2], Allowance.PER_REPOSITORY]
    assert allowed(Caps(per_hour=1), NOW + HOUR) == granted
    store.trip_breaker(Allowance.PER_HOUR, now=NOW)
    store.trip_breaker(Allowance.PER_HOUR, now=NOW)
    assert allowed(Caps()) == [Allowance.BREAKER] * 3
    assert [row.action for row in store.rows(after=0, limit=100)].count("breaker-opened") == 1
    store.close_breaker(actor="alice", reason="looked at them", now=NOW + MINUTE)
    assert allowed(Caps(per_hour=0)) == granted
    store.trip_breaker(Allowance.PER_HOUR, now=NOW + MINUTE)
    assert allowed(Caps()) == granted


def test_closing_the_breaker_starts_the_count_anew(store: Database) -> None:
    for lease in _claimed(store, 2):
        _record(store, lease, Caps(per_run=9, per_repository=9, per_hour=1))
    assert store.breaker() is not None
    store.close_breaker(actor="alice", reason="all of them are bad", now=NOW + MINUTE)
    caps = Caps(per_run=9, per_repository=9, per_hour=1)
    budget = store.budget(APP, caps, run_started=NOW + MINUTE, now=NOW + 2 * MINUTE)
    assert budget.exhausted is None
