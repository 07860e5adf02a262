"""What both envelope formats come down to, before anything of it is believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gatekeeper.core.errors import MalformedError
from gatekeeper.signatures.notation.algorithms import Algorithm
from gatekeeper.signatures.notation.certificates import Certificate, read_certificate
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError

JWS = "application/jose+json"
COSE = "application/cose"
PAYLOAD = "application/vnd.cncf.notary.payload.v1+json"

_PREFIX = "io.cncf.notary."
SIGNING_SCHEME = _PREFIX + "signingScheme"
SIGNING_TIME = _PREFIX + "signingTime"
AUTHENTIC_SIGNING_TIME = _PREFIX + "authenticSigningTime"
EXPIRY = _PREFIX + "expiry"
TIMES = frozenset({SIGNING_TIME, AUTHENTIC_SIGNING_TIME, EXPIRY})
VERIFICATION_PLUGIN = _PREFIX + "verificationPlugin"
VERIFICATION_PLUGIN_VERSION = _PREFIX + "verificationPluginMinVersion"
TIMESTAMP = _PREFIX + "timestampSignature"
"""Unsigned. The specification's sample says ``timestamp``; every tool writes this."""
SIGNING_AGENT = _PREFIX + "signingAgent"

LONGEST_CHAIN = 10

Label: TypeAlias = int | str
"""The name of a header: COSE has numbers too."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope taken apart."""

    message: bytes
    """Exactly what was signed."""
    signature: bytes
    payload: bytes
    algorithm: Algorithm
    """The one the envelope names."""
    content_type: object
    critical: object
    protected: Mapping[Label, object]
    """The other signed headers. A time in the encoding that its format demands is a datetime here."""
    chain: tuple[Certificate, ...]
    """As it came: leaf first, if the signer kept to the specification."""
    timestamp: bytes | None
    signing_agent: str | None


def read_chain(encoded: Sequence[bytes]) -> tuple[Certificate, ...]:
    """DER certificates -> the chain. Raises RefusedError ``notation-chain-missing notation-certificate-malformed``."""
    if not encoded:
        raise RefusedError(ReasonCode.NOTATION_CHAIN_MISSING, "the envelope carries no certificates")
    if len(encoded) > LONGEST_CHAIN:
        raise RefusedError(
            ReasonCode.NOTATION_CERTIFICATE_MALFORMED,
            f"the envelope carries {len(encoded)} certificates; {LONGEST_CHAIN} are read",
        )
    try:
        return tuple(read_certificate(certificate) for certificate in encoded)
    except MalformedError as error:
        raise RefusedError(
            ReasonCode.NOTATION_CERTIFICATE_MALFORMED,
            f"a certificate of the envelope cannot be read: {error.message}",
        ) from error


def malformed(detail: str) -> RefusedError:
    """The refusal of an envelope that breaks its format."""
    return RefusedError(ReasonCode.NOTATION_ENVELOPE_MALFORMED, detail)


def algorithm_refused(named: object) -> RefusedError:
    """The refusal of an algorithm that the specification does not know."""
    return RefusedError(
        ReasonCode.NOTATION_ALGORITHM, f"the envelope names the algorithm {str(named)[:40]!r}"
    )
