"""``explain``: the tree rule -> evidence -> remedy behind an answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Absent, Unavailable
from gatekeeper.core.reference import Reference
from gatekeeper.core.verdict import Finding, Level, Result
from gatekeeper.workflow.answer import Answer
from gatekeeper.workflow.explained_candidates import ExplainedCandidate, explained_candidates
from gatekeeper.workflow.status import status
from gatekeeper.workflow.workroom import Workroom

_WORST = (Result.VIOLATED, Result.UNDETERMINED, Result.SATISFIED)


@dataclass(frozen=True, slots=True)
class ExplainedRule:
    """One rule with everything it found; the worst result first."""

    rule: str
    level: Level
    result: Result
    counts: bool
    """True when it weighs on the answer."""
    findings: tuple[ExplainedFinding, ...]


@dataclass(frozen=True, slots=True)
class ExplainedFinding:
    """One finding with its evidence in words."""

    result: Result
    reason_code: str
    message: str
    evidence: str
    remedy: str
    digest: Digest
    platform: str | None
    tag: str | None
    waived_by: str | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer and the tree below it. ``core.canonical.to_plain`` makes JSON of it."""

    answer: Answer
    rules: tuple[ExplainedRule, ...]
    candidates: tuple[ExplainedCandidate, ...] = ()
    """Every signature and attestation that was found, whatever became of it."""


def explain(room: Workroom, reference: Reference, *, wait: timedelta | None = None) -> Explanation:
    """Everything behind the recorded answer. Raises what ``status`` raises."""
    answer = status(room, reference, wait=wait)
    evidence = None if answer.verdict is None else room.store.evidence(answer.verdict.evidence)
    if evidence is None:
        return explanation_of(answer)
    found = explained_candidates(evidence, room.policy().signers, room.signatures, room.clock.now())
    return explanation_of(answer, found)


def explanation_of(answer: Answer, candidates: tuple[ExplainedCandidate, ...] = ()) -> Explanation:
    """The tree of an answer; rules that weigh on it first."""
    if answer.verdict is None:
        return Explanation(answer, (), candidates)
    by_rule: dict[str, list[Finding]] = {}
    for finding in answer.verdict.findings:
        if answer.tag is None or finding.tag in (None, answer.tag):
            by_rule.setdefault(finding.rule, []).append(finding)
    rules = [_rule(rule, findings) for rule, findings in by_rule.items()]
    return Explanation(
        answer,
        tuple(sorted(rules, key=lambda rule: (not rule.counts, _WORST.index(rule.result)))),
        candidates,
    )


def _rule(rule: str, findings: list[Finding]) -> ExplainedRule:
    ordered = sorted(findings, key=lambda finding: _WORST.index(finding.result))
    return ExplainedRule(
        rule=rule,
        level=ordered[0].level,
        result=ordered[0].result,
        counts=any(finding.counts for finding in ordered),
        findings=tuple(_finding(finding) for finding in ordered),
    )


def _finding(finding: Finding) -> ExplainedFinding:
    return ExplainedFinding(
        result=finding.result,
        reason_code=finding.reason_code,
        message=finding.message,
        evidence=evidence_text(finding.basis),
        remedy=finding.remedy,
        digest=finding.digest,
        platform=finding.platform,
        tag=finding.tag,
        waived_by=finding.waived_by,
        fingerprint=finding.fingerprint,
    )


def evidence_text(basis: Digest | Absent | Unavailable) -> str:
    """What a finding rests on, in words."""
    match basis:
        case Absent(kind):
            return f"asked everywhere, there is no {kind}"
        case Unavailable(source, cause, detail):
            return f"could not ask for {source} ({cause}): {detail}"
        case _:
            return str(basis)
