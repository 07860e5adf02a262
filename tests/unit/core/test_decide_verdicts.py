"""``decide``: goldens, each sentence about it, and what must hold for any evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.canonical import canonical_bytes, from_plain
from gatekeeper.core.decide import decide
from gatekeeper.core.errors import Cause
from gatekeeper.core.evidence import Absent, Candidates, Evidence, NodeEvidence, Sboms, Unavailable
from gatekeeper.core.policy import Artifacts
from gatekeeper.core.rules.image_too_old import ImageTooOld
from gatekeeper.core.rules.rule import Check, Context, Rule
from gatekeeper.core.rules.signature_missing import SignatureMissing
from gatekeeper.core.rules.tag_latest import TagLatest
from gatekeeper.core.rules.user_root import UserRoot
from gatekeeper.core.verdict import Level, Result, State, Verdict
from gatekeeper.core.waiver import Waiver
from tests.golden.reading import cases, judge, load
from tests.unit.core import strategies
from tests.unit.core.builders import (
    ARM,
    JUNK,
    NOW,
    OUTAGE,
    REPOSITORY,
    candidate,
    config,
    digest,
    evidence,
    index_node,
    node,
    policy,
    signed,
    subject,
)

ROOT_USER = evidence(node(user="0"))


def verdict_of(of: Evidence, *rules: Rule, waivers: tuple[Waiver, ...] = (), **scope: Any) -> Verdict:
    return decide(policy(*rules, **scope), subject(of), of, waivers, NOW)


def waiver(**changes: object) -> Waiver:
    made = Waiver(
        "w1", "user-root", frozenset(), None, "**", "accepted", "team", "boss", NOW + timedelta(hours=5)
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_golden_gives_its_verdict_byte_for_byte(case: Path) -> None:
    wanted = from_plain(Verdict, load(case / "verdict.json"))
    assert canonical_bytes(judge(case)) == canonical_bytes(wanted), (
        "python -m tests.golden.regenerate, then read the difference"
    )


# --- empty means fail (law 3) -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SilentRule:
    id: ClassVar[str] = "silent"
    level: Level = Level.FAIL

    def check(self, context: Context) -> Iterator[Check]:
        yield from ()


def test_a_policy_without_rules_or_with_every_rule_off_fails() -> None:
    for rules in ((), (UserRoot(level=Level.OFF),)):
        verdict = verdict_of(evidence(), *rules)
        assert (verdict.state, verdict.reason_code) == (State.FAILED, "policy-empty")


def test_a_rule_that_says_nothing_did_not_run_and_fails() -> None:
    verdict = verdict_of(evidence(), SilentRule())
    assert (verdict.state, verdict.reason_code) == (State.FAILED, "rule-did-not-run")


def test_an_index_without_images_fails_unless_something_could_not_be_asked() -> None:
    assert verdict_of(evidence(index_node()), UserRoot()).reason_code == "image-missing"
    gap = Unavailable("child sha256:x", Cause.VANISHED, "")
    verdict = verdict_of(evidence(index_node(), unavailable=(gap,)), UserRoot())
    assert (verdict.state, verdict.reason_code) == (State.INDETERMINATE, "child-unavailable")


def test_an_index_of_artifacts_is_judged_where_the_scope_judges_artifacts() -> None:
    of = evidence(index_node(signatures=signed()))
    assert verdict_of(of, SignatureMissing(), artifacts=Artifacts.JUDGE).state is State.PASSED


# --- platforms ----------------------------------------------------------------------------------------------------


def test_only_listed_platforms_are_judged_and_one_must_be_there() -> None:
    of = evidence(index_node(), node("amd"), node("arm", user="0", platform=ARM))
    assert verdict_of(of, UserRoot()).state is State.FAILED
    assert verdict_of(of, UserRoot(), platforms=("linux/amd64",)).state is State.PASSED
    for listed in ("linux/arm64", "linux/arm64/v8"):
        verdict = verdict_of(of, UserRoot(), platforms=(listed,))
        assert [finding.digest for finding in verdict.violations_at(None)] == [digest("arm")]
    missing = verdict_of(of, UserRoot(), platforms=("linux/arm64/v7", "windows/amd64"))
    assert (missing.state, missing.reason_code) == (State.FAILED, "platform-missing")


def test_an_image_of_unknown_platform_is_judged_whatever_is_listed() -> None:
    hidden = node("hidden", facts=OUTAGE, platform=None)
    verdict = verdict_of(evidence(index_node(), node("amd"), hidden), UserRoot(), platforms=("linux/amd64",))
    assert verdict.state is State.INDETERMINATE


def test_platforms_do_not_restrict_an_image_that_is_no_index() -> None:
    assert (
        verdict_of(evidence(node(platform=ARM)), UserRoot(), platforms=("linux/amd64",)).state is State.PASSED
    )


def test_a_verdict_says_which_child_failed() -> None:
    of = evidence(index_node(), node("amd"), node("arm", user="0", platform=ARM))
    (finding,) = verdict_of(of, UserRoot()).violations_at(None)
    assert (finding.digest, finding.platform) == (digest("arm"), "linux/arm64/v8")


# --- indeterminate, levels, tags ----------------------------------------------------------------------------------


def test_what_could_not_be_asked_about_the_subject_makes_it_indeterminate() -> None:
    verdict = verdict_of(evidence(unavailable=(OUTAGE,)), UserRoot())
    assert (verdict.state, verdict.reason_code) == (State.INDETERMINATE, "referrers-unavailable")
    assert verdict.findings[0].rule == "evidence"


def test_a_violation_weighs_more_than_an_open_question() -> None:
    of = evidence(node(user="0", signatures=OUTAGE))
    assert verdict_of(of, SignatureMissing(), UserRoot()).reason_code == "user-root"


def test_a_warning_is_recorded_and_changes_nothing() -> None:
    verdict = verdict_of(ROOT_USER, UserRoot(level=Level.WARN))
    assert (verdict.state, verdict.reason_code) == (State.PASSED, "passed")
    assert verdict.findings[0].result is Result.VIOLATED


def test_a_rules_answer_may_have_a_level_of_its_own() -> None:
    of = evidence(node(facts=config(created=None)))
    assert verdict_of(of, ImageTooOld()).state is State.PASSED
    assert verdict_of(of, ImageTooOld(no_date=Level.FAIL)).state is State.FAILED


def test_a_finding_about_a_tag_concerns_that_tag_alone() -> None:
    of = evidence()
    verdict = decide(policy(TagLatest()), subject(of, tags=("v1", "latest", "v1")), of, (), NOW)
    assert verdict.state is State.PASSED
    assert verdict.subject.tags == ("latest", "v1")
    assert (verdict.state_at("latest"), verdict.reason_at("latest")) == (State.FAILED, "tag-latest")
    assert (verdict.state_at("v1"), verdict.reason_at("v1")) == (State.PASSED, "passed")
    assert verdict.state_at(None) is State.PASSED


def test_the_verdict_records_its_key() -> None:
    scoped = policy(UserRoot())
    of = evidence()
    verdict = decide(scoped, subject(of), of, (), NOW)
    assert (verdict.policy_revision, verdict.scope) == (scoped.revision, "all")
    assert (verdict.evidence, verdict.trust, verdict.decided_at) == (of.digest, of.trust, NOW)


# --- when it is looked at again -----------------------------------------------------------------------------------


def test_it_is_looked_at_again_at_the_first_moment_that_could_change_it() -> None:
    of = evidence()
    assert verdict_of(of, UserRoot(), recheck_after=timedelta(hours=3)).recheck_at == NOW + timedelta(hours=3)
    aging = verdict_of(of, ImageTooOld(max_age=timedelta(days=3, hours=1)))
    assert aging.recheck_at == NOW + timedelta(hours=1, microseconds=1)
    fresh = subject(of, seen=NOW - timedelta(minutes=4))
    assert decide(policy(SignatureMissing()), fresh, of, (), NOW).recheck_at == NOW + timedelta(minutes=6)
    assert verdict_of(ROOT_USER, UserRoot(), waivers=(waiver(),)).recheck_at == NOW + timedelta(hours=5)


# --- waivers and releases -----------------------------------------------------------------------------------------


def test_a_release_accepts_exactly_the_fingerprints_shown() -> None:
    shown = frozenset(
        finding.fingerprint for finding in verdict_of(ROOT_USER, UserRoot()).violations_at(None)
    )
    release = waiver(
        rule=None, fingerprints=shown, digest=ROOT_USER.root.digest, repository_glob=str(REPOSITORY)
    )
    verdict = verdict_of(ROOT_USER, UserRoot(), waivers=(release,))
    assert (verdict.state, verdict.reason_code) == (State.PASSED, "passed-with-waiver")
    assert [finding.waived_by for finding in verdict.findings] == ["w1"]
    new = verdict_of(ROOT_USER, UserRoot(), SignatureMissing(), waivers=(release,))
    assert [finding.rule for finding in new.violations_at(None)] == ["signature-missing"]


def test_a_release_survives_another_level_and_ends_with_other_parameters() -> None:
    (shown,) = verdict_of(ROOT_USER, UserRoot(level=Level.WARN)).findings
    release = waiver(rule=None, fingerprints=frozenset({shown.fingerprint}))
    assert verdict_of(ROOT_USER, UserRoot(), waivers=(release,)).state is State.PASSED
    assert verdict_of(ROOT_USER, UserRoot(require_numeric=True), waivers=(release,)).state is State.FAILED


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, State.PASSED),
        ({"expires_at": None}, State.PASSED),
        ({"expires_at": NOW}, State.FAILED),
        ({"digest": digest("app")}, State.PASSED),
        ({"digest": digest("other")}, State.FAILED),
        ({"repository_glob": "registry.example/team/*"}, State.PASSED),
        ({"repository_glob": "registry.example/other/*"}, State.FAILED),
        ({"digest": digest("app"), "repository_glob": "registry.example/other/*"}, State.FAILED),
        ({"rule": "signature-missing"}, State.FAILED),
        ({"rule": None}, State.FAILED),
        ({"fingerprints": frozenset({"sha256:other"})}, State.FAILED),
    ],
)
def test_a_waiver_covers_what_it_names(changes: dict[str, object], state: State) -> None:
    assert verdict_of(ROOT_USER, UserRoot(), waivers=(waiver(**changes),)).state is state


def test_a_waiver_for_a_child_accepts_only_that_childs_findings() -> None:
    of = evidence(index_node(), node("amd", user="0"), node("arm", user="0", platform=ARM))
    verdict = verdict_of(of, UserRoot(), waivers=(waiver(digest=digest("amd")),))
    assert [finding.digest for finding in verdict.violations_at(None)] == [digest("arm")]


def test_nobody_accepts_an_outage_or_an_empty_policy_in_advance() -> None:
    gone = evidence(unavailable=(OUTAGE,))
    assert verdict_of(gone, UserRoot(), waivers=(waiver(rule="evidence"),)).state is State.INDETERMINATE
    (finding,) = verdict_of(gone, UserRoot()).counting_at(None)
    shown = waiver(rule=None, fingerprints=frozenset({finding.fingerprint}))
    assert verdict_of(gone, UserRoot(), waivers=(shown,)).state is State.INDETERMINATE
    assert verdict_of(evidence(), waivers=(waiver(rule="policy"),)).state is State.FAILED


def test_junk_that_a_person_was_shown_can_be_released() -> None:
    of = evidence(node(signatures=JUNK))
    (finding,) = verdict_of(of, SignatureMissing()).counting_at(None)
    release = waiver(rule=None, fingerprints=frozenset({finding.fingerprint}))
    assert verdict_of(of, SignatureMissing(), waivers=(release,)).state is State.PASSED


def test_a_date_that_could_not_be_asked_weighs_as_much_as_a_missing_one() -> None:
    rule = ImageTooOld(level=Level.WARN, no_date=Level.FAIL)
    assert verdict_of(evidence(node(facts=config(created=None))), rule).state is State.FAILED
    assert verdict_of(evidence(node(facts=OUTAGE)), rule).state is State.INDETERMINATE


# --- for any evidence ---------------------------------------------------------------------------------------------

ANY = st.tuples(
    strategies.EVIDENCE,
    strategies.RULE_LISTS,
    strategies.SCOPES,
    st.lists(strategies.WAIVERS, max_size=3).map(tuple),
)
Given = tuple[Evidence, tuple[Rule, ...], object, tuple[Waiver, ...]]


def judged(
    given_values: Given, of: Evidence | None = None, waivers: tuple[Waiver, ...] | None = None
) -> Verdict:
    first, rules, scope, accepted = given_values
    scoped = dataclasses.replace(policy(*rules), scope=scope)  # type: ignore[arg-type]
    whole = of or first
    return decide(
        scoped, subject(whole, tags=("latest", "v1")), whole, accepted if waivers is None else waivers, NOW
    )


def turned(part: Candidates | Sboms | Absent | Unavailable) -> Any:
    match part:
        case Candidates(items, gap):
            return Candidates(items[::-1], gap)
        case Sboms(documents, gap):
            return Sboms(documents[::-1], gap)
    return part


def reversed_inside(of: Evidence) -> Evidence:
    def turn(part: NodeEvidence) -> NodeEvidence:
        return dataclasses.replace(part, signatures=turned(part.signatures), sboms=turned(part.sboms))

    return dataclasses.replace(
        of, root=turn(of.root), children=tuple(map(turn, of.children)), unavailable=of.unavailable[::-1]
    )


@given(ANY)
def test_equal_arguments_give_equal_bytes_in_whatever_order_they_were_gathered(values: Given) -> None:
    verdict = judged(values)
    assert canonical_bytes(verdict) == canonical_bytes(judged(values))
    turned = judged(values, reversed_inside(values[0]), values[3][::-1])
    assert canonical_bytes(turned) == canonical_bytes(verdict)


@given(ANY, strategies.GAPS, st.sampled_from(["whole", "signatures", "sboms", "config"]))
def test_what_could_not_be_asked_never_turns_failed_into_passed(
    values: Given, gap: Unavailable, where: str
) -> None:
    of = values[0]
    if where == "whole":
        worse = dataclasses.replace(of, unavailable=(*of.unavailable, gap))
    else:
        worse = dataclasses.replace(of, root=dataclasses.replace(of.root, **{where: gap}))  # type: ignore[arg-type]
    before, after = judged(values), judged(values, worse)
    if before.state is State.FAILED:
        assert after.state is not State.PASSED


@given(ANY)
def test_a_gap_beside_candidates_never_turns_failed_into_passed(values: Given) -> None:
    of = values[0]
    if not isinstance(of.root.signatures, Candidates):
        return
    root = dataclasses.replace(of.root, signatures=dataclasses.replace(of.root.signatures, gap=OUTAGE))
    after = judged(values, dataclasses.replace(of, root=root))
    assert not (judged(values).state is State.FAILED and after.state is State.PASSED)


@given(ANY, st.sampled_from(["signature-missing", "user-root", "sbom-missing"]))
def test_a_waiver_for_one_rule_never_changes_another(values: Given, rule: str) -> None:
    plain = judged(values, waivers=())
    waived = judged(values, waivers=(waiver(rule=rule),))
    for before, after in zip(plain.findings, waived.findings, strict=True):
        if before.rule != rule:
            assert after == before
        else:
            assert dataclasses.replace(after, waived_by=None) == before


@given(ANY)
def test_a_verdict_is_passed_only_when_nothing_counts_and_something_was_looked_at(values: Given) -> None:
    verdict = judged(values)
    assert verdict.findings
    counting = [finding for finding in verdict.findings if finding.counts and finding.tag is None]
    assert (verdict.state is State.PASSED) == (not counting)
    assert verdict.state_at(None) is verdict.state
    assert verdict.recheck_at >= NOW


def test_absent_evidence_is_told_from_unavailable_evidence_by_fingerprint() -> None:
    (absent,) = verdict_of(evidence(), SignatureMissing()).findings
    (unavailable,) = verdict_of(evidence(node(signatures=OUTAGE)), SignatureMissing()).findings
    assert absent.fingerprint != unavailable.fingerprint


def test_an_outages_wording_does_not_change_its_fingerprint() -> None:
    slower = dataclasses.replace(OUTAGE, detail="no answer within 30.1 s")
    found = {
        verdict_of(evidence(node(signatures=gap)), SignatureMissing()).findings[0].fingerprint
        for gap in (OUTAGE, slower)
    }
    assert len(found) == 1


def test_a_candidate_more_changes_no_other_fingerprint() -> None:
    before = verdict_of(ROOT_USER, UserRoot(), SignatureMissing())
    after = verdict_of(
        evidence(node(user="0", signatures=signed(candidate(None)))), UserRoot(), SignatureMissing()
    )
    assert before.findings[0].fingerprint == after.findings[0].fingerprint
    assert before.findings[1].fingerprint != after.findings[1].fingerprint
