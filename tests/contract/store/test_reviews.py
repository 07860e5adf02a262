"""What people decide about cases, also two of them at once."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence

import pytest

from gatekeeper.core.errors import ConflictError, MalformedError, NotFoundError
from gatekeeper.core.lifecycle import Case, CaseState, IntentDraft, IntentKind
from gatekeeper.core.waiver import Waiver
from gatekeeper.database import Database
from gatekeeper.ports import Page
from tests.contract.store.samples import (
    APP,
    FAR,
    HOUR,
    MINUTE,
    NOW,
    WEB,
    digest,
    due,
    failed,
    judgement,
    nonce,
    propose,
    quarantined,
    watch,
)

WAITING = frozenset({CaseState.PROPOSED, CaseState.OPEN, CaseState.KEPT})


def _review(
    store: Database,
    case: Case,
    state: CaseState,
    *,
    waiver: Waiver | None = None,
    intents: Sequence[IntentDraft] = (),
) -> Case:
    return store.review(
        case, state, actor="alice", reason="looked at it", waiver=waiver, intents=intents, now=NOW + MINUTE
    )


def _release(case: Case) -> Waiver:
    return Waiver(
        id=f"release-{case.id}",
        rule=None,
        fingerprints=case.fingerprints,
        digest=case.digest,
        repository_glob=str(case.repository),
        reason="looked at it",
        owner="alice",
        approver="alice",
        expires_at=None,
    )


def _restore(store: Database, case_id: str) -> IntentDraft:
    (intent,) = store.case(case_id).intents
    return dataclasses.replace(
        intent.draft,
        kind=IntentKind.RESTORE,
        tag="v9",
        nonce=nonce("restore"),
        actor="alice",
        reason="looked at it",
    )


def test_a_release_is_a_waiver_a_restore_and_a_new_judgement(store: Database) -> None:
    subject, case_id = quarantined(store)
    case = store.case(case_id).case
    released = _review(
        store, case, CaseState.RELEASED, waiver=_release(case), intents=[_restore(store, case_id)]
    )
    assert released == dataclasses.replace(case, state=CaseState.RELEASED, updated_at=NOW + MINUTE)
    assert store.waivers(APP, subject.digest) == (dataclasses.replace(_release(case), added_at=NOW + MINUTE),)
    assert [intent.draft.kind for intent in store.case(case_id).intents] == [
        IntentKind.QUARANTINE,
        IntentKind.RESTORE,
    ]
    assert due(store, now=NOW + MINUTE)[1].digest == subject.digest
    said = [row for row in store.case(case_id).history if row.action == "case-released"]
    assert [(row.actor, row.reason) for row in said] == [("alice", "looked at it")]


def test_of_two_reviewers_the_second_is_refused(store: Database, other: Database) -> None:
    _, case_id = quarantined(store)
    case = store.case(case_id).case
    outcomes: list[str] = []
    together = threading.Barrier(2)

    def decide(database: Database, state: CaseState) -> None:
        together.wait()
        try:
            outcomes.append(str(_review(database, case, state).state))
        except ConflictError as error:
            outcomes.append(error.reason_code)

    reviewers = [
        threading.Thread(target=decide, args=(store, CaseState.KEPT)),
        threading.Thread(target=decide, args=(other, CaseState.RESTORED)),
    ]
    for reviewer in reviewers:
        reviewer.start()
    for reviewer in reviewers:
        reviewer.join()
    assert "case-decided" in outcomes
    assert {"kept", "restored"} & set(outcomes) == {str(store.case(case_id).case.state)}


def test_a_refused_review_leaves_nothing(store: Database) -> None:
    subject, case_id = quarantined(store)
    case = store.case(case_id).case
    _review(store, case, CaseState.KEPT)
    before = store.head()
    with pytest.raises(ConflictError, match="somebody was faster"):
        _review(store, case, CaseState.RELEASED, waiver=_release(case), intents=[_restore(store, case_id)])
    assert store.waivers(APP, subject.digest) == ()
    assert len(store.case(case_id).intents) == 1
    assert store.head() == before


def test_a_restore_of_a_tag_that_is_being_written_is_refused_whole(store: Database) -> None:
    _, case_id = quarantined(store)
    case = store.case(case_id).case
    busy = dataclasses.replace(_restore(store, case_id), tag="v1")
    with pytest.raises(ConflictError, match="under way"):
        _review(store, case, CaseState.RESTORED, intents=[busy])
    assert store.case(case_id).case.state is CaseState.OPEN


def test_a_kept_case_may_still_be_released(store: Database) -> None:
    _, case_id = quarantined(store)
    kept = _review(store, store.case(case_id).case, CaseState.KEPT)
    assert _review(store, kept, CaseState.RELEASED, waiver=_release(kept)).state is CaseState.RELEASED


def test_a_new_case_follows_a_closed_one(store: Database) -> None:
    subject, case_id = quarantined(store)
    _review(store, store.case(case_id).case, CaseState.RESTORED)
    watch(store, {"v2": subject.digest}, now=NOW + HOUR)
    lease, again = due(store, now=NOW + HOUR)
    plans = {"v2": propose("restored-before")}
    store.record(lease, judgement(again, failed(again), plans), now=NOW + HOUR)
    case = store.newest_case(APP, subject.digest)
    assert case is not None
    assert case.id != case_id
    assert case.why_proposed == "restored-before"
    assert store.case(case_id).case.state is CaseState.RESTORED


def test_a_release_concerns_its_digest_in_its_repository(store: Database) -> None:
    subject, case_id = quarantined(store)
    case = store.case(case_id).case
    _review(store, case, CaseState.RELEASED, waiver=_release(case))
    assert store.waivers(WEB, subject.digest) == ()
    assert store.waivers(APP, digest("another")) == ()
    assert len(store.waivers(APP, subject.digest)) == 1


def test_an_unknown_case_is_not_found(store: Database) -> None:
    with pytest.raises(NotFoundError):
        store.case("0123456789ab")
    assert store.newest_case(APP, digest("one")) is None


def _proposals(store: Database) -> None:
    for number, repository in enumerate((APP, WEB, FAR, APP, WEB, FAR, APP)):
        watch(store, {f"v{number}": digest(f"image {number}")}, repository=repository)
        lease, subject = due(store)
        plans = {tag: propose() for tag in subject.tags}
        store.record(lease, judgement(subject, failed(subject), plans), now=NOW)


def test_pages_hold_every_case_once_newest_first(store: Database) -> None:
    _proposals(store)
    tags: list[str] = []
    cursor = None
    while True:
        found, cursor = store.cases(states=WAITING, repositories=("**",), page=Page(3, cursor))
        tags.extend(tag for case in found for tag in case.tags)
        if cursor is None:
            break
    assert tags == ["v6", "v5", "v4", "v3", "v2", "v1", "v0"]


def test_cases_are_filtered_by_state_and_repository(store: Database) -> None:
    _proposals(store)
    here = ("registry.example:5000/*/app", "nowhere/**")
    found, cursor = store.cases(states=WAITING, repositories=here, page=Page(2))
    assert {case.repository for case in found} == {APP}
    rest, end = store.cases(states=WAITING, repositories=here, page=Page(2, cursor))
    assert (len(found), len(rest), end) == (2, 1, None)
    assert store.cases(states=frozenset({CaseState.OPEN}), repositories=("**",), page=Page())[0] == []
    assert store.cases(states=WAITING, repositories=(), page=Page())[0] == []


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "9" * 30, "\N{FULLWIDTH DIGIT ONE}"])
def test_a_foreign_cursor_is_refused(store: Database, cursor: str) -> None:
    with pytest.raises(MalformedError):
        store.cases(states=WAITING, repositories=("**",), page=Page(3, cursor))


def test_a_case_found_in_the_registry_is_added_once(store: Database, other: Database) -> None:
    _, case_id = quarantined(other)
    row = other.case(case_id)
    (intent,) = row.intents
    found = dataclasses.replace(row.case, id="rebuilt", repository=FAR)
    told = dataclasses.replace(intent.draft, repository=FAR, case_id="rebuilt", nonce=nonce("told"))
    for _ in range(2):
        store.add_case(found, [told], actor="alice", reason="database lost", now=NOW)
    rebuilt = store.case("rebuilt")
    assert rebuilt.case == found
    assert [said.draft for said in rebuilt.intents] == [told]
    assert store.newest_case(FAR, found.digest) == found
    row_of_it = store.status(FAR, found.digest, now=NOW)
    assert row_of_it is not None
    assert row_of_it.case == found
