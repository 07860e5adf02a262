"""The public keys that our attestations are verified with, for whoever wants to verify them."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.workflow.workroom import Attesting


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """One public key of ours."""

    id: str
    """sha256 over its DER SubjectPublicKeyInfo, in hexadecimal."""
    state: str
    """``in-force``: new attestations are signed with it. ``retired``: only earlier ones were."""
    source: str
    pem: str


def published_keys(attesting: Attesting | None) -> tuple[PublishedKey, ...]:
    """The key in force first, then the retired ones; none without signing, or when signing keyless."""
    if attesting is None:
        return ()
    current = attesting.signer.current()
    return tuple(
        PublishedKey(key.id, "in-force" if key == current else "retired", key.source, key.spki_pem)
        for key in attesting.signer.public_keys()
    )
