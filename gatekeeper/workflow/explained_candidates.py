"""What was found beside an image, one by one: what became of each signature and attestation, and what to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Candidate, Candidates, Evidence, NodeEvidence, Outcome, TimeSource
from gatekeeper.core.signer import Signer
from gatekeeper.ports import SignatureVerifier


@dataclass(frozen=True, slots=True)
class ExplainedCandidate(Candidate):
    """A candidate with all that it says, and what that comes to under the policy."""

    about: Digest = field(kw_only=True)
    """The manifest that it hangs on: the subject, or one platform image of it."""
    platform: str | None = field(kw_only=True)
    signers: tuple[str, ...] = field(kw_only=True)
    """Signers of the policy whom it speaks for."""
    why_not: str = field(kw_only=True)
    """Why it speaks for nobody; the empty string when it does."""
    logged_at: datetime | None = field(kw_only=True)
    """When a transparency log took it in."""
    timestamped_at: datetime | None = field(kw_only=True)
    """When a timestamp authority saw it."""
    next: str = field(kw_only=True)
    """What the reader can do about it."""


def explained_candidates(
    evidence: Evidence, signers: Mapping[str, Signer], verifier: SignatureVerifier, now: datetime
) -> tuple[ExplainedCandidate, ...]:
    """Everything found, the subject's own first."""
    return tuple(
        _explained(item, node, signers, verifier, now)
        for node in (evidence.root, *evidence.children)
        if isinstance(node.signatures, Candidates)
        for item in sorted(node.signatures.items, key=lambda item: (item.carrier, item.position))
    )


def _explained(
    item: Candidate,
    node: NodeEvidence,
    signers: Mapping[str, Signer],
    verifier: SignatureVerifier,
    now: datetime,
) -> ExplainedCandidate:
    speaking = tuple(name for name, signer in sorted(signers.items()) if signer.voices(item, now))
    return ExplainedCandidate(
        **{part.name: getattr(item, part.name) for part in dataclasses.fields(Candidate)},
        about=node.digest,
        platform=str(node.platform) if node.platform is not None else None,
        signers=speaking,
        why_not="" if speaking else next(_reasons(item, signers, now)),
        logged_at=_earliest(item, TimeSource.LOG),
        timestamped_at=_earliest(item, TimeSource.TIMESTAMP),
        next="" if item.outcome is Outcome.VERIFIED else verifier.remedy(item.reason_code),
    )


def _reasons(item: Candidate, signers: Mapping[str, Signer], now: datetime) -> Iterator[str]:
    """Why it speaks for nobody, the most telling first."""
    if item.outcome is not Outcome.VERIFIED:
        yield item.detail or str(item.outcome)
    for signer in signers.values():
        yield from (objection.message for objection in signer.objections(item, now))
    if item.certificate is not None and item.issuer is not None:
        for name, signer in sorted(signers.items()):
            for identity in signer.identities:
                yield f"not {name}: {identity.mismatch(item)}"
    yield "it was made by nobody whom the policy names"


def _earliest(item: Candidate, source: TimeSource) -> datetime | None:
    return min((time.at for time in item.times if time.source is source), default=None)
