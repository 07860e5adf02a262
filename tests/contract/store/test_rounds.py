"""What a round over a repository leaves behind."""

from __future__ import annotations

from datetime import timedelta

from gatekeeper.core.lifecycle import CaseState
from gatekeeper.database import Database
from gatekeeper.ports import WorkKind
from tests.contract.store.samples import (
    APP,
    HOUR,
    MINUTE,
    NOW,
    WEB,
    a_round,
    claim_one,
    digest,
    due,
    failed,
    judgement,
    propose,
    verdict,
    watch,
)

ONE, TWO = digest("one"), digest("two")


def test_a_new_digest_at_a_tag_is_due_at_once(store: Database) -> None:
    watch(store, {"v1": ONE, "latest": ONE})
    _, subject = due(store)
    assert (subject.repository, subject.digest, subject.tags) == (APP, ONE, ("latest", "v1"))
    assert (subject.first_seen, subject.previous, subject.undetermined_since) == (NOW, None, None)


def test_the_same_digest_elsewhere_is_another_subject(store: Database) -> None:
    watch(store, {"v1": ONE})
    watch(store, {"v1": ONE}, repository=WEB)
    assert {due(store)[1].repository for _ in range(2)} == {APP, WEB}


def test_a_round_is_known_to_the_next_one(store: Database) -> None:
    watch(store, {"v1": ONE, "v2": TWO})
    watch(store, {}, missing=["v2"], now=NOW + MINUTE)
    lease = claim_one(store, WorkKind.REPOSITORY, now=NOW + HOUR + 24 * HOUR)
    known = store.repository(lease)
    assert known.repository == APP
    assert known.tags == {"v1": ONE, "v2": TWO}
    assert known.missing == {"v2"}
    assert known.interval == MINUTE


def test_interval_and_next_look_are_kept_in_the_row(store: Database) -> None:
    store.add_repositories([APP], now=NOW)
    lease = claim_one(store, WorkKind.REPOSITORY)
    seen = a_round()
    store.record_round(lease, seen, now=NOW)
    assert (
        store.claim(WorkKind.REPOSITORY, now=seen.next_due - timedelta(seconds=1), limit=1, lease_for=MINUTE)
        == ()
    )
    assert (
        store.repository(claim_one(store, WorkKind.REPOSITORY, now=seen.next_due)).interval == seen.interval
    )


def test_a_tag_seen_again_is_not_missing_any_more(store: Database) -> None:
    watch(store, {"v1": ONE})
    watch(store, {}, missing=["v1"])
    watch(store, {})
    assert store.repository(claim_one(store, WorkKind.REPOSITORY, now=NOW + 25 * HOUR)).missing == frozenset()


def test_a_tag_that_is_gone_leaves_its_history(store: Database) -> None:
    watch(store, {"v1": ONE})
    watch(store, {"v1": TWO}, now=NOW + MINUTE)
    watch(store, {}, gone=["v1"], now=NOW + 2 * MINUTE)
    assert store.observed(APP, "v1") == ((TWO, NOW + MINUTE), (ONE, NOW))
    assert store.repository(claim_one(store, WorkKind.REPOSITORY, now=NOW + 25 * HOUR)).tags == {}
    row = store.status(APP, TWO, now=NOW)
    assert row is not None
    assert row.tags == ()


def test_what_is_no_subject_is_never_due(store: Database) -> None:
    watch(store, {"v1": ONE, "v1.sig": TWO}, ignored=[TWO])
    assert due(store)[1].digest == ONE
    assert store.claim(WorkKind.SUBJECT, now=NOW + 48 * HOUR, limit=5, lease_for=MINUTE)[1:] == ()
    assert store.status(APP, TWO, now=NOW) is None


def test_a_subject_that_was_dropped_answers_nothing_until_it_is_seen_as_one(store: Database) -> None:
    watch(store, {"v1": ONE})
    lease, _ = due(store)
    store.drop_subject(lease, why="tombstone", now=NOW)
    assert store.status(APP, ONE, now=NOW) is None
    assert store.claim(WorkKind.SUBJECT, now=NOW + 48 * HOUR, limit=5, lease_for=MINUTE) == ()
    watch(store, {"v2": ONE}, now=NOW + HOUR)
    assert due(store, now=NOW + HOUR)[1].tags == ("v1", "v2")


def test_new_evidence_makes_a_judged_subject_due(store: Database) -> None:
    watch(store, {"v1": ONE})
    lease, subject = due(store)
    store.record(lease, judgement(subject, verdict(subject)), now=NOW)
    watch(store, {"sha256-x.sig": TWO}, ignored=[TWO], touched=[ONE], now=NOW + MINUTE)
    row = store.status(APP, ONE, now=NOW)
    assert row is not None
    assert row.due
    _, again = due(store, now=NOW + MINUTE)
    assert again.evidence_due == NOW + MINUTE
    assert again.previous is not None
    assert again.previous.verdict.reason_code == "passed"


def test_evidence_that_arrives_during_a_judgement_is_not_lost(store: Database) -> None:
    watch(store, {"v1": ONE})
    lease, subject = due(store)
    watch(store, {}, touched=[ONE])
    store.record(lease, judgement(subject, failed(subject)), now=NOW)
    _, again = due(store)
    assert again.digest == ONE
    assert again.evidence_due == NOW


def test_asking_again_while_it_is_judged_does_not_judge_it_twice(store: Database) -> None:
    store.mark_due(APP, ONE, tag=None, priority=100, now=NOW)
    lease, subject = due(store)
    for _ in range(3):
        store.mark_due(APP, ONE, tag=None, priority=100, now=NOW)
    store.record(lease, judgement(subject, verdict(subject)), now=NOW)
    row = store.status(APP, ONE, now=NOW)
    assert row is not None
    assert not row.due
    assert store.claim(WorkKind.SUBJECT, now=NOW, limit=1, lease_for=MINUTE) == ()


def test_an_asked_for_tag_is_judged_with_its_tag(store: Database) -> None:
    store.mark_due(APP, ONE, tag="v1", priority=100, now=NOW)
    assert due(store)[1].tags == ("v1",)
    assert store.observed(APP, "v1") == ((ONE, NOW),)


def test_a_known_digest_at_another_tag_is_judged_with_that_tag(store: Database) -> None:
    watch(store, {"v1": ONE})
    lease, subject = due(store)
    store.record(lease, judgement(subject, verdict(subject)), now=NOW)
    watch(store, {"latest": ONE}, now=NOW + MINUTE)
    assert due(store, now=NOW + MINUTE)[1].tags == ("latest", "v1")


def test_another_policy_makes_what_it_did_not_judge_due(store: Database) -> None:
    watch(store, {"v1": ONE, "v2": TWO})
    for revision in ("old", "new"):
        lease, subject = due(store)
        store.record(lease, judgement(subject, verdict(subject, revision=revision)), now=NOW)
    assert store.mark_policy("new", now=NOW) == 1
    assert store.claim(WorkKind.SUBJECT, now=NOW, limit=5, lease_for=MINUTE)[1:] == ()
    assert store.mark_policy("newer", now=NOW) == 2


def test_a_proposal_is_superseded_when_its_tags_move(store: Database) -> None:
    watch(store, {"v1": ONE, "v2": ONE})
    lease, subject = due(store)
    store.record(lease, judgement(subject, failed(subject), {"v1": propose(), "v2": propose()}), now=NOW)
    watch(store, {"v1": TWO}, now=NOW + MINUTE)
    case = store.newest_case(APP, ONE)
    assert case is not None
    assert case.state is CaseState.PROPOSED
    watch(store, {}, gone=["v2"], now=NOW + 2 * MINUTE)
    case = store.newest_case(APP, ONE)
    assert case is not None
    assert case.state is CaseState.SUPERSEDED
    assert [row.reason for row in store.case(case.id).history] == ["mode-propose", "tag-moved"]
