"""The journal of an intent goes forward and ends once; waivers end in their very second."""

from __future__ import annotations

import itertools
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.lifecycle import CaseState, IntentState
from gatekeeper.core.waiver import Waiver
from tests.unit.core.builders import NOW

FORWARD = (IntentState.PLANNED, IntentState.COPIED, IntentState.WRITTEN, IntentState.CONFIRMED)
ENDS = {IntentState.CONFIRMED, IntentState.SUPERSEDED, IntentState.ABANDONED}


def test_each_step_of_the_journal_is_allowed() -> None:
    for before, after in itertools.pairwise(FORWARD):
        assert before.may_become(after)
        assert not after.may_become(before)


def test_an_open_intent_may_stay_or_be_given_up() -> None:
    for state in FORWARD[:3]:
        assert state.may_become(state)
        assert state.may_become(IntentState.SUPERSEDED)
        assert state.may_become(IntentState.ABANDONED)


@given(st.lists(st.sampled_from(IntentState), max_size=12))
def test_no_walk_goes_back_or_leaves_an_end(wishes: list[IntentState]) -> None:
    state = IntentState.PLANNED
    walked = [state]
    for wish in wishes:
        if state.may_become(wish):
            state = wish
            walked.append(state)
    steps = [FORWARD.index(step) for step in walked if step in FORWARD]
    assert steps == sorted(steps)
    assert sum(step in ENDS for step in walked) <= 1
    assert state.open == (state not in ENDS)


def test_a_kept_case_still_holds_the_image() -> None:
    assert {state for state in CaseState if state.closed} == {
        CaseState.RELEASED,
        CaseState.RESTORED,
        CaseState.SUPERSEDED,
    }


def test_a_waiver_ends_in_the_very_second() -> None:
    waiver = Waiver("w", "user-root", frozenset(), None, "**", "r", "o", None, NOW)
    assert waiver.active(NOW - timedelta(microseconds=1))
    assert not waiver.active(NOW)
