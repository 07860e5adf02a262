"""``verify-vsa IMAGE``: does a trusted verifier say that this image passed? (SLSA, "How to verify VSAs").

The newest verified summary of the verifier decides: a later FAILED takes back an earlier PASSED.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.evidence import Candidate, Outcome, Unavailable
from gatekeeper.core.question import Considered, Question, answer_to
from gatekeeper.core.reference import Reference, Repository
from gatekeeper.core.signer import Signer
from gatekeeper.core.trust import TrustMaterial
from gatekeeper.core.verification_summary import (
    PREDICATE_TYPE,
    SummaryResult,
    VerificationSummary,
    read_summary,
    resource_uri,
)
from gatekeeper.workflow.verify_image import EXIT_CODES, Found, Place, find
from gatekeeper.workflow.workroom import Collector


@dataclass(frozen=True, slots=True)
class Expected:
    """What a summary has to say."""

    verifier: str
    """``verifier.id``, exactly."""
    resource: str | None = None
    """``resourceUri``, exactly; None: the image where it was asked for."""
    levels: tuple[str, ...] = ()
    """Each must be among ``verifiedLevels``."""
    policy_digest: Digest | None = None
    newer_than: timedelta | None = None
    """At most so old."""


@dataclass(frozen=True, slots=True)
class SummaryVerification:
    """What became of it. ``core.canonical.to_plain`` makes JSON of it."""

    state: Outcome
    reason_code: str
    exit_code: int
    repository: Repository
    digest: Digest
    tag: str | None
    message: str
    next: str
    summary: VerificationSummary | None
    """The one that decided."""
    candidates: tuple[Considered, ...]
    unavailable: tuple[Unavailable, ...]


def verify_summary(
    collector: Collector,
    trust: TrustMaterial,
    signers: tuple[Signer, ...],
    expected: Expected,
    reference: Reference,
    place: Place,
) -> SummaryVerification:
    """Raises what ``verify_image`` raises."""
    found = find(collector, trust, reference, place)
    question = Question(signers, predicate_type=PREDICATE_TYPE)
    reply = answer_to(question, found.candidates, found.gaps, collector.clock.now())
    state, code, message, remedy = reply.outcome, reply.reason_code, reply.message, reply.remedy
    summary = None
    if state is Outcome.VERIFIED:
        counting = tuple(one.candidate for one in reply.candidates if one.counts_for)
        summaries = _summaries(found, counting, expected.verifier)
        summary = summaries[0] if summaries else None
        code, message, remedy = _said(collector, summary, expected, reference.repository, found.digest)
        state = Outcome.VERIFIED if code == "verified" else Outcome.REFUSED
        if state is Outcome.VERIFIED and found.gaps:
            # A later summary may take this one back, and it could not be asked for.
            state, code = Outcome.INCONCLUSIVE, "evidence-unavailable"
            message, remedy = f"{found.gaps[0].source}: {found.gaps[0].detail}", "ask again later"
    return SummaryVerification(
        state=state,
        reason_code=code,
        exit_code=int(EXIT_CODES[state]),
        repository=reference.repository,
        digest=found.digest,
        tag=reference.tag,
        message=message,
        next=remedy,
        summary=summary,
        candidates=reply.candidates,
        unavailable=reply.gaps,
    )


def _summaries(found: Found, counting: Sequence[Candidate], verifier: str) -> tuple[VerificationSummary, ...]:
    """What the accepted signers said in this verifier's name, the newest first; of two as new, the failed one."""
    read = []
    for candidate, statement in found.summaries:
        if candidate not in counting:
            continue
        try:
            summary = read_summary(statement.predicate)
        except MalformedError:
            continue
        if summary.verifier == verifier:
            read.append(summary)
    return tuple(
        sorted(read, key=lambda one: (one.verified_at, one.result is SummaryResult.FAILED), reverse=True)
    )


def _said(
    collector: Collector,
    summary: VerificationSummary | None,
    expected: Expected,
    repository: Repository,
    digest: Digest,
) -> tuple[str, str, str]:
    """(reason code, message, what to do)."""
    if summary is None:
        message = f"no accepted summary is in the name of the verifier {expected.verifier}"
        return "vsa-verifier-mismatch", message, "check --verifier-id"
    resource = expected.resource or resource_uri(repository, digest)
    if summary.resource != resource:
        message = f"the summary is about {summary.resource}, not {resource}"
        return "vsa-resource-mismatch", message, "a copied image keeps it: give it with --resource-uri"
    if summary.result is not SummaryResult.PASSED:
        return "vsa-failed", f"{summary.verifier} says that the image failed", "ask whoever runs the verifier"
    missing = [level for level in expected.levels if level not in summary.levels]
    if missing:
        message = f"{missing[0]} is not verified; verified are: {', '.join(summary.levels) or 'none'}"
        return "vsa-level-missing", message, "build so that the level is reached, or ask for less"
    if expected.policy_digest not in (None, summary.policy_digest):
        message = f"it was judged by the policy {summary.policy_digest}, not {expected.policy_digest}"
        return "vsa-policy-mismatch", message, "have the image judged again"
    age = collector.clock.now() - summary.verified_at
    if expected.newer_than is not None and age > expected.newer_than:
        message = f"it was verified on {summary.verified_at:%Y-%m-%d %H:%M:%S} UTC, which is too long ago"
        return "vsa-too-old", message, "have the image judged again"
    return "verified", f"{summary.verifier} says that the image passed", ""
