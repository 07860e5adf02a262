"""Certificate transparency (RFC 6962 section 3.2): the embedded proof that the certificate was logged."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.certificate_transparency import (
    LogEntryType,
    SignedCertificateTimestamp,
)

from gatekeeper.signatures.algorithms import verifies
from gatekeeper.signatures.keyless.trust_root import LogKey
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError


def check_sct(certificate: x509.Certificate, issuer: x509.Certificate, ct_logs: Sequence[LogKey]) -> None:
    """Exactly one SCT, by a log that was trusted when it signed. Raises RefusedError ``sct-…``."""
    sct = _only_sct(certificate)
    known = [log for log in ct_logs if log.log_id == sct.log_id]
    if not known:
        raise RefusedError(
            ReasonCode.SCT_LOG_UNKNOWN, f"the SCT is of the log {sct.log_id.hex()}, which is not trusted"
        )
    signed = _signed_bytes(sct, certificate, issuer)
    signers = [log for log in known if verifies(log.key, sct.signature, signed)]
    if not signers:
        raise RefusedError(
            ReasonCode.SCT_SIGNATURE_WRONG, f"{known[0].url} did not sign an SCT of this certificate"
        )
    at = sct.timestamp.replace(tzinfo=UTC)
    if not any(log.period.includes(at) for log in signers):
        raise RefusedError(
            ReasonCode.SCT_LOG_OUTSIDE_WINDOW,
            f"the key of {signers[0].url} is trusted from {signers[0].period}, not at {at:%Y-%m-%dT%H:%M:%SZ}",
        )


def _only_sct(certificate: x509.Certificate) -> SignedCertificateTimestamp:
    try:
        found = list(
            certificate.extensions.get_extension_for_class(
                x509.PrecertificateSignedCertificateTimestamps
            ).value
        )
    except x509.ExtensionNotFound:
        found = []
    if len(found) != 1:
        raise RefusedError(ReasonCode.SCT_MISSING, f"the certificate carries {len(found)} SCTs")
    sct: SignedCertificateTimestamp = found[0]
    if sct.entry_type is not LogEntryType.PRE_CERTIFICATE:
        raise RefusedError(ReasonCode.SCT_MISSING, "the SCT is of a kind that is not known")
    if not isinstance(sct.signature_hash_algorithm, hashes.SHA256):
        raise RefusedError(ReasonCode.SCT_SIGNATURE_WRONG, "the SCT is signed over a hash other than SHA-256")
    return sct


def _signed_bytes(
    sct: SignedCertificateTimestamp, certificate: x509.Certificate, issuer: x509.Certificate
) -> bytes:
    """``digitally-signed struct`` of section 3.2 over the certificate as it was before the SCT came in."""
    before = certificate.tbs_precertificate_bytes
    spki = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    milliseconds = round(sct.timestamp.replace(tzinfo=UTC).timestamp() * 1000)
    return b"".join(
        (
            bytes((0, 0)),
            milliseconds.to_bytes(8, "big"),
            (1).to_bytes(2, "big"),
            hashlib.sha256(spki).digest(),
            len(before).to_bytes(3, "big"),
            before,
            len(sct.extension_bytes).to_bytes(2, "big"),
            sct.extension_bytes,
        )
    )
