"""The read side: one row answers, its version changes with it, and other processes notice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.lifecycle import CaseState, Hold, IntentState
from gatekeeper.core.verdict import State
from gatekeeper.database import Database
from gatekeeper.ports import Page, StatusRow, WorkKind
from tests.contract.store.samples import (
    APP,
    FAR,
    HOUR,
    MINUTE,
    NOW,
    WEB,
    claim_one,
    digest,
    due,
    failed,
    judgement,
    quarantined,
    verdict,
    watch,
)

ONE = digest("one")


def _row(store: Database) -> StatusRow:
    row = store.status(APP, ONE, now=NOW)
    assert row is not None
    return row


def _judge(store: Database, *, passes: bool = True, hours: int = 0) -> None:
    now = NOW + hours * HOUR
    lease, subject = due(store, now=now)
    judged = verdict(subject, now=now) if passes else failed(subject, now=now)
    store.record(lease, judgement(subject, judged), now=now)


def test_a_digest_never_seen_has_no_row(store: Database) -> None:
    assert store.status(APP, ONE, now=NOW) is None
    watch(store, {"v1": ONE}, repository=WEB)
    assert store.status(APP, ONE, now=NOW) is None


def test_a_seen_digest_has_a_row_before_its_verdict(store: Database) -> None:
    watch(store, {"v1": ONE, "latest": ONE, "v2": digest("two")})
    row = _row(store)
    assert (row.repository, row.digest, row.tags, row.first_seen) == (APP, ONE, ("latest", "v1"), NOW)
    assert (row.due, row.verdict, row.case) == (True, None, None)


def test_a_judged_digest_has_its_verdict_and_is_not_due(store: Database) -> None:
    watch(store, {"v1": ONE})
    _judge(store, passes=False)
    row = _row(store)
    assert row.verdict is not None
    assert (row.due, row.verdict.state) == (False, State.FAILED)


def test_asking_for_evidence_as_usual_does_not_make_the_answer_due(store: Database) -> None:
    watch(store, {"v1": ONE})
    _judge(store)
    claim_one(store, WorkKind.SUBJECT, now=NOW + 6 * HOUR)
    assert not _row(store).due


def _move_tag(store: Database) -> None:
    watch(store, {"v2": ONE}, now=NOW + MINUTE)


def _lose_tag(store: Database) -> None:
    watch(store, {}, gone=["v1"], now=NOW + MINUTE)


def _judge_again(store: Database) -> None:
    store.mark_due(APP, ONE, tag=None, priority=0, now=NOW + HOUR)
    _judge(store, passes=False, hours=1)


def _mark(store: Database) -> None:
    store.mark_due(APP, ONE, tag=None, priority=100, now=NOW)


CHANGES: list[Callable[[Database], None]] = [_move_tag, _lose_tag, _judge_again, _mark]


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_the_row_changes_its_version(
    store: Database, other: Database, change: Callable[[Database], None]
) -> None:
    watch(store, {"v1": ONE})
    _judge(store)
    before, counter = _row(store).version, other.change_counter()
    assert _row(other).version == before
    change(store)
    assert _row(other).version != before
    assert other.change_counter() > counter


def test_a_review_changes_the_version(store: Database) -> None:
    subject, case_id = quarantined(store)
    row = store.status(APP, subject.digest, now=NOW)
    case = store.case(case_id).case
    assert row is not None
    assert row.case == case
    store.review(case, CaseState.KEPT, actor="a", reason="r", waiver=None, intents=(), now=NOW + MINUTE)
    after = store.status(APP, subject.digest, now=NOW)
    assert after is not None
    assert after.case is not None
    assert after.case.state is CaseState.KEPT
    assert after.version != row.version


def test_a_round_that_saw_nothing_new_disturbs_no_cache(store: Database) -> None:
    watch(store, {"v1": ONE})
    counter, version = store.change_counter(), _row(store).version
    watch(store, {}, now=NOW + MINUTE)
    assert (store.change_counter(), _row(store).version) == (counter, version)


def test_what_answers_rest_on_raises_the_counter(store: Database) -> None:
    subject, case_id = quarantined(store)
    seen = [store.change_counter()]

    def rose() -> bool:
        seen.append(store.change_counter())
        return seen[-1] > seen[-2]

    store.set_hold(Hold("a", "r", NOW), actor="a", reason="r", now=NOW)
    assert rose()
    store.advance(claim_one(store, WorkKind.INTENT), IntentState.COPIED, note="", now=NOW)
    assert rose()
    store.mark_policy("another", now=NOW)
    assert rose()
    store.drop_subject(claim_one(store, WorkKind.SUBJECT), why="x", now=NOW)
    assert rose()
    assert subject.digest == store.case(case_id).case.digest
    assert not rose()


def _three(store: Database) -> None:
    for number, repository in enumerate((APP, WEB, FAR)):
        watch(store, {"v1": digest(f"image {number}")}, repository=repository)
    for passes in (True, True, False):
        _judge(store, passes=passes)
    watch(store, {"v2": digest("unjudged")})


def test_images_are_listed_newest_first_with_a_cursor(store: Database) -> None:
    _three(store)
    first, cursor = store.images(repositories=("**",), state=None, page=Page(3))
    rest, end = store.images(repositories=("**",), state=None, page=Page(3, cursor))
    assert [row.digest for row in (*first, *rest)] == [
        digest("unjudged"), digest("image 2"), digest("image 1"), digest("image 0")
    ]  # fmt: skip
    assert end is None
    with pytest.raises(MalformedError):
        store.images(repositories=("**",), state=None, page=Page(3, "no cursor of ours"))


@pytest.mark.parametrize(
    ("globs", "found"),
    [
        (("registry.example:5000/**",), {APP, WEB}),
        (("*/team/app",), {APP, FAR}),
        (("registry.example:5000/team/w?b",), {WEB}),
        (("registry.example:5000/team",), set()),
        (("registry.example:5000/team/a_p",), set()),
        (("%",), set()),
        ((), set()),
        (("nothing/here", "far.example/**"), {FAR}),
    ],
)
def test_images_are_filtered_by_repository(
    store: Database, globs: tuple[str, ...], found: set[object]
) -> None:
    _three(store)
    rows, _ = store.images(repositories=globs, state=None, page=Page())
    assert {row.repository for row in rows} == found


def test_images_are_filtered_by_state(store: Database) -> None:
    _three(store)
    states = {
        state: len(store.images(repositories=("**",), state=state, page=Page())[0])
        for state in ("passed", "failed", "indeterminate")
    }
    assert states == {"passed": 2, "failed": 1, "indeterminate": 0}


def test_a_narrow_filter_finds_what_lies_behind_many_others(store: Database) -> None:
    watch(store, {"v1": ONE}, repository=FAR)
    watch(store, {f"v{number}": digest(f"image {number}") for number in range(250)})
    rows, cursor = store.images(repositories=("*/**/ap?",), state=None, page=Page(251))
    assert (len(rows), cursor) == (251, None)
    rows, cursor = store.images(repositories=("far.*/**",), state=None, page=Page(5))
    assert ([row.digest for row in rows], cursor) == ([ONE], None)


def test_rows_are_counted_by_state(store: Database) -> None:
    _three(store)
    quarantined(store, "v3")
    counts = store.counts()
    assert counts == {
        "subjects.passed": 2,
        "subjects.failed": 2,
        "subjects.unjudged": 1,
        "cases.open": 1,
        "intents.planned": 1,
        "repositories": 3,
        "audit_rows": store.head().seq,
    }
