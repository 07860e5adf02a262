"""Trust material: what signatures are verified with. Bytes and names; reading them belongs to the room ``signatures``.

Who of the trusted may speak for what is policy (``core.signer``) and is matched when deciding. Verification only needs
the keys, certificate authorities and logs themselves, so a changed identity or key window judges stored facts again,
without a fetch and without cryptography.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from gatekeeper.core.canonical import canonical_digest
from gatekeeper.core.digest import Digest


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A managed public key. ``id`` is sha256 over the DER SubjectPublicKeyInfo, in hexadecimal."""

    id: str
    spki_pem: str
    source: str
    """Where the policy names it, for messages: a file name or ``inline``."""


class WhenStale(StrEnum):
    """What a trust root that nobody renewed does to what rests on it."""

    WARN = "warn"
    INDETERMINATE = "indeterminate"


@dataclass(frozen=True, slots=True)
class TrustRoot:
    """One Sigstore instance: its certificate authorities, logs and timestamp authorities."""

    name: str
    """How the policy calls it: ``public-good``, ``github``, a private instance's name."""
    content: bytes = field(repr=False)
    """A ``trusted_root.json``, JSON lines of several, or a ClientTrustConfig, exactly as read."""
    source: str
    """Where it was read, for messages: a file name, ``inline``."""
    transparency_log: bool = True
    """False: this instance keeps no log; a signed timestamp is enough proof of time."""
    certificate_log: bool = True
    """False: this instance logs no certificates; none needs a signed certificate timestamp."""
    version: str = ""
    """What its publisher calls this state of it; the empty string where nobody says."""
    expires_at: datetime | None = None
    """From when on it counts as stale; None: never."""
    when_stale: WhenStale = WhenStale.WARN

    def stale(self, now: datetime) -> bool:
        """True when its publisher must have renewed it by now."""
        return self.expires_at is not None and now >= self.expires_at

    @property
    def digest(self) -> Digest:
        """sha256 of the content."""
        return Digest.of(self.content)


class StoreKind(StrEnum):
    """Trust store types of the Notary Project (specs/trust-store-trust-policy.md)."""

    CA = "ca"
    SIGNING_AUTHORITY = "signingAuthority"
    TSA = "tsa"


@dataclass(frozen=True, slots=True)
class StoreFile:
    """One certificate file of a Notary Project trust store: ``x509/<kind>/<store>/<name>``."""

    kind: StoreKind
    store: str
    name: str
    content: bytes = field(repr=False)
    """PEM (one or several) or DER, exactly as read."""


@dataclass(frozen=True, slots=True)
class NotationTrust:
    """A Notary Project trust policy document with the trust stores that it may name."""

    name: str
    """How our policy calls it."""
    document: bytes = field(repr=False)
    """``trustpolicy.json``, exactly as read."""
    files: tuple[StoreFile, ...]
    source: str
    """Where it was read, for messages."""


@dataclass(frozen=True)
class TrustMaterial:
    """Everything signatures are verified with. Without slots: its digest is computed once and kept."""

    keys: tuple[PublicKey, ...] = ()
    roots: tuple[TrustRoot, ...] = ()
    notation: tuple[NotationTrust, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Names what could make verification end otherwise: evidence verified with another one is gathered anew."""
        return str(
            canonical_digest(
                (
                    sorted(key.id for key in self.keys),
                    sorted(
                        f"{root.name} {root.digest} {root.transparency_log} {root.certificate_log}"
                        for root in self.roots
                    ),
                    sorted(f"{trust.name} {Digest.of(trust.document)}" for trust in self.notation),
                    sorted(
                        f"{trust.name} {item.kind} {item.store} {item.name} {Digest.of(item.content)}"
                        for trust in self.notation
                        for item in trust.files
                    ),
                )
            )
        )

    @property
    def empty(self) -> bool:
        """True when nothing could be verified with it."""
        return not (self.keys or self.roots or self.notation)
