"""The answer to "may this digest be used?", the same for the command line, the API and the pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gatekeeper.core.digest import Digest
from gatekeeper.core.exit_codes import ExitCode
from gatekeeper.core.lifecycle import Brake, Case, CaseState
from gatekeeper.core.policy import Policy, ScopedPolicy
from gatekeeper.core.reference import Repository
from gatekeeper.core.tombstone import TombstoneFacts
from gatekeeper.core.verdict import Finding, Result, State, Verdict
from gatekeeper.ports import StatusRow


class AnswerState(StrEnum):
    """What is said to whoever asks."""

    PASSED = "passed"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    INDETERMINATE = "indeterminate"
    UNKNOWN = "unknown"
    """Never seen in this repository; it is verified ahead of the sweeps now."""
    NOT_COVERED = "not-covered"
    WAITING = "waiting"
    """A verdict is due (again), or the only findings are evidence that may still arrive."""

    @property
    def final(self) -> bool:
        """False while waiting longer could change it."""
        return self not in (AnswerState.UNKNOWN, AnswerState.WAITING)


EXIT_CODES = {
    AnswerState.PASSED: ExitCode.PASSED,
    AnswerState.FAILED: ExitCode.FAILED,
    AnswerState.QUARANTINED: ExitCode.FAILED,
    AnswerState.INDETERMINATE: ExitCode.INDETERMINATE,
    AnswerState.UNKNOWN: ExitCode.INDETERMINATE,
    AnswerState.NOT_COVERED: ExitCode.INDETERMINATE,
    AnswerState.WAITING: ExitCode.INDETERMINATE,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The recorded verdict about one digest in one repository. ``core.canonical.to_plain`` makes JSON of it."""

    state: AnswerState
    reason_code: str
    exit_code: int
    repository: Repository
    digest: Digest | None
    """None only when no scope covers the repository: then nothing was resolved."""
    tag: str | None
    """The tag that was asked for, if any."""
    message: str
    next: str
    """What the reader can do about it."""
    verdict: Verdict | None = None
    case: Case | None = None
    decided_at: datetime | None = None
    version: str = ""
    """Changes whenever the recorded row does (ETag)."""
    brakes: tuple[Brake, ...] = ()
    """What keeps us from acting on it now; told of what failed or is quarantined."""

    @property
    def subject(self) -> str:
        """``repository@digest``: what the answer is about."""
        return f"{self.repository}@{self.digest}" if self.digest is not None else str(self.repository)


def not_covered(repository: Repository, tag: str | None, digest: Digest | None, policy: Policy) -> Answer:
    """No scope decides about this repository."""
    quarantine = policy.is_quarantine(repository)
    return _answer(
        AnswerState.NOT_COVERED,
        "quarantine-repository" if quarantine else "scope-missing",
        repository,
        digest,
        tag,
        "quarantine repositories are never judged" if quarantine else "no scope of the policy covers it",
        "ask for the source repository"
        if quarantine
        else f"add a scope that covers {repository} to the policy",
    )


def unseen(repository: Repository, digest: Digest, tag: str | None) -> Answer:
    """A digest that was never recorded in this repository."""
    return _answer(
        AnswerState.UNKNOWN,
        "not-yet-judged",
        repository,
        digest,
        tag,
        "this digest was never judged in this repository; it is next in line now",
        "ask again with --wait",
    )


def buried(repository: Repository, tag: str | None, facts: TombstoneFacts) -> Answer:
    """The tag shows a tombstone of ours that this database knows nothing of."""
    return _answer(
        AnswerState.QUARANTINED,
        facts.reason_code or "quarantined",
        repository,
        facts.digest,
        tag,
        f"quarantined as case {facts.case_id}, says its tombstone; this database does not know the case",
        f"run `gatekeeper quarantine recover`; then {facts.who_can_release or 'a reviewer'} can release it",
    )


def no_subject(repository: Repository, digest: Digest, tag: str | None, kind: str) -> Answer:
    """A digest that is never judged: evidence, a chart, one of our own records."""
    return _answer(
        AnswerState.NOT_COVERED,
        "not-an-image",
        repository,
        digest,
        tag,
        f"this digest is no image ({kind}): it is never judged",
        'ask for the image itself, or set artifacts = "judge" in its scope',
    )


def acted_on(case: Case) -> bool:
    """True while the registry shows what we put in place of this digest (a kept proposal changed nothing)."""
    return case.state is CaseState.OPEN or (case.state is CaseState.KEPT and case.why_proposed is None)


def recorded(
    row: StatusRow, tag: str | None, scoped: ScopedPolicy, *, now: datetime, grace: timedelta
) -> Answer:
    """The answer that a recorded row gives. ``grace``: how long past its recheck a pass still answers."""
    verdict, case = row.verdict, row.case
    if case is not None and acted_on(case):
        return _of_case(row, case, tag)
    if verdict is None:
        return _of_row(
            row, tag, AnswerState.WAITING, "not-yet-judged", "seen, not yet judged", "ask again with --wait"
        )
    if verdict.policy_revision != scoped.revision:
        return _of_row(
            row,
            tag,
            AnswerState.WAITING,
            "policy-changed",
            "judged under an older policy; due again",
            "ask again",
        )
    if row.due or now >= good_until(verdict, tag, scoped.scope.recheck_after, grace):
        return _of_row(
            row,
            tag,
            AnswerState.WAITING,
            "verdict-due",
            "the last verdict is due again",
            "ask again with --wait",
        )
    state = verdict.state_at(tag)
    if state is State.FAILED and settling(verdict, tag, scoped.scope.settle, now):
        return _of_row(
            row,
            tag,
            AnswerState.WAITING,
            "settling",
            f"{verdict.reason_at(tag)}: the missing evidence may still arrive",
            f"attach it before {verdict.subject.first_seen + scoped.scope.settle:%Y-%m-%d %H:%M:%S} UTC",
        )
    said, reason, message, following = _said(verdict, tag)
    return _of_row(row, tag, said, reason, message, following)


def good_until(verdict: Verdict, tag: str | None, recheck_after: timedelta, grace: timedelta) -> datetime:
    """Until when the recorded verdict answers.

    Only a pass that is to be looked at again as a matter of routine answers longer, while nobody can look. One that
    rests on a waiver, or that time alone ends, is over to the second.
    """
    routine = verdict.recheck_at >= verdict.decided_at + recheck_after
    waived = any(finding.waived_by is not None for finding in verdict.findings)
    if verdict.state_at(tag) is not State.PASSED or waived or not routine:
        return verdict.recheck_at
    end = verdict.recheck_at + grace
    return end if verdict.fails_at is None else min(end, max(verdict.fails_at, verdict.recheck_at))


def settling(verdict: Verdict, tag: str | None, settle: timedelta, now: datetime) -> bool:
    """True when every counting violation is evidence that may still arrive, and its time is not over."""
    if now >= verdict.subject.first_seen + settle:
        return False
    violated = [
        finding
        for finding in verdict.findings
        if finding.counts and finding.result is Result.VIOLATED and finding.tag in (None, tag)
    ]
    return bool(violated) and all(finding.settles for finding in violated)


def _of_case(row: StatusRow, case: Case, tag: str | None) -> Answer:
    passes = row.verdict is not None and row.verdict.state_at(tag) is State.PASSED
    message = f"quarantined as case {case.id} ({case.reason_code})"
    if passes:
        message += "; the digest passes now, its release is proposed"
    return _of_row(
        row,
        tag,
        AnswerState.QUARANTINED,
        case.reason_code,
        message,
        f"a reviewer can run: gatekeeper quarantine release {case.id} --reason TEXT",
    )


def judged(verdict: Verdict, tag: str | None) -> Answer:
    """The answer of a verdict that is not recorded (``check``)."""
    state, reason, message, following = _said(verdict, tag)
    subject = verdict.subject
    return _answer(
        state, reason, subject.repository, subject.digest, tag, message, following, verdict=verdict
    )


def _said(verdict: Verdict, tag: str | None) -> tuple[AnswerState, str, str, str]:
    """(state, reason code, message, what to do) of a verdict at one tag."""
    state, reason = verdict.state_at(tag), verdict.reason_at(tag)
    wanted = {State.FAILED: Result.VIOLATED, State.INDETERMINATE: Result.UNDETERMINED}.get(state)
    for finding in verdict.findings:
        if finding.counts and finding.result is wanted and finding.tag in (None, tag):
            return AnswerState(str(state)), reason, finding.message, finding.remedy
    waived = reason == "passed-with-waiver"
    message = "every finding is satisfied or accepted" if waived else "every rule is satisfied"
    if verdict.failing_later:
        first = verdict.failing_later[0]
        return AnswerState(str(state)), reason, f"{message}; {will_fail(first)}", first.remedy
    return AnswerState(str(state)), reason, message, ""


def will_fail(finding: Finding) -> str:
    """What strikes when, if nothing but time changes."""
    return f"will fail on {finding.fails_at:%Y-%m-%d %H:%M} UTC: {finding.message}"


def _of_row(
    row: StatusRow, tag: str | None, state: AnswerState, reason: str, message: str, following: str
) -> Answer:
    return _answer(
        state,
        reason,
        row.repository,
        row.digest,
        tag,
        message,
        following,
        verdict=row.verdict,
        case=row.case,
        version=row.version,
    )


def _answer(
    state: AnswerState,
    reason: str,
    repository: Repository,
    digest: Digest | None,
    tag: str | None,
    message: str,
    following: str,
    *,
    verdict: Verdict | None = None,
    case: Case | None = None,
    version: str = "",
) -> Answer:
    return Answer(
        state=state,
        reason_code=reason,
        exit_code=int(EXIT_CODES[state]),
        repository=repository,
        digest=digest,
        tag=tag,
        message=message,
        next=following,
        verdict=verdict,
        case=case,
        decided_at=verdict.decided_at if verdict is not None else None,
        version=version,
    )
