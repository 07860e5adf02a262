"""The first check, made at every level: the envelope is whole, its signer kept every rule, it names this artifact."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.core.manifest import Descriptor
from gatekeeper.signatures.notation import cose, jws
from gatekeeper.signatures.notation.algorithms import algorithm_of, verifies
from gatekeeper.signatures.notation.attributes import SignedAttributes, read_attributes
from gatekeeper.signatures.notation.certificates import Certificate
from gatekeeper.signatures.notation.chain import check_signing_chain
from gatekeeper.signatures.notation.envelope import COSE, JWS, Envelope
from gatekeeper.signatures.notation.payload import TargetArtifact, read_payload
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that holds. Whether its signer is trusted is another question."""

    envelope: Envelope
    attributes: SignedAttributes
    target: TargetArtifact

    @property
    def leaf(self) -> Certificate:
        """The certificate of the signer."""
        return self.envelope.chain[0]


def verify_integrity(media_type: str, content: bytes, artifact: Descriptor) -> Signature:
    """The envelope ``content`` of this media type, about ``artifact``. Raises RefusedError.

    1. the envelope keeps its format; 2. it names the algorithm of the leaf's key; 3. that key signed it; 4. the signed
    attributes keep their rules, and every critical one is understood; 5. the chain is in order and each certificate
    may stand where it stands; 6. the payload names this artifact by media type, digest and size.
    """
    opened = _open(media_type, content)
    leaf = opened.chain[0]
    expected = algorithm_of(leaf.key)
    if opened.algorithm != expected:
        raise RefusedError(
            ReasonCode.NOTATION_ALGORITHM,
            f"the envelope names {opened.algorithm.jose}, the key of its certificate signs with {expected.jose}",
        )
    if not verifies(leaf.key, opened.signature, opened.message):
        raise RefusedError(
            ReasonCode.NOTATION_SIGNATURE_WRONG, f"the key of {leaf.named} did not sign this envelope"
        )
    attributes = read_attributes(opened)
    check_signing_chain(opened.chain)
    target = read_payload(opened.payload)
    _check_target(target, artifact)
    return Signature(opened, attributes, target)


def _open(media_type: str, content: bytes) -> Envelope:
    if media_type == JWS:
        return jws.open_envelope(content)
    if media_type == COSE:
        return cose.open_envelope(content)
    raise RefusedError(
        ReasonCode.NOTATION_MEDIA_TYPE, f"the layer is {media_type[:80]!r}, neither JWS nor COSE"
    )


def _check_target(target: TargetArtifact, artifact: Descriptor) -> None:
    differing = [
        f"{name} {str(signed)[:140]!r}, not {ours!r}"
        for name, signed, ours in (
            ("digest", target.digest, str(artifact.digest)),
            ("size", target.size, artifact.size),
            ("media type", target.media_type, artifact.media_type),
        )
        if signed != ours
    ]
    if differing:
        raise RefusedError(ReasonCode.SUBJECT_MISMATCH, f"it names the {differing[0]}")
