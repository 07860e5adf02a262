"""The write-ahead journal: what is recorded before a registry is written to, and what follows from each step."""

from __future__ import annotations

import dataclasses

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import ConflictError, NotFoundError
from gatekeeper.core.lifecycle import CaseState, IntentDraft, IntentKind, IntentState
from gatekeeper.core.reference import Repository
from gatekeeper.core.tombstone import tombstone
from gatekeeper.database import Database
from gatekeeper.ports import Lease, OurTag, Predecessor, WorkKind
from tests.contract.store.samples import (
    APP,
    HOUR,
    MINUTE,
    NOW,
    act,
    claim_one,
    digest,
    draft,
    due,
    failed,
    judgement,
    nonce,
    quarantined,
    verdict,
    watch,
)

ONE, TWO = digest("one"), digest("two")
QUARANTINE = Repository(APP.registry, f"quarantine/{APP.path}")


def _promotion(name: str = "promotion") -> IntentDraft:
    return IntentDraft(
        kind=IntentKind.PROMOTE,
        repository=APP,
        digest=ONE,
        tag=None,
        expected=None,
        replacement=ONE,
        target=Repository("far.example", "prod/app"),
        target_tag="v1",
        nonce=nonce(name),
        case_id=None,
        actor="alice",
        reason="ready",
    )


def _carry_out(store: Database, *states: IntentState) -> Lease:
    lease = claim_one(store, WorkKind.INTENT)
    for state in states:
        store.advance(lease, state, note=f"now {state}", now=NOW)
    return lease


def _stone(store: Database, case_id: str) -> Digest:
    return Digest.of(tombstone(store.case(case_id).intents[0].draft))


DONE = (IntentState.COPIED, IntentState.WRITTEN, IntentState.CONFIRMED)


def test_an_intent_is_due_as_soon_as_it_is_recorded(store: Database) -> None:
    (intent_id,) = store.add_intents([_promotion()], now=NOW)
    lease = claim_one(store, WorkKind.INTENT)
    intent = store.intent(lease)
    assert (intent.id, intent.draft, intent.state, intent.attempts) == (
        intent_id,
        _promotion(),
        IntentState.PLANNED,
        0,
    )
    assert store.intent_by_id(intent_id) == intent
    with pytest.raises(NotFoundError):
        store.intent_by_id(intent_id + 1)


def test_a_known_nonce_is_not_added_again(store: Database) -> None:
    first = store.add_intents([_promotion()], now=NOW)
    assert store.add_intents([_promotion(), _promotion("another")], now=NOW)[:1] == first
    assert len(store.open_intents()) == 2


def test_only_one_open_intent_writes_a_tag(store: Database) -> None:
    subject, _ = quarantined(store)
    rival = dataclasses.replace(draft(subject, "v1"), nonce=nonce("rival"))
    with pytest.raises(ConflictError, match="under way"):
        store.add_intents([_promotion(), rival], now=NOW)
    assert len(store.open_intents()) == 1, "all or none"
    _carry_out(store, *DONE)
    assert len(store.add_intents([rival], now=NOW)) == 1


def test_steps_are_told_in_the_audit_trail(store: Database) -> None:
    _, case_id = quarantined(store)
    _carry_out(store, *DONE)
    assert [row.action for row in store.case(case_id).history] == [
        "case-opened", "intent-planned", "intent-copied", "intent-written", "intent-confirmed"
    ]  # fmt: skip
    assert store.open_intents() == ()
    assert store.claim(WorkKind.INTENT, now=NOW + HOUR, limit=5, lease_for=MINUTE) == ()


def test_no_step_goes_back_or_on_from_the_end(store: Database) -> None:
    quarantined(store)
    lease = _carry_out(store, IntentState.WRITTEN)
    with pytest.raises(ConflictError, match="cannot become"):
        store.advance(lease, IntentState.COPIED, note="", now=NOW)
    store.advance(lease, IntentState.CONFIRMED, note="", now=NOW)
    with pytest.raises(ConflictError):
        store.advance(lease, IntentState.CONFIRMED, note="", now=NOW)


def test_a_step_that_has_to_wait_is_claimed_again_then(store: Database) -> None:
    quarantined(store)
    before = store.head()
    lease = claim_one(store, WorkKind.INTENT)
    waiting = store.advance(lease, IntentState.PLANNED, note="timeout", now=NOW, retry_at=NOW + MINUTE)
    assert (waiting.attempts, waiting.note) == (1, "timeout")
    assert store.head() == before, "nothing has changed that anybody would look up"
    assert store.claim(WorkKind.INTENT, now=NOW, limit=1, lease_for=MINUTE) == ()
    lease = claim_one(store, WorkKind.INTENT, now=NOW + MINUTE)
    assert store.advance(lease, IntentState.COPIED, note="", now=NOW).attempts == 0


def test_a_held_intent_says_why_it_waits(store: Database) -> None:
    (intent_id,) = store.add_intents([_promotion()], now=NOW)
    store.release(claim_one(store, WorkKind.INTENT), next_due=NOW + MINUTE, error="held: by alice")
    assert store.intent_by_id(intent_id).note == "held: by alice"
    assert claim_one(store, WorkKind.INTENT, now=NOW + MINUTE).id == intent_id


def test_one_intent_can_be_claimed_by_its_id(store: Database) -> None:
    (intent_id,) = store.add_intents([_promotion()], now=NOW)
    lease = store.claim_intent(intent_id, now=NOW, lease_for=MINUTE)
    assert lease is not None
    assert lease.registry == APP.registry
    assert store.claim_intent(intent_id, now=NOW, lease_for=MINUTE) is None
    store.advance(lease, IntentState.ABANDONED, note="refused", now=NOW)
    assert store.claim_intent(intent_id, now=NOW + HOUR, lease_for=MINUTE) is None
    assert store.claim_intent(intent_id + 1, now=NOW, lease_for=MINUTE) is None


def test_our_tags_are_known_before_they_are_written(store: Database) -> None:
    quarantined(store)
    lease = claim_one(store, WorkKind.INTENT)
    name = store.intent(lease).draft.nonce
    tags = [OurTag(APP, "hold-0", ONE), OurTag(QUARANTINE, "v1--one", ONE), OurTag(APP, "hold-1", TWO)]
    for _ in range(2):
        store.add_tags(lease, tags, now=NOW)
    assert store.ours(APP) == {"hold-0": ONE, "hold-1": TWO}
    assert store.tags_of(name) == tuple(tags)
    store.drop_tags(lease, tags[:2], now=NOW)
    assert store.tags_of(name) == tuple(tags[2:])
    assert store.ours(QUARANTINE) == {}


def test_a_tag_belongs_to_whoever_recorded_it_last(store: Database) -> None:
    store.add_intents([_promotion("first"), _promotion("second")], now=NOW)
    leases = store.claim(WorkKind.INTENT, now=NOW, limit=2, lease_for=HOUR)
    for lease, at in zip(leases, (ONE, TWO), strict=True):
        store.add_tags(lease, [OurTag(APP, "shared", at)], now=NOW)
    assert store.tags_of(nonce("first")) == ()
    assert store.tags_of(nonce("second")) == (OurTag(APP, "shared", TWO),)
    store.drop_tags(leases[0], [OurTag(APP, "shared", ONE)], now=NOW)
    assert store.ours(APP) == {"shared": TWO}


def test_a_lost_lease_records_no_tags(store: Database) -> None:
    store.add_intents([_promotion()], now=NOW)
    stale = claim_one(store, WorkKind.INTENT)
    claim_one(store, WorkKind.INTENT, now=NOW + HOUR)
    with pytest.raises(ConflictError):
        store.add_tags(stale, [OurTag(APP, "hold-0", ONE)], now=NOW)
    with pytest.raises(ConflictError):
        store.advance(stale, IntentState.COPIED, note="", now=NOW)


def test_a_replaced_tag_answers_for_the_original(store: Database) -> None:
    subject, case_id = quarantined(store)
    stone = _stone(store, case_id)
    assert store.tombstoned(APP, "v1", subject.digest) is None
    _carry_out(store, *DONE)
    assert store.tombstoned(APP, "v1", stone) == subject.digest
    assert store.tombstoned(APP, "v2", stone) is None
    assert store.observed(APP, "v1")[0] == (stone, NOW)
    row = store.status(APP, subject.digest, now=NOW)
    assert row is not None
    assert row.tags == ()


def test_a_quarantined_digest_is_still_judged_for_its_tag(store: Database) -> None:
    subject, _ = quarantined(store)
    _carry_out(store, *DONE)
    assert due(store, now=NOW + 6 * HOUR)[1].tags == ("v1",)
    watch(store, {"v1": TWO}, now=NOW + 7 * HOUR)
    again = {found.digest: found.tags for found in (due(store, now=NOW + 7 * HOUR)[1] for _ in range(2))}
    assert again == {TWO: ("v1",), subject.digest: ()}


def test_what_a_tag_was_rolled_back_to_answers_for_itself(store: Database) -> None:
    watch(store, {"v1": ONE})
    lease, subject = due(store)
    plans = {"v1": act(subject, "v1", replacement=TWO)}
    store.record(lease, judgement(subject, failed(subject), plans), now=NOW)
    _carry_out(store, *DONE)
    assert store.tombstoned(APP, "v1", TWO) is None
    assert store.tombstoned(APP, "v1", ONE) is None


def test_a_tombstone_stays_ours_whatever_becomes_of_the_case(store: Database) -> None:
    subject, case_id = quarantined(store)
    stone = _stone(store, case_id)
    _carry_out(store, *DONE)
    case = store.case(case_id).case
    store.review(case, CaseState.RESTORED, actor="alice", reason="fine", waiver=None, intents=(), now=NOW)
    assert store.tombstoned(APP, "v1", stone) == subject.digest


@pytest.mark.parametrize("end", [IntentState.SUPERSEDED, IntentState.ABANDONED])
def test_a_case_of_which_nothing_was_done_is_superseded(store: Database, end: IntentState) -> None:
    _, case_id = quarantined(store)
    _carry_out(store, end)
    assert store.case(case_id).case.state is CaseState.SUPERSEDED


def test_a_tag_of_which_nothing_was_done_leaves_the_case(store: Database) -> None:
    watch(store, {"v1": ONE, "v2": ONE})
    lease, subject = due(store)
    plans = {tag: act(subject, tag) for tag in ("v1", "v2")}
    store.record(lease, judgement(subject, failed(subject), plans), now=NOW)
    first, second = store.claim(WorkKind.INTENT, now=NOW, limit=2, lease_for=HOUR)
    store.advance(first, IntentState.SUPERSEDED, note="moved", now=NOW)
    store.advance(second, IntentState.CONFIRMED, note="done", now=NOW)
    case = store.newest_case(APP, ONE)
    assert case is not None
    assert (case.state, case.tags) == (CaseState.OPEN, ("v2",))


def test_a_quarantined_digest_pushed_again_is_acted_on_again(store: Database) -> None:
    subject, case_id = quarantined(store)
    lease = claim_one(store, WorkKind.INTENT)
    store.add_tags(lease, [OurTag(APP, "hold-0", subject.digest)], now=NOW)
    for state in DONE:
        store.advance(lease, state, note="", now=NOW)
    watch(store, {"v1": subject.digest}, now=NOW + MINUTE)
    assert store.case(case_id).case.tags == ()
    lease, again = due(store, now=NOW + MINUTE)
    plans = {"v1": act(again, "v1", salt="second time")}
    store.record(lease, judgement(again, failed(again), plans), now=NOW + MINUTE)
    row = store.case(case_id)
    assert (row.case.state, row.case.tags, len(row.intents)) == (CaseState.OPEN, ("v1",), 2)
    assert store.tags_of(nonce("second time")) == (OurTag(APP, "hold-0", subject.digest),)


def test_a_restored_tag_is_judged_again(store: Database) -> None:
    subject, case_id = quarantined(store)
    _carry_out(store, *DONE)
    back = dataclasses.replace(
        draft(subject, "v1"), kind=IntentKind.RESTORE, nonce=nonce("back"), case_id=case_id
    )
    case = store.case(case_id).case
    store.review(case, CaseState.RESTORED, actor="alice", reason="fine", waiver=None, intents=[back], now=NOW)
    lease, again = due(store)
    assert again.tags == ()
    store.record(lease, judgement(again, failed(again)), now=NOW)
    _carry_out(store, IntentState.WRITTEN, IntentState.CONFIRMED)
    assert due(store)[1].tags == ("v1",)


def _anchored(store: Database, name: str, hours: int) -> Digest:
    """A digest that passes at ``latest`` and is anchored there."""
    now = NOW + hours * HOUR
    watch(store, {"latest": digest(name)}, now=now)
    lease, subject = due(store, now=now)
    anchor = dataclasses.replace(
        draft(subject, "latest", kind=IntentKind.ANCHOR),
        target=None,
        target_tag=f"pass-{name}",
        expected=None,
    )
    store.record(lease, judgement(subject, verdict(subject, now=now), anchors=(anchor,)), now=now)
    lease = claim_one(store, WorkKind.INTENT, now=now)
    store.add_tags(lease, [OurTag(APP, f"pass-{name}", subject.digest)], now=now)
    store.advance(lease, IntentState.WRITTEN, note="", now=now)
    store.advance(lease, IntentState.CONFIRMED, note="", now=now)
    return subject.digest


def test_anchors_are_listed_by_when_they_last_passed(store: Database) -> None:
    first, second = _anchored(store, "first", 0), _anchored(store, "second", 1)
    assert store.anchors(APP, "latest") == (("pass-second", second), ("pass-first", first))
    assert store.anchors(APP, "v1") == ()


def test_predecessors_are_what_passed_at_the_tag_and_passes_now(store: Database) -> None:
    assert store.predecessors(APP, "latest", ONE) == ()
    first, second = _anchored(store, "first", 0), _anchored(store, "second", 1)
    assert store.predecessors(APP, "latest", ONE) == (Predecessor(second, True), Predecessor(first, True))
    assert store.predecessors(APP, "latest", second) == (Predecessor(first, True),)
    assert store.predecessors(APP, "v1", ONE) == ()
    store.mark_due(APP, second, tag=None, priority=100, now=NOW + 2 * HOUR)
    lease, subject = due(store, now=NOW + 2 * HOUR)
    store.record(lease, judgement(subject, failed(subject)), now=NOW + 2 * HOUR)
    assert store.predecessors(APP, "latest", ONE) == (Predecessor(first, True),)


def test_nobody_is_rolled_back_to_what_another_policy_passed(store: Database) -> None:
    _anchored(store, "first", 0)
    store.mark_policy("another policy", now=NOW + HOUR)
    assert store.predecessors(APP, "latest", ONE) == ()


def test_what_passed_without_an_anchor_is_told_apart(store: Database) -> None:
    watch(store, {"latest": TWO})
    lease, subject = due(store)
    store.record(lease, judgement(subject, verdict(subject)), now=NOW)
    assert store.predecessors(APP, "latest", ONE) == (Predecessor(TWO, False),)


def test_everything_of_one_registry_is_listed_and_nothing_of_another(store: Database) -> None:
    quarantined(store)
    lease = claim_one(store, WorkKind.INTENT)
    written = store.intent(lease)
    near = OurTag(QUARANTINE, "gatekeeper-hold-1", ONE)
    far = OurTag(Repository(f"{APP.registry}.far", "app"), "gatekeeper-hold-2", ONE)
    store.add_tags(lease, (near, far), now=NOW)
    nonce_of = written.draft.nonce
    assert store.tags_at(APP.registry) == ((nonce_of, near),)
    assert store.tags_at(far.repository.registry) == ((nonce_of, far),)
    assert store.tags_at(APP.registry[:-1]) == ()
    kinds = frozenset({written.draft.kind})
    assert [one.id for one in store.intents_at(APP.registry, kinds)] == [written.id]
    assert store.intents_at(APP.registry, frozenset({IntentKind.ERASE})) == ()
    assert store.intents_at(far.repository.registry, kinds) == ()
