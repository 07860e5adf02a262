"""Keyless verification as a step of the pipeline of every form: material and trust roots in, a proof out."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives import hashes

from gatekeeper.core.evidence import Certificate, SignedTime, TimeSource
from gatekeeper.core.trust import TrustRoot
from gatekeeper.signatures.keyless.entry_body import Signed
from gatekeeper.signatures.keyless.pipeline import KeylessFacts, verify_keyless
from gatekeeper.signatures.keyless.trust_root import opened
from gatekeeper.signatures.material import Material
from gatekeeper.signatures.proof import Proof
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError


def prove_by_certificate(material: Material, roots: Sequence[TrustRoot]) -> Proof:
    """A signature made with a certificate -> who made it and when, under every root that says so.

    Raises RefusedError.
    """
    if material.certified is None:
        raise RefusedError(ReasonCode.CERTIFICATE_MALFORMED, "there is no certificate")
    if not roots:
        raise RefusedError(ReasonCode.TRUST_ROOT_MISSING, "it is signed with a certificate")
    signed = Signed(
        signature=material.signature,
        message=material.message,
        payload=material.payload,
        envelopes=material.envelopes,
    )
    facts = verify_keyless(
        material.certified(),
        signed,
        [one for root in roots for one in opened(root)],
        stamped=() if material.stored_envelope is None else (material.stored_envelope,),
    )
    first = facts[0]
    return Proof(
        detail=f"signed by {first.identity.name[:200]}, says {first.identity.issuer or first.root}",
        identity=first.identity.name,
        issuer=first.identity.issuer,
        certificate=_certificate(first),
        trust_roots=tuple(sorted({one.root for one in facts})),
        log_index=first.log_index,
        log_id=None if first.log is None else first.log.log_id.hex(),
        times=tuple(time for one in facts for time in _times(one)),
        signed_at=first.signed_at,
    )


def _certificate(facts: KeylessFacts) -> Certificate:
    found = facts.certificate
    return Certificate(
        fingerprint=found.fingerprint(hashes.SHA256()).hex(),
        not_before=found.not_valid_before_utc,
        not_after=found.not_valid_after_utc,
        subject=found.subject.rfc4514_string(),
        identity_kind=facts.identity.kind.value,
        extensions=facts.identity.extensions,
    )


def _times(facts: KeylessFacts) -> list[SignedTime]:
    stamped = [
        SignedTime(stamp.at, TimeSource.TIMESTAMP, stamp.chain[0].subject.rfc4514_string())
        for stamp in facts.stamps
    ]
    if facts.integrated_at is None or facts.log is None:
        return stamped
    return [SignedTime(facts.integrated_at, TimeSource.LOG, facts.log.url), *stamped]
