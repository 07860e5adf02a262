"""One question about one image, asked without a policy file: did these signers sign it, or attest this about it?

``answer_to`` is what ``gatekeeper verify`` says, on the same candidates and by the same signers as the rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Candidate, Form, Outcome, Purpose, Unavailable
from gatekeeper.core.rules.signed import distinct_speakers
from gatekeeper.core.signer import Signer

SIGNATURE_PREDICATE = "https://sigstore.dev/cosign/sign/v1"


@dataclass(frozen=True, slots=True)
class Question:
    """Who must have signed, or attested what."""

    signers: tuple[Signer, ...]
    threshold: int = 1
    """So many different signers."""
    predicate_type: str | None = None
    """None: a signature is asked for. Else a verified attestation of this type."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Signed annotations that a signature must have (``cosign sign -a``)."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Signed user metadata that a Notary Project signature must have."""


@dataclass(frozen=True, slots=True)
class Considered:
    """One candidate, and whether it counts for the question."""

    candidate: Candidate
    about: Digest
    """The manifest it hangs on: the judged one, or the index that lists it."""
    counts_for: tuple[str, ...]
    """Names of the signers it speaks for; empty when it does not count."""
    why_not: str
    """Why it does not count; the empty string when it does."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer, with every candidate that was looked at."""

    outcome: Outcome
    reason_code: str
    message: str
    remedy: str
    signers: tuple[str, ...]
    """Those who were found to have signed."""
    candidates: tuple[Considered, ...]
    gaps: tuple[Unavailable, ...]
    """What could not be asked."""


def answer_to(
    question: Question,
    found: Sequence[tuple[Digest, Candidate]],
    gaps: Sequence[Unavailable],
    now: datetime,
) -> Reply:
    """Verified if and only if enough signers speak. An open question never refuses, and nothing passes by it.

    ``found``: candidates, each with the manifest it hangs on.
    """
    considered = tuple(_consider(question, about, candidate, now) for about, candidate in found)
    counting = [one.candidate for one in considered if one.counts_for]
    reached = distinct_speakers(
        {
            signer.name: frozenset[str]().union(*(signer.voices(one, now) for one in counting))
            for signer in question.signers
        }
    )
    code, outcome, message, remedy = _said(question, considered, reached, gaps)
    return Reply(outcome, code, message, remedy, reached, considered, tuple(gaps))


def _said(
    question: Question,
    considered: Sequence[Considered],
    reached: tuple[str, ...],
    gaps: Sequence[Unavailable],
) -> tuple[str, Outcome, str, str]:
    what = "an attestation" if question.predicate_type else "a signature"
    if question.signers and len(reached) >= question.threshold:
        done = "attested" if question.predicate_type else "signed"
        return "verified", Outcome.VERIFIED, f"{done} by {', '.join(reached)}", ""
    open_ones = [one for one in considered if one.candidate.outcome is Outcome.INCONCLUSIVE]
    if gaps:
        gap = min(gaps, key=lambda one: (one.cause.blames_content, one.source))
        remedy = "remove the junk that hangs on the image" if gap.cause.blames_content else "ask again later"
        return "evidence-unavailable", Outcome.INCONCLUSIVE, f"{gap.source}: {gap.detail}", remedy
    if open_ones:
        first = open_ones[0].candidate
        return first.reason_code, Outcome.INCONCLUSIVE, first.detail, "see docs/reason-codes.md"
    return _refused(question, considered, reached, what)


def _refused(
    question: Question, considered: Sequence[Considered], reached: tuple[str, ...], what: str
) -> tuple[str, Outcome, str, str]:
    remedy = "sign the digest: cosign sign --key KEY IMAGE@DIGEST"
    if question.predicate_type:
        remedy = f"attest it: cosign attest --key KEY --type {question.predicate_type} IMAGE@DIGEST"
    # Only a trust policy can say that nothing is to be verified; whatever else was not looked at was not asked for.
    skipped = [
        one
        for one in considered
        if one.candidate.outcome is Outcome.SKIPPED
        and one.candidate.form is Form.NOTATION_SIGNATURE
        and _wanted(question, one)
    ]
    if skipped and not reached:
        left = skipped[0].candidate
        return left.reason_code, Outcome.SKIPPED, f"nothing was verified: {left.detail}", remedy
    if reached:
        message = f"signed by {', '.join(reached)}, but {question.threshold} different signers are needed"
        return "threshold-not-reached", Outcome.REFUSED, message, remedy
    wanted = [one for one in considered if _wanted(question, one)]
    if not wanted:
        code = "attestation-missing" if question.predicate_type else "signature-missing"
        message = f"there is no {what.partition(' ')[2]}"
        if question.predicate_type:
            message += f" of type {question.predicate_type}"
        elif considered:
            message += "; what is there are attestations, which are no signatures"
        return code, Outcome.REFUSED, message, remedy
    first = min(wanted, key=lambda one: one.candidate.outcome is not Outcome.VERIFIED)
    if first.candidate.outcome is Outcome.VERIFIED:
        return "signer-not-accepted", Outcome.REFUSED, first.why_not, remedy
    return first.candidate.reason_code, Outcome.REFUSED, first.candidate.detail, remedy


def _wanted(question: Question, one: Considered) -> bool:
    """True for candidates that could have been what is asked for."""
    candidate = one.candidate
    if candidate.form is Form.NOTATION_SIGNATURE and not any(signer.notation for signer in question.signers):
        return False
    if question.predicate_type is None:
        return candidate.purpose is not Purpose.ATTESTATION
    return candidate.predicate_type in (question.predicate_type, None) and (
        candidate.purpose is not Purpose.SIGNATURE or question.predicate_type == SIGNATURE_PREDICATE
    )


def _consider(question: Question, about: Digest, candidate: Candidate, now: datetime) -> Considered:
    why_not = _why_not(question, candidate)
    if why_not:
        return Considered(candidate, about, (), why_not)
    speaking = tuple(signer.name for signer in question.signers if signer.voices(candidate, now))
    if speaking:
        return Considered(candidate, about, speaking, "")
    objections = [one.message for signer in question.signers for one in signer.objections(candidate, now)]
    mismatches = [
        text
        for signer in question.signers
        for identity in signer.identities
        if candidate.certificate is not None and (text := identity.mismatch(candidate)) is not None
    ]
    return Considered(
        candidate, about, (), next(iter([*objections, *mismatches]), "none of the accepted signers made it")
    )


def _why_not(question: Question, candidate: Candidate) -> str:
    if candidate.outcome is not Outcome.VERIFIED:
        return candidate.detail or str(candidate.outcome)
    if question.predicate_type is None:
        if candidate.purpose is not Purpose.SIGNATURE:
            return "it is an attestation, which is no signature"
    elif candidate.predicate_type != question.predicate_type:
        return f"its predicate type is {candidate.predicate_type or 'none'}, not {question.predicate_type}"
    demanded = question.metadata if candidate.form is Form.NOTATION_SIGNATURE else question.annotations
    for name, value in demanded.items():
        written = candidate.annotations.get(name)
        if written is None:
            return f"it has no signed annotation {name}"
        if written != value:
            return f"its signed annotation {name} is {written!r}, not {value!r}"
    return ""
