"""``signature-missing``: an image that the named signers did not sign."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Absent, Candidate, NodeEvidence, Outcome, Purpose
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.signed import (
    Named,
    Places,
    SignedVia,
    candidates_in,
    gap_in,
    places_of,
    platform_of,
    unasked_of,
)
from gatekeeper.core.verdict import Level, Result

BY_ANOTHER_KEY = frozenset({"signature-not-by-trusted-key", "no-trusted-keys"})
BY_ANOTHER_SIGNER = frozenset(
    {
        "certificate-untrusted",
        "notation-identity-untrusted",
        "notation-no-statement",
        "notation-trust-store-missing",
        "notation-untrusted",
    }
)
"""The same of certificates: the signature may be a good one, and its signer is none of ours."""
BY_A_STRANGER = BY_ANOTHER_KEY | BY_ANOTHER_SIGNER
"""Refusals that speak of who signed, not of the content: a proper signature may still arrive beside it."""

_REMEDY = (
    "Sign the digest with a key or identity of a named signer: `cosign sign --key KEY REPOSITORY@DIGEST`."
)


@dataclass(frozen=True, slots=True)
class SignatureMissing:
    """Fails each image that fewer than ``threshold`` of the named signers signed.

    A signature of the index counts for each image that the index lists, never the reverse.
    """

    id: ClassVar[str] = "signature-missing"

    level: Level = Level.FAIL
    signers: tuple[str, ...] = ()
    """Names from the policy's signers; empty: every signer of the policy."""
    threshold: int = 1
    """How many different signers, each with a key or identity of its own, must have signed."""
    signed_via: SignedVia = SignedVia.ANY
    """Whose signature counts for an image of an index: its own, the index's, or either."""

    def __post_init__(self) -> None:
        if self.threshold < 1:
            raise ValueError("threshold must be at least 1")
        if self.signers and self.threshold > len(set(self.signers)):
            raise ValueError("threshold is larger than the number of signers named")

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image, and one more where it rests on a stale trust root."""
        named = Named.of(context, self.signers, self.threshold)
        for node in context.images:
            if named.enough_can_speak:
                yield from self._check_node(named, node, places_of(context, node, self.signed_via))
            else:
                yield named.nobody_trusted(node)

    def _check_node(self, named: Named, node: NodeEvidence, places: Places) -> Iterator[Check]:
        found = candidates_in(places)
        signatures = tuple(item for item in found if _is_verified_signature(item))
        reached = named.reached(signatures)
        if len(reached) >= self.threshold:
            if len(named.reached(signatures, without=named.undecided)) < self.threshold:
                yield named.stale_check(node)
                return
            if len(named.reached(signatures, without=frozenset(named.stale))) < self.threshold:
                yield named.stale_check(node)
            carrier = named.basis(signatures, reached).carrier
            message = f"Signed by {', '.join(reached)}."
            yield Check(
                Result.SATISFIED,
                "signature-verified",
                message,
                "",
                node.digest,
                carrier,
                platform_of(node),
                deadline=named.deadline_of(signatures),
            )
            return
        gap = gap_in(places, found, lambda item: item.purpose is not Purpose.ATTESTATION)
        if gap is not None:
            yield unasked_of(gap, node)
            return
        reason_code, message, basis, settles = self._most_telling(named, found, signatures, reached)
        yield Check(
            Result.VIOLATED,
            reason_code,
            message,
            _REMEDY,
            node.digest,
            basis,
            platform_of(node),
            settles=settles,
        )

    def _most_telling(
        self,
        named: Named,
        found: tuple[Candidate, ...],
        signatures: tuple[Candidate, ...],
        reached: tuple[str, ...],
    ) -> tuple[str, str, Digest | Absent, bool]:
        """(reason code, message, basis, settles) of the candidate from which a person learns most."""
        objections = named.objections(signatures)
        if reached:
            message = f"Signed by {', '.join(reached)}, but {self.threshold} signers are needed."
            if objections:
                message += f" One more does not count: {objections[0][1].message}."
            return "signature-threshold-not-reached", message, signatures[0].carrier, True
        if objections:
            item, objection = objections[0]
            message = f"Signed, but {objection.message}."
            return f"signature-{objection.reason_code}", message, item.carrier, True
        if signatures:
            message = f"Signed by {_who(signatures[0])}, whom this rule does not name."
            return "signature-by-other-signer", message, signatures[0].carrier, True
        looked_at = [item for item in found if item.outcome is not Outcome.SKIPPED]
        refused = [
            item
            for item in looked_at
            if item.outcome is Outcome.REFUSED and item.purpose is not Purpose.ATTESTATION
        ]
        # What is wrong with the content outweighs a stranger, whichever of them comes first.
        for item in sorted(refused, key=lambda item: item.reason_code in BY_A_STRANGER):
            if item.reason_code not in BY_ANOTHER_KEY:
                message = f"A signature was refused: {item.detail}"
                settles = item.reason_code in BY_ANOTHER_SIGNER
                return f"signature-refused:{item.reason_code}", message, item.carrier, settles
        if refused:
            message = "Signed, but by nobody whom the policy names."
            return "signature-by-unknown-key", message, refused[0].carrier, True
        if looked_at:
            message = "There is an attestation, but no signature: an attestation does not sign the image."
            return "attestation-is-no-signature", message, looked_at[0].carrier, True
        return "signature-missing", "There is no signature.", Absent("signature"), True


def _is_verified_signature(item: Candidate) -> bool:
    return item.outcome is Outcome.VERIFIED and item.purpose is Purpose.SIGNATURE


def _who(item: Candidate) -> str:
    if item.identity is None:
        return "a signer of the policy"
    return item.identity[:200] + (f" ({item.issuer[:200]})" if item.issuer else "")
