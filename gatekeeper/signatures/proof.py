"""What step 5 of the pipeline finds out: who made a signature, and when (verified, or marked as only claimed)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gatekeeper.core.evidence import Certificate, SignedTime
from gatekeeper.core.trust import PublicKey


@dataclass(frozen=True, slots=True)
class Proof:
    """A signature that holds over the signed bytes: by a managed key, or by a certificate under a trust root."""

    detail: str
    """Who signed, in words."""
    key: PublicKey | None = None
    identity: str | None = None
    """The certificate's subject alternative name."""
    issuer: str | None = None
    certificate: Certificate | None = None
    trust_roots: tuple[str, ...] = ()
    """Every root of the trust material under which it holds."""
    log_index: int | None = None
    log_id: str | None = None
    times: tuple[SignedTime, ...] = ()
    signed_at: datetime | None = None
    """The moment at which the certificate was checked to be in force."""
    anomalies: tuple[str, ...] = ()
