"""``decide``: the one evaluator (law 5). Evidence, policy, waivers and a time in; a verdict out. Pure.

1. restrict an index to the platforms that the scope judges
2. say what could not be asked, run every rule, and say so when one did not run
3. let waivers and releases accept findings
4. weigh: a violation fails, an open question makes indeterminate, and only what is left passes
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import cast

from gatekeeper.core.canonical import Plain, canonical_digest, to_plain
from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Absent, Evidence, Unavailable
from gatekeeper.core.inventory import NO_DOCUMENTS, Inventory
from gatekeeper.core.manifest import DOCKER_LIST, OCI_INDEX
from gatekeeper.core.platforms import is_listed
from gatekeeper.core.policy import Artifacts, ScopedPolicy, matches_any
from gatekeeper.core.rules.rule import Check, Context, Rule
from gatekeeper.core.rules.unasked import unasked
from gatekeeper.core.scan import NOT_SCANNED, Scan
from gatekeeper.core.verdict import EVALUATOR, Finding, Level, Result, State, Subject, Verdict
from gatekeeper.core.waiver import Waiver

POLICY = "policy"
"""Pseudo-rule of findings about the policy itself: it judges nothing."""

EVIDENCE = "evidence"
"""Pseudo-rule of findings about what could not be gathered."""

_PSEUDO_RULES = frozenset({POLICY, EVIDENCE})


def decide(
    policy: ScopedPolicy,
    subject: Subject,
    evidence: Evidence,
    waivers: tuple[Waiver, ...],
    now: datetime,
    scan: Scan = NOT_SCANNED,
    inventory: Inventory = NO_DOCUMENTS,
) -> Verdict:
    """Judges one subject. Equal arguments give byte-identical verdicts, in whatever order they were gathered."""
    judged = _on_platforms(evidence, policy.scope.platforms)
    context = Context(
        subject=dataclasses.replace(subject, tags=tuple(sorted(set(subject.tags)))),
        evidence=judged,
        signers=dict(sorted(policy.signers.items())),
        now=now,
        scan=scan,
        trust_roots={root.name: root for root in policy.trust_roots},
        inventory=inventory,
    )
    checked = tuple(_checks(policy, context, evidence))
    active = tuple(sorted((waiver for waiver in waivers if waiver.active(now)), key=lambda waiver: waiver.id))
    findings = tuple(_waived(finding, context.subject, active) for finding, _ in checked)
    state, reason_code = _weigh(findings)
    return Verdict(
        state=state,
        reason_code=reason_code,
        subject=context.subject,
        scope=policy.scope.name,
        policy_revision=policy.revision,
        evidence=evidence.digest,
        trust=evidence.trust,
        evaluator=EVALUATOR,
        findings=findings,
        decided_at=now,
        recheck_at=_recheck_at(
            policy, context, findings, [moment for _, moments in checked for moment in moments], active
        ),
    )


def _on_platforms(evidence: Evidence, platforms: tuple[str, ...]) -> Evidence:
    if not platforms or not evidence.children:
        return evidence
    kept = tuple(child for child in evidence.children if is_listed(child.platform, platforms))
    return dataclasses.replace(evidence, children=kept)


_Checked = tuple[Finding, tuple[datetime | None, ...]]


def _checks(policy: ScopedPolicy, context: Context, evidence: Evidence) -> Iterator[_Checked]:
    """Findings before waivers, each with the moments at which time alone changes it."""
    digest = context.subject.digest
    for gap in evidence.unavailable:
        yield _found(EVIDENCE, Level.FAIL, {}, unasked(gap, digest, None)), ()
    rules = [rule for rule in policy.rules.rules if rule.level is not Level.OFF]
    if not rules:
        yield _found(POLICY, Level.FAIL, {}, _policy_empty(digest)), ()
    if _has_no_image(policy, context.evidence):
        # With a gap the missing image may be what could not be asked; the findings above say so.
        if not evidence.unavailable:
            yield _found(EVIDENCE, Level.FAIL, {}, _no_image(digest, evidence)), ()
        return
    for rule in rules:
        parameters = _parameters(rule)
        checks = tuple(rule.check(context)) or (_did_not_run(rule, digest),)
        for check in checks:
            yield (
                _found(rule.id, check.level or rule.level, parameters, check),
                (check.deadline, check.fails_at),
            )


def _has_no_image(policy: ScopedPolicy, judged: Evidence) -> bool:
    if judged.root.media_type not in (OCI_INDEX, DOCKER_LIST) or judged.children:
        return False
    return bool(policy.scope.platforms) or policy.scope.artifacts is Artifacts.IGNORE


def _policy_empty(digest: Digest) -> Check:
    message = "No rule applies to this image, and a policy that demands nothing passes nothing."
    remedy = "Name rules in the policy of this scope, or exclude the repository from it."
    return Check(Result.VIOLATED, "policy-empty", message, remedy, digest, Absent("rule"))


def _no_image(digest: Digest, evidence: Evidence) -> Check:
    if evidence.children:
        message = "The index has none of the platforms that the policy judges."
        remedy = "Push one of the scope's platforms, or change `platforms` in the policy."
        return Check(Result.VIOLATED, "platform-missing", message, remedy, digest, Absent("platform"))
    remedy = "Push an index that names at least one image."
    return Check(
        Result.VIOLATED, "image-missing", "The index names no image.", remedy, digest, Absent("image")
    )


def _did_not_run(rule: Rule, digest: Digest) -> Check:
    message = f"The rule {rule.id} looked at nothing, and what was not looked at does not pass."
    remedy = "Report this: a rule must say something about every image."
    return Check(Result.VIOLATED, "rule-did-not-run", message, remedy, digest, Absent("check"))


def _parameters(rule: Rule) -> Mapping[str, Plain]:
    """The level is no parameter: what was accepted stays accepted when a rule becomes stricter."""
    plain = cast("dict[str, Plain]", to_plain(rule))
    return {name: value for name, value in plain.items() if name not in ("type", "level")}


def _found(rule: str, level: Level, parameters: Mapping[str, Plain], check: Check) -> Finding:
    basis: object = check.basis
    if isinstance(check.basis, Unavailable):
        basis = {"source": check.basis.source, "cause": check.basis.cause}
    elif isinstance(check.basis, Absent):
        basis = {"absent": check.basis.kind}
    key = (rule, parameters, check.digest, check.tag, check.reason_code, basis)
    return Finding(
        rule=rule,
        level=level,
        result=check.result,
        reason_code=check.reason_code,
        message=check.message,
        remedy=check.remedy,
        digest=check.digest,
        platform=check.platform,
        tag=check.tag,
        basis=check.basis,
        settles=check.settles and check.result is Result.VIOLATED,
        fingerprint=str(canonical_digest(key)),
        fails_at=check.fails_at if check.result is Result.SATISFIED else None,
    )


def _waived(finding: Finding, subject: Subject, active: tuple[Waiver, ...]) -> Finding:
    if finding.result is Result.SATISFIED:
        return finding
    for waiver in active:
        if _accepts(waiver, finding, subject):
            return dataclasses.replace(finding, waived_by=waiver.id)
    return finding


def _accepts(waiver: Waiver, finding: Finding, subject: Subject) -> bool:
    if waiver.digest is not None and waiver.digest not in (subject.digest, finding.digest):
        return False
    if not matches_any((waiver.repository_glob,), str(subject.repository)):
        return False
    if waiver.rule is not None and waiver.rule != finding.rule:
        return False
    if not waiver.fingerprints:
        # Nobody can accept in advance whatever might not be asked, or a policy that judges nothing.
        return waiver.rule is not None and finding.rule not in _PSEUDO_RULES
    if finding.fingerprint not in waiver.fingerprints:
        return False
    # An outage was not looked at by anybody, so a release of what was shown does not cover it.
    return not (isinstance(finding.basis, Unavailable) and not finding.basis.cause.blames_content)


def _weigh(findings: tuple[Finding, ...]) -> tuple[State, str]:
    counting = [finding for finding in findings if finding.counts and finding.tag is None]
    for result, state in ((Result.VIOLATED, State.FAILED), (Result.UNDETERMINED, State.INDETERMINATE)):
        for finding in counting:
            if finding.result is result:
                return state, finding.reason_code
    accepted = any(
        finding.waived_by is not None and finding.level is Level.FAIL and finding.tag is None
        for finding in findings
    )
    return State.PASSED, "passed-with-waiver" if accepted else "passed"


def _recheck_at(
    policy: ScopedPolicy,
    context: Context,
    findings: tuple[Finding, ...],
    deadlines: list[datetime | None],
    active: tuple[Waiver, ...],
) -> datetime:
    now = context.now
    used = {finding.waived_by for finding in findings}
    moments = [waiver.expires_at for waiver in active if waiver.id in used] + deadlines
    if any(finding.settles for finding in findings):
        moments.append(context.subject.first_seen + policy.scope.settle)
    moments.append(now + policy.scope.recheck_after)
    return min((moment for moment in moments if moment is not None and moment > now), default=now)
