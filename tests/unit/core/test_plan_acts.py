"""``plan``: from a verdict to what may be done about one tag."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.decide import decide
from gatekeeper.core.evidence import Evidence
from gatekeeper.core.lifecycle import Breaker, Budget, Case, CaseFile, CaseState, Hold, IntentKind
from gatekeeper.core.plan import Act, Nothing, Plan, Propose, ProposeRelease, Supersede, plan
from gatekeeper.core.policy import Action, Existing, Mode, Scope
from gatekeeper.core.rules.rule import Rule
from gatekeeper.core.rules.signature_missing import SignatureMissing
from gatekeeper.core.rules.tag_latest import TagLatest
from gatekeeper.core.rules.user_root import UserRoot
from gatekeeper.core.verdict import State, Verdict
from tests.unit.core import strategies
from tests.unit.core.builders import (
    JUNK,
    NOW,
    OUTAGE,
    REPOSITORY,
    digest,
    evidence,
    node,
    policy,
    signed,
    subject,
)

FREE = Budget(10, 3, 30)
BAD = evidence(node(user="0"))
GOOD = evidence(node(signatures=signed()))
ENFORCING: dict[str, Any] = {"mode": Mode.ENFORCE, "action": Action.QUARANTINE, "empty_tags": True}
HELD = Hold("ops", "maintenance", NOW)
OPENED = Breaker("cap", NOW)


def planned(
    of: Evidence = BAD,
    *rules: Rule,
    case: Case | None = None,
    tag: str = "v1",
    tags: tuple[str, ...] = ("v1",),
    predecessor: str | None = None,
    budget: Budget = FREE,
    since: timedelta | None = None,
    seen: timedelta = timedelta(days=1),
    points_at: str = "app",
    existing: bool = False,
    turned: bool = False,
    **scope: Any,
) -> Plan:
    scoped = policy(*(rules or (UserRoot(),)), **{**ENFORCING, **scope})
    verdict = decide(scoped, subject(of, tags=tags, seen=NOW - seen), of, (), NOW)
    file = CaseFile(
        tag,
        digest(points_at),
        case,
        digest(predecessor) if predecessor else None,
        NOW - since if since is not None else None,
        existing,
        turned,
    )
    return plan(file, verdict, scoped, budget, NOW)


def case(
    state: CaseState, *, tags: tuple[str, ...] = ("v1",), why: str | None = None, shown: bool = True
) -> Case:
    verdict = decide(policy(UserRoot()), subject(BAD), BAD, (), NOW)
    fingerprints = (
        frozenset(finding.fingerprint for finding in verdict.violations_at("v1")) if shown else frozenset()
    )
    return Case(
        "case-1",
        REPOSITORY,
        digest("app"),
        tags,
        state,
        Action.QUARANTINE,
        "user-root",
        why,
        fingerprints,
        NOW,
        NOW,
    )


# --- failed -------------------------------------------------------------------------------------------------------


def test_enforcing_replaces_the_tag_by_the_predecessor_or_a_tombstone() -> None:
    assert planned() == Act(Action.QUARANTINE, IntentKind.QUARANTINE, None)
    assert planned(predecessor="old") == Act(Action.QUARANTINE, IntentKind.QUARANTINE, digest("old"))
    assert planned(action=Action.RETAG, predecessor="old") == Act(
        Action.RETAG, IntentKind.RETAG, digest("old")
    )
    assert planned(action=Action.ROLLBACK, predecessor="old") == Act(
        Action.ROLLBACK, IntentKind.ROLLBACK, digest("old")
    )


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"action": Action.REPORT}, Nothing("action-report")),
        ({"mode": Mode.OBSERVE}, Nothing("mode-observe")),
        ({"mode": Mode.PROPOSE}, Propose(Action.QUARANTINE, "mode-propose")),
        ({"protected_tags": ("v*",)}, Propose(Action.QUARANTINE, "protected")),
        ({"protected_repositories": ("registry.example/**",)}, Propose(Action.QUARANTINE, "protected")),
        ({"budget": dataclasses.replace(FREE, hold=HELD)}, Nothing("held")),
        ({"budget": dataclasses.replace(FREE, breaker=OPENED)}, Propose(Action.QUARANTINE, "breaker-open")),
        ({"budget": Budget(0, 3, 30)}, Propose(Action.QUARANTINE, "cap-per-run", "per_run")),
        ({"budget": Budget(1, 0, 30)}, Propose(Action.QUARANTINE, "cap-per-repository", "per_repository")),
        ({"budget": Budget(1, 1, 0)}, Propose(Action.QUARANTINE, "cap-per-hour", "per_hour")),
        ({"empty_tags": False}, Propose(Action.QUARANTINE, "would-empty-tag")),
        ({"action": Action.ROLLBACK}, Propose(Action.ROLLBACK, "no-anchored-predecessor")),
        ({"existing": True}, Propose(Action.QUARANTINE, "seen-before-enforcement")),
        ({"turned": True}, Propose(Action.QUARANTINE, "change-not-accepted")),
        (
            {"turned": True, "budget": dataclasses.replace(FREE, hold=HELD)},
            Propose(Action.QUARANTINE, "change-not-accepted"),
        ),
        ({"points_at": "another"}, Nothing("tag-moved")),
        ({"action": Action.REPORT, "mode": Mode.OBSERVE}, Nothing("action-report")),
        (
            {"mode": Mode.PROPOSE, "budget": dataclasses.replace(FREE, hold=HELD)},
            Propose(Action.QUARANTINE, "mode-propose"),
        ),
    ],
)
def test_everything_that_keeps_it_from_acting(asked: dict[str, object], wanted: Plan) -> None:
    assert planned(**asked) == wanted  # type: ignore[arg-type]


def test_a_scope_may_ask_for_the_old_ones_too() -> None:
    scoped = policy(UserRoot(), **ENFORCING, existing=Existing.ENFORCE)
    verdict = decide(scoped, subject(BAD, tags=("v1",), seen=NOW - DAY), BAD, (), NOW)
    file = CaseFile("v1", digest("app"), None, None, None, existing=True)
    assert isinstance(plan(file, verdict, scoped, FREE, NOW), Act)


def test_what_a_feed_says_is_acted_on_only_when_it_was_weighed() -> None:
    verdict = decide(policy(UserRoot(), **ENFORCING), subject(), BAD, (), NOW)
    file = CaseFile("v1", digest("app"), None, None, None, feed_waits=True)
    assert plan(file, verdict, policy(UserRoot(), **ENFORCING), FREE, NOW) == Nothing("feed-waits")
    again = dataclasses.replace(file, feed_waits=False, stabilizing=True)
    assert plan(again, verdict, policy(UserRoot(), **ENFORCING), FREE, NOW) == Nothing("feed-stabilizing")


@pytest.mark.parametrize(
    ("rules", "scope", "acts"),
    [
        (("scan-evidence-missing", "scan-evidence-stale"), {}, False),
        (("scan-evidence-missing",), {"act_on_unscanned": True}, True),
        (("scan-evidence-missing", "user-root"), {}, True),
    ],
)
def test_missing_scan_evidence_alone_moves_nothing_unless_the_scope_says_so(
    rules: tuple[str, ...], scope: dict[str, Any], acts: bool
) -> None:
    scoped = policy(UserRoot(), **ENFORCING, **scope)
    verdict = decide(scoped, subject(), BAD, (), NOW)
    (finding,) = verdict.findings
    verdict = dataclasses.replace(
        verdict, findings=tuple(dataclasses.replace(finding, rule=rule) for rule in rules)
    )
    planned = plan(CaseFile("v1", digest("app"), None, None, None), verdict, scoped, FREE, NOW)
    assert isinstance(planned, Act) is acts


def test_what_may_still_arrive_is_waited_for() -> None:
    unsigned = evidence(node())
    early = timedelta(minutes=9)
    assert planned(unsigned, SignatureMissing(), seen=early) == Nothing("settling")
    assert isinstance(planned(unsigned, SignatureMissing(), seen=timedelta(minutes=10)), Act)
    assert isinstance(planned(BAD, SignatureMissing(), UserRoot(), seen=early), Act), "root does not settle"


def test_a_tag_of_its_own_acts_while_the_others_do_not() -> None:
    tags = ("latest", "v1")
    assert isinstance(planned(GOOD, TagLatest(), tag="latest", tags=tags), Act)
    assert planned(GOOD, TagLatest(), tag="v1", tags=tags) == Nothing("passed")


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (case(CaseState.OPEN), Nothing("already-open")),
        (case(CaseState.KEPT), Nothing("kept")),
        (case(CaseState.KEPT, why="mode-propose"), Nothing("kept")),
        (case(CaseState.RESTORED), Propose(Action.QUARANTINE, "restored-before")),
        (case(CaseState.PROPOSED, why="restored-before"), Propose(Action.QUARANTINE, "restored-before")),
        (case(CaseState.RELEASED), Propose(Action.QUARANTINE, "release-ended")),
        (case(CaseState.PROPOSED, why="release-ended"), Propose(Action.QUARANTINE, "release-ended")),
    ],
)
def test_a_case_of_the_same_digest_is_not_acted_on_again(before: Case, wanted: Plan) -> None:
    assert planned(case=before) == wanted


@pytest.mark.parametrize(
    "before",
    [
        case(CaseState.OPEN, tags=("v2",)),
        case(CaseState.KEPT, tags=("v2",)),
        case(CaseState.KEPT, why="mode-propose", shown=False),
        case(CaseState.RESTORED, shown=False),
        case(CaseState.RELEASED, shown=False),
        case(CaseState.SUPERSEDED),
        case(CaseState.PROPOSED, why="breaker-open"),
        case(CaseState.PROPOSED, why="restored-before", shown=False),
    ],
)
def test_new_findings_another_tag_or_a_cause_that_is_gone_act(before: Case) -> None:
    assert isinstance(planned(case=before), Act)


def test_a_proposal_whose_cause_stays_stays() -> None:
    before = case(CaseState.PROPOSED, why="mode-propose")
    assert planned(case=before, mode=Mode.PROPOSE) == Propose(Action.QUARANTINE, "mode-propose")


def test_a_proposal_whose_tag_moved_on_is_superseded() -> None:
    before = case(CaseState.PROPOSED, why="mode-propose")
    assert planned(case=before, tags=(), points_at="another") == Supersede("case-1", "tag-moved")


# --- passed -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (None, Nothing("passed")),
        (case(CaseState.OPEN), ProposeRelease("case-1")),
        (case(CaseState.KEPT), ProposeRelease("case-1")),
        (case(CaseState.OPEN, tags=("v2",)), Nothing("passed")),
        (case(CaseState.KEPT, why="mode-propose"), Nothing("passed")),
        (case(CaseState.PROPOSED), Supersede("case-1", "passed")),
        (case(CaseState.RELEASED), Nothing("passed")),
        (case(CaseState.RESTORED), Nothing("passed")),
    ],
)
def test_what_passes_now(before: Case | None, wanted: Plan) -> None:
    assert planned(GOOD, case=before) == wanted


def test_a_proposal_stands_while_one_of_its_tags_still_fails() -> None:
    before = case(CaseState.PROPOSED, tags=("latest", "v1"))
    assert planned(GOOD, TagLatest(), case=before, tags=("latest", "v1")) == Nothing("passed")


# --- indeterminate ------------------------------------------------------------------------------------------------

DAY = timedelta(hours=24)


@pytest.mark.parametrize(
    ("gap", "asked", "wanted"),
    [
        (JUNK, {"since": DAY}, Propose(Action.QUARANTINE, "indeterminate-by-content")),
        (JUNK, {"since": DAY - timedelta(seconds=1)}, Nothing("indeterminate")),
        (JUNK, {"since": None}, Nothing("indeterminate")),
        (JUNK, {"since": DAY, "mode": Mode.OBSERVE}, Nothing("indeterminate")),
        (JUNK, {"since": DAY, "case": case(CaseState.OPEN)}, Nothing("already-open")),
        (JUNK, {"since": DAY, "case": case(CaseState.KEPT, why="x")}, Nothing("kept")),
        (OUTAGE, {"since": 30 * DAY}, Nothing("indeterminate")),
    ],
)
def test_junk_is_no_hiding_place_and_an_outage_no_reason(
    gap: object, asked: dict[str, object], wanted: Plan
) -> None:
    of = evidence(node(signatures=gap))  # type: ignore[arg-type]
    assert planned(of, SignatureMissing(), **asked) == wanted  # type: ignore[arg-type]


# --- for anything -------------------------------------------------------------------------------------------------

EVERYTHING = st.tuples(
    strategies.EVIDENCE, strategies.RULE_LISTS, strategies.SCOPES, strategies.CASE_FILES, strategies.BUDGETS
)


def anything(values: tuple[Evidence, tuple[Rule, ...], Scope, CaseFile, Budget]) -> tuple[Plan, Verdict]:
    of, rules, scope, file, budget = values
    scoped = dataclasses.replace(policy(*rules), scope=scope)
    verdict = decide(scoped, subject(of, tags=("latest", "v1")), of, (), NOW)
    return plan(dataclasses.replace(file, points_at=of.root.digest), verdict, scoped, budget, NOW), verdict


@given(EVERYTHING)
def test_it_acts_only_when_everything_allows_it(
    values: tuple[Evidence, tuple[Rule, ...], Scope, CaseFile, Budget],
) -> None:
    found, verdict = anything(values)
    _, _, scope, file, budget = values
    if isinstance(found, Act):
        assert verdict.state_at(file.tag) is State.FAILED
        assert scope.mode is Mode.ENFORCE
        assert scope.action is not Action.REPORT
        assert not scope.protects(REPOSITORY, file.tag)
        assert budget.hold is None
        assert budget.breaker is None
        assert budget.exhausted is None
        assert found.replacement is not None or (scope.empty_tags and scope.action is not Action.ROLLBACK)
        assert file.case is None or file.case.state is not CaseState.OPEN or file.tag not in file.case.tags


@given(EVERYTHING)
def test_observing_changes_nothing_but_cases_that_lost_their_reason(
    values: tuple[Evidence, tuple[Rule, ...], Scope, CaseFile, Budget],
) -> None:
    found, _ = anything((*values[:2], dataclasses.replace(values[2], mode=Mode.OBSERVE), *values[3:]))
    assert isinstance(found, Nothing | ProposeRelease | Supersede)


@given(EVERYTHING)
def test_the_same_is_planned_again(
    values: tuple[Evidence, tuple[Rule, ...], Scope, CaseFile, Budget],
) -> None:
    assert anything(values) == anything(values)
