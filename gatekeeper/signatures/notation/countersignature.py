"""The RFC 3161 counter-signature (trust-store-trust-policy.md, "Authentic Timestamp"): over the primitive signature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.serialization import Encoding

from gatekeeper.signatures.notation.certificates import Certificate, read_certificate
from gatekeeper.signatures.notation.chain import check_timestamping_chain
from gatekeeper.signatures.timestamp import verify_token

_BASELINE_POLICY = "0.4.0.2023.1.1"
"""ETSI EN 319 421: a token under it that states no accuracy is accurate to one second."""


@dataclass(frozen=True, slots=True)
class Countersignature:
    """A verified counter-signature: the signature existed within this interval."""

    at: datetime
    accuracy: timedelta
    chain: tuple[Certificate, ...]
    """From the certificate of the authority to the root in the trust store."""

    @property
    def earliest(self) -> datetime:
        """The first moment it can have been made at."""
        return self.at - self.accuracy

    @property
    def latest(self) -> datetime:
        """The last moment it can have been made at."""
        return self.at + self.accuracy


def verify_countersignature(token: bytes, signature: bytes, roots: Sequence[Certificate]) -> Countersignature:
    """A token over ``signature`` from under one of ``roots``.

    Raises RefusedError with a code of ``signatures.timestamp``, or ``notation-chain notation-certificate
    notation-key-refused`` when the authority's own chain breaks the Notary Project's rules.
    """
    verified = verify_token(
        token, signature, anchors=[root.parsed for root in roots], demand_signing_certificate=True
    )
    chain = tuple(read_certificate(one.public_bytes(Encoding.DER)) for one in verified.chain)
    check_timestamping_chain(chain)
    accuracy = verified.accuracy or timedelta(0)
    if not accuracy and verified.policy == _BASELINE_POLICY:
        accuracy = timedelta(seconds=1)
    return Countersignature(verified.at, accuracy, chain)
