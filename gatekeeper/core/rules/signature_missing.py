"""``signature-missing``: an image that the named signers did not sign."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause
from gatekeeper.core.evidence import (
    Absent,
    Candidate,
    Candidates,
    NodeEvidence,
    Outcome,
    Purpose,
    Unavailable,
)
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.unasked import unasked
from gatekeeper.core.verdict import Level, Result

BY_ANOTHER_KEY = frozenset({"signature-not-by-trusted-key", "no-trusted-keys"})
"""Refusals that speak of the key, not of the content: a proper signature may still arrive beside it."""

_REMEDY = "Sign the digest with a key of a named signer: `cosign sign --key KEY REPOSITORY@DIGEST`."


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
    """How many different signers, each with a key of its own, must have signed."""

    def __post_init__(self) -> None:
        if self.threshold < 1:
            raise ValueError("threshold must be at least 1")
        if self.signers and self.threshold > len(set(self.signers)):
            raise ValueError("threshold is larger than the number of signers named")

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image."""
        names = self.signers or tuple(context.signers)
        keys = {name: context.signers.get(name, frozenset()) for name in sorted(set(names))}
        root = context.evidence.root
        for node in context.images:
            places = (node.signatures,) if node.digest == root.digest else (node.signatures, root.signatures)
            yield self._check_node(node, places, keys)

    def _check_node(
        self,
        node: NodeEvidence,
        places: tuple[Candidates | Absent | Unavailable, ...],
        keys: Mapping[str, frozenset[str]],
    ) -> Check:
        platform = str(node.platform) if node.platform else None
        if len([name for name, ids in keys.items() if ids]) < self.threshold:
            message = "The policy names fewer signers with keys than must have signed."
            remedy = "Name the signers and their public keys in the policy."
            return Check(
                Result.VIOLATED,
                "no-trusted-keys",
                message,
                remedy,
                node.digest,
                Absent("trusted-key"),
                platform,
            )
        found = [item for place in places if isinstance(place, Candidates) for item in place.items]
        signed = {name: _counting(found, ids) for name, ids in keys.items()}
        reached = _distinct_signers(signed)
        if len(reached) >= self.threshold:
            carrier = min(item.carrier for name in reached for item in signed[name].values())
            message = f"Signed by {', '.join(reached)}."
            return Check(Result.SATISFIED, "signature-verified", message, "", node.digest, carrier, platform)
        gap = _gap(places, found)
        if gap is not None:
            return unasked(gap, node.digest, platform)
        reason_code, message, basis, settles = _most_telling(found, reached, self.threshold)
        return Check(
            Result.VIOLATED, reason_code, message, _REMEDY, node.digest, basis, platform, settles=settles
        )


def _is_verified_signature(item: Candidate) -> bool:
    return item.outcome is Outcome.VERIFIED and item.purpose is Purpose.SIGNATURE


def _counting(found: list[Candidate], ids: frozenset[str]) -> dict[str, Candidate]:
    """Key id -> a verified signature by it, for the keys of one signer."""
    return {
        key_id: item
        for item in found
        if _is_verified_signature(item)
        for key_id in item.key_ids
        if key_id in ids
    }


def _distinct_signers(signed: Mapping[str, Mapping[str, Candidate]]) -> tuple[str, ...]:
    """The most signers that can each be given a key of their own: one shared key never speaks for two."""
    speaker: dict[str, str] = {}

    def place(name: str, tried: set[str]) -> bool:
        for key_id in sorted(signed[name]):
            if key_id not in tried:
                tried.add(key_id)
                if key_id not in speaker or place(speaker[key_id], tried):
                    speaker[key_id] = name
                    return True
        return False

    return tuple(name for name in sorted(signed) if place(name, set()))


def _gap(places: tuple[Candidates | Absent | Unavailable, ...], found: list[Candidate]) -> Unavailable | None:
    """What could not be asked, an outage before the subject's own doing."""
    gaps = [place for place in places if isinstance(place, Unavailable)]
    gaps += [place.gap for place in places if isinstance(place, Candidates) and place.gap is not None]
    gaps += [
        _inconclusive(item)
        for item in found
        if item.outcome is Outcome.INCONCLUSIVE and item.purpose is not Purpose.ATTESTATION
    ]
    return min(
        gaps, key=lambda gap: (gap.cause.blames_content, gap.source, gap.cause, gap.detail), default=None
    )


def _inconclusive(item: Candidate) -> Unavailable:
    over_cap = item.reason_code == "candidate-too-large"
    cause = next((cause for cause in Cause if cause == item.reason_code), Cause.PROTOCOL)
    return Unavailable(f"candidate {item.carrier}", Cause.OVER_CAP if over_cap else cause, item.detail)


def _most_telling(
    found: list[Candidate], reached: tuple[str, ...], threshold: int
) -> tuple[str, str, Digest | Absent, bool]:
    """(reason code, message, basis, settles) of the candidate from which a person learns most."""
    looked_at = sorted(
        (item for item in found if item.outcome is not Outcome.SKIPPED),
        key=lambda item: (item.carrier, item.position),
    )
    signatures = [item for item in looked_at if _is_verified_signature(item)]
    if reached:
        message = f"Signed by {', '.join(reached)}, but {threshold} signers are needed."
        return "signature-threshold-not-reached", message, signatures[0].carrier, True
    if signatures:
        message = "Signed by a signer of the policy whom this rule does not name."
        return "signature-by-other-signer", message, signatures[0].carrier, True
    refused = [item for item in looked_at if item.outcome is Outcome.REFUSED]
    for item in refused:
        if item.reason_code not in BY_ANOTHER_KEY and item.purpose is not Purpose.ATTESTATION:
            message = f"A signature was refused: {item.detail}"
            return f"signature-refused:{item.reason_code}", message, item.carrier, False
    for item in refused:
        if item.purpose is not Purpose.ATTESTATION:
            return (
                "signature-by-unknown-key",
                "Signed, but by no key that the policy names.",
                item.carrier,
                True,
            )
    if looked_at:
        message = "There is an attestation, but no signature: an attestation does not sign the image."
        return "attestation-is-no-signature", message, looked_at[0].carrier, True
    return "signature-missing", "There is no signature.", Absent("signature"), True
