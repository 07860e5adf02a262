"""``plan``: from a verdict to what may be done about one tag. Pure; the caller records and carries out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Unavailable
from gatekeeper.core.lifecycle import Budget, Case, CaseFile, CaseState, IntentKind
from gatekeeper.core.policy import Action, Existing, Mode, Scope, ScopedPolicy
from gatekeeper.core.verdict import Result, State, Verdict


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing to do, and why: ``passed``, ``settling``, ``action-report``, ``mode-observe``, ``held`` …"""

    reason_code: str


@dataclass(frozen=True, slots=True)
class Propose:
    """A case for a person, no write. ``trips_breaker`` names the cap that was used up."""

    action: Action
    why: str
    trips_breaker: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Carry out: open a case and write an intent of this kind. ``replacement`` None means a tombstone."""

    action: Action
    kind: IntentKind
    replacement: Digest | None


@dataclass(frozen=True, slots=True)
class ProposeRelease:
    """The quarantined digest passes now (a late signature): propose to put it back."""

    case_id: str


@dataclass(frozen=True, slots=True)
class Supersede:
    """The proposal has lost its reason (the digest passes now, or the tag moved on): close it."""

    case_id: str
    why: str


RESTORED_BEFORE = "restored-before"
RELEASE_ENDED = "release-ended"
STANDING = frozenset({RESTORED_BEFORE, RELEASE_ENDED})
"""Why a proposal follows from what a person decided before: its fingerprints are only ever added to."""

SCAN_EVIDENCE = frozenset({"scan-evidence-missing", "scan-evidence-stale"})
"""Rules about evidence that is not there: alone they move nothing unless the scope says so."""

Plan = Nothing | Propose | Act | ProposeRelease | Supersede

_KINDS: Mapping[Action, IntentKind] = {
    Action.QUARANTINE: IntentKind.QUARANTINE,
    Action.RETAG: IntentKind.RETAG,
    Action.ROLLBACK: IntentKind.ROLLBACK,
}


def plan(case: CaseFile, verdict: Verdict, policy: ScopedPolicy, budget: Budget, now: datetime) -> Plan:
    """What may be done about one tag. Only a violation acts; an open question never does (law 2)."""
    state = verdict.state_at(case.tag)
    if state is State.PASSED:
        return _plan_passed(case, verdict)
    if state is State.INDETERMINATE:
        return _plan_indeterminate(case, verdict, policy.scope, now)
    return _plan_failed(case, verdict, policy.scope, budget, now)


def _plan_passed(file: CaseFile, verdict: Verdict) -> Plan:
    case = file.case
    if case is None or file.tag not in case.tags:
        return Nothing("passed")
    if case.state is CaseState.PROPOSED:
        passes_everywhere = all(verdict.state_at(tag) is State.PASSED for tag in case.tags)
        return Supersede(case.id, "passed") if passes_everywhere else Nothing("passed")
    if case.state is CaseState.OPEN or (case.state is CaseState.KEPT and case.why_proposed is None):
        return ProposeRelease(case.id)
    return Nothing("passed")


def _plan_indeterminate(file: CaseFile, verdict: Verdict, scope: Scope, now: datetime) -> Plan:
    handled = _handled(file)
    if handled is not None:
        return handled
    by_content = any(
        finding.counts
        and finding.result is Result.UNDETERMINED
        and finding.tag in (None, file.tag)
        and isinstance(finding.basis, Unavailable)
        and finding.basis.cause.blames_content
        for finding in verdict.findings
    )
    since = file.failing_since
    long_enough = since is not None and now - since >= scope.indeterminate_after
    if by_content and long_enough and scope.mode is not Mode.OBSERVE:
        return Propose(scope.action, "indeterminate-by-content")
    return Nothing("indeterminate")


def _plan_failed(file: CaseFile, verdict: Verdict, scope: Scope, budget: Budget, now: datetime) -> Plan:
    if scope.action is Action.REPORT:
        return Nothing("action-report")
    if scope.mode is Mode.OBSERVE:
        return Nothing("mode-observe")
    violations = verdict.violations_at(file.tag)
    if file.feed_waits:
        return Nothing("feed-waits")
    if file.stabilizing:
        return Nothing("feed-stabilizing")
    if not scope.act_on_unscanned and all(finding.rule in SCAN_EVIDENCE for finding in violations):
        return Nothing("scan-evidence-only")
    if all(finding.settles for finding in violations) and now < verdict.subject.first_seen + scope.settle:
        return Nothing("settling")
    shown = frozenset(finding.fingerprint for finding in violations)
    handled = _handled(file, shown)
    if handled is not None:
        return handled
    if file.points_at != verdict.subject.digest:
        return _plan_moved(file, verdict)
    why = _left_to_a_person(file, verdict, scope, shown)
    return _plan_enforced(file, scope, budget) if why is None else Propose(scope.action, why)


def _left_to_a_person(file: CaseFile, verdict: Verdict, scope: Scope, shown: frozenset[str]) -> str | None:
    """Why it is proposed only, whatever caps and brakes say; None when it may be acted on."""
    if _stands(file.case, CaseState.RESTORED, RESTORED_BEFORE, shown):
        return RESTORED_BEFORE
    if _stands(file.case, CaseState.RELEASED, RELEASE_ENDED, shown):
        return RELEASE_ENDED
    if scope.mode is Mode.PROPOSE:
        return "mode-propose"
    if scope.protects(verdict.subject.repository, file.tag):
        return "protected"
    if file.existing and scope.existing is Existing.PROPOSE:
        return "seen-before-enforcement"
    return "change-not-accepted" if file.turned else None


def _plan_enforced(file: CaseFile, scope: Scope, budget: Budget) -> Plan:
    if budget.hold is not None:
        return Nothing("held")
    if budget.recovery is not None:
        return Propose(scope.action, "database-behind")
    if budget.breaker is not None:
        return Propose(scope.action, "breaker-open")
    exhausted = budget.exhausted
    if exhausted is not None:
        return Propose(scope.action, f"cap-{exhausted.replace('_', '-')}", trips_breaker=exhausted)
    if file.predecessor is not None:
        return Act(scope.action, _KINDS[scope.action], file.predecessor)
    if scope.action is Action.ROLLBACK:
        return Propose(scope.action, "no-anchored-predecessor")
    if scope.empty_tags:
        return Act(scope.action, _KINDS[scope.action], None)
    return Propose(scope.action, "would-empty-tag")


def _plan_moved(file: CaseFile, verdict: Verdict) -> Plan:
    """The tag shows something else already; whatever that is has a verdict of its own."""
    case = file.case
    if (
        case is not None
        and case.state is CaseState.PROPOSED
        and not set(case.tags) & set(verdict.subject.tags)
    ):
        return Supersede(case.id, "tag-moved")
    return Nothing("tag-moved")


def _handled(file: CaseFile, shown: frozenset[str] = frozenset()) -> Nothing | None:
    """Nothing to do, because this tag is in a case that was acted on, or that a person has dismissed."""
    case = file.case
    if case is None or file.tag not in case.tags:
        return None
    if case.state is CaseState.OPEN:
        return Nothing("already-open")
    # Of a dismissed proposal nothing was written: findings that were not shown to that person act.
    if case.state is CaseState.KEPT and (case.why_proposed is None or shown <= case.fingerprints):
        return Nothing("kept")
    return None


def _stands(case: Case | None, decided: CaseState, why: str, shown: frozenset[str]) -> bool:
    """True while what a person once decided stands: nothing acts by itself until there are new findings."""
    if case is None or not shown <= case.fingerprints:
        return False
    return case.state is decided or (case.state is CaseState.PROPOSED and case.why_proposed == why)
