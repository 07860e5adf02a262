"""A stored Notary Project signature -> a candidate: what each configured trust policy says of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import (
    Candidate,
    Certificate,
    NotationResult,
    Outcome,
    Purpose,
    SignedTime,
    TimeSource,
)
from gatekeeper.core.trust import NotationTrust
from gatekeeper.ports import Judged, RevocationAnswers, Wanted
from gatekeeper.signatures.meanings import MEANINGS
from gatekeeper.signatures.notation.attributes import Scheme
from gatekeeper.signatures.notation.envelope import Envelope
from gatekeeper.signatures.notation.integrity import Signature, verify_integrity
from gatekeeper.signatures.notation.pipeline import StatementResult, judge
from gatekeeper.signatures.notation.trust import read_trust
from gatekeeper.signatures.notation.trust_policy import Level, TrustStatement
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError

_TELLING = (Outcome.VERIFIED, Outcome.INCONCLUSIVE, Outcome.REFUSED, Outcome.SKIPPED)
"""Of several trust policies, the one whose outcome comes first here speaks for the candidate."""


def verify_notation(
    wanted: Wanted,
    content: bytes,
    *,
    subject: Judged,
    trust: Sequence[NotationTrust],
    answers: RevocationAnswers,
) -> Candidate:
    """The candidate with one result for each trust policy.

    Raises RefusedError for a signature that does not hold, whoever is trusted; MalformedError for trust material that
    cannot be read.
    """
    if not trust:
        raise RefusedError(ReasonCode.NOTATION_NOT_CONFIGURED, "no Notary Project trust policy is configured")
    results: list[NotationResult] = []
    governing: list[tuple[NotationTrust, TrustStatement]] = []
    for one in trust:
        statement = read_trust(one).document.applicable(str(subject.repository))
        if statement is None or statement.level is Level.SKIP:
            results.append(_unlooked(one, statement, subject))
        else:
            governing.append((one, statement))
    if not governing:
        return _candidate(wanted, results)
    _check_carrier(wanted, subject)
    signature = verify_integrity(wanted.descriptor.media_type, content, subject.manifest)
    judged = []
    for one, statement in governing:
        said = judge(signature, statement, read_trust(one).stores, answers, now=subject.now)
        judged.append(said)
        results.append(_result(one, statement, said))
    return _described(_candidate(wanted, results), signature, judged)


def _check_carrier(wanted: Wanted, subject: Judged) -> None:
    if wanted.defect:
        raise RefusedError(ReasonCode.NOTATION_CARRIER, wanted.defect)
    if wanted.carrier_subject not in (None, subject.digest):
        raise RefusedError(
            ReasonCode.NOTATION_CARRIER,
            f"its manifest belongs to {wanted.carrier_subject}, not to {subject.digest}",
        )


def _unlooked(trust: NotationTrust, statement: TrustStatement | None, subject: Judged) -> NotationResult:
    """The result of a trust policy that does not want the signature verified."""
    if statement is None:
        code = ReasonCode.NOTATION_NO_STATEMENT
        detail = f"no statement of {trust.source} covers {subject.repository}"
        return NotationResult(trust.name, "", "", MEANINGS[code].outcome, code, detail)
    code = ReasonCode.NOTATION_SKIPPED
    detail = f"the statement {statement.name!r} skips verification"
    return NotationResult(trust.name, statement.name, statement.level, MEANINGS[code].outcome, code, detail)


def _result(trust: NotationTrust, statement: TrustStatement, said: StatementResult) -> NotationResult:
    return NotationResult(
        trust=trust.name,
        statement=statement.name,
        level=statement.level,
        outcome=said.outcome,
        reason_code=said.code,
        detail=said.detail,
        logged=said.logged,
        good_until=said.good_until,
    )


def _candidate(wanted: Wanted, results: Sequence[NotationResult]) -> Candidate:
    telling = min(results, key=lambda result: _TELLING.index(result.outcome))
    return Candidate(
        form=wanted.form,
        carrier=wanted.carrier,
        position=wanted.position,
        found_at=wanted.found_at,
        purpose=Purpose.SIGNATURE,
        outcome=telling.outcome,
        reason_code=telling.reason_code,
        detail=telling.detail,
        notation=tuple(results),
    )


def _described(candidate: Candidate, signature: Signature, judged: Sequence[StatementResult]) -> Candidate:
    """What the signature says, once somebody believes it; else only which signature it is."""
    named = replace(candidate, signature=_name(signature.envelope))
    if candidate.outcome is not Outcome.VERIFIED:
        return named
    leaf, attributes = signature.leaf, signature.attributes
    times = _times(signature, judged)
    believing = [said for said in judged if said.outcome is Outcome.VERIFIED]
    weaker = {f"logged:{code}" for said in believing for code in said.logged}
    weaker |= {f"not-checked:{check}" for said in believing for check in said.unchecked}
    return replace(
        named,
        identity=leaf.subject,
        certificate=Certificate(leaf.thumbprint, leaf.not_before, leaf.not_after, leaf.subject),
        annotations=dict(signature.target.annotations),
        signing_scheme=attributes.scheme.value,
        expires_at=attributes.expiry,
        times=times,
        signed_at=min((time.at for time in times if time.proven), default=None),
        anomalies=tuple(sorted(weaker)),
    )


def _times(signature: Signature, judged: Sequence[StatementResult]) -> tuple[SignedTime, ...]:
    """The signer's word about the time, and what an authority swears."""
    attributes = signature.attributes
    times = [SignedTime(attributes.signing_time, TimeSource.CLAIMED)]
    for said in judged:
        if said.outcome is not Outcome.VERIFIED:
            continue
        if attributes.scheme is Scheme.SIGNING_AUTHORITY and said.authentic:
            authority = signature.leaf.subject
            times.append(SignedTime(attributes.signing_time, TimeSource.SIGNING_AUTHORITY, authority))
        if said.countersignature is not None:
            stamp = said.countersignature
            times.append(SignedTime(stamp.at, TimeSource.TIMESTAMP, stamp.chain[0].subject))
    return tuple(times)


def _name(envelope: Envelope) -> Digest:
    """The same name wherever it is stored: sha256(sha256(signed bytes) + signature bytes)."""
    return Digest.of(hashlib.sha256(envelope.message).digest() + envelope.signature)
