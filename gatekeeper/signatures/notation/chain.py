"""Certificate chains (signature-specification.md, "Certificate Requirements"): ordered, whole, each at its place.

The rules hold whatever the trust store holds, at every level. Extensions that they do not name are ignored, critical
ones too: the specification says so. When a certificate was in force is a step of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from gatekeeper.signatures.notation.algorithms import algorithm_of
from gatekeeper.signatures.notation.certificates import (
    Certificate,
    has_weak_signature,
    is_issued_by,
    is_self_signed,
)
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError

MIN_RSA_BITS = 2048
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_NOT_FOR_SIGNING = ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign")
_NOT_FOR_CODE = {
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "any",
    ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
    ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "emailProtection",
    ExtendedKeyUsageOID.TIME_STAMPING: "timeStamping",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSPSigning",
}


def check_signing_chain(chain: Sequence[Certificate]) -> None:
    """The chain of a signature, leaf first. Raises RefusedError ``notation-chain notation-certificate``."""
    check_order(chain)
    for place, certificate in enumerate(chain):
        if place == 0:
            _check_leaf(certificate, usage_critical=True)
            _check_purpose(certificate)
        else:
            _check_authority(certificate, below=place - 1, usage_critical=True)


def check_timestamping_chain(chain: Sequence[Certificate]) -> None:
    """The chain of a time-stamping authority, leaf first, its purpose known to be right. Raises RefusedError.

    keyUsage need not be critical here.
    """
    check_order(chain)
    for place, certificate in enumerate(chain):
        if place == 0:
            _check_leaf(certificate, usage_critical=False)
            algorithm_of(certificate.key)
        else:
            _check_authority(certificate, below=place - 1, usage_critical=False)


def check_order(chain: Sequence[Certificate]) -> None:
    """Each certificate was issued by the next one, and only the last one by itself. Raises RefusedError."""
    last = len(chain) - 1
    for place, certificate in enumerate(chain):
        if has_weak_signature(certificate):
            raise _rule(certificate, "was signed with MD5 or SHA-1")
        issued_itself = is_self_signed(certificate)
        if place == last:
            if not issued_itself:
                raise _order(f"it ends with {certificate.named}, which is no self-signed root")
        elif issued_itself:
            raise _order(f"{certificate.named} is self-signed and not the last one")
        elif not is_issued_by(certificate, chain[place + 1]):
            raise _order(f"{certificate.named} was not issued by {chain[place + 1].named}, which follows it")


def _order(detail: str) -> RefusedError:
    return RefusedError(ReasonCode.NOTATION_CHAIN, f"the certificate chain: {detail}")


def _rule(certificate: Certificate, what: str) -> RefusedError:
    return RefusedError(ReasonCode.NOTATION_CERTIFICATE, f"the certificate {certificate.named} {what}")


def _check_authority(certificate: Certificate, *, below: int, usage_critical: bool) -> None:
    constraints = certificate.extension(x509.BasicConstraints)
    if constraints is None or not constraints.value.ca:
        raise _rule(certificate, "issues others but is no authority (basicConstraints)")
    if not constraints.critical:
        raise _rule(certificate, "does not mark basicConstraints critical")
    allowed = constraints.value.path_length
    if allowed is not None and allowed < below:
        raise _rule(certificate, f"allows {allowed} authorities below it, and there are {below}")
    if not _key_usage(certificate, critical=usage_critical).key_cert_sign:
        raise _rule(certificate, "may not sign certificates (keyUsage lacks keyCertSign)")
    key = certificate.key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        raise _rule(certificate, f"has an RSA key of {key.key_size} bits; {MIN_RSA_BITS} is the least")
    if isinstance(key, ec.EllipticCurvePublicKey) and not isinstance(key.curve, _CURVES):
        raise _rule(certificate, f"has a key on the curve {key.curve.name}")


def _check_leaf(certificate: Certificate, *, usage_critical: bool) -> None:
    constraints = certificate.extension(x509.BasicConstraints)
    if constraints is not None and constraints.value.ca:
        raise _rule(certificate, "signs content but is an authority (basicConstraints)")
    usage = _key_usage(certificate, critical=usage_critical)
    if not usage.digital_signature:
        raise _rule(certificate, "may not sign (keyUsage lacks digitalSignature)")
    others = [name for name in _NOT_FOR_SIGNING if getattr(usage, name)]
    if others:
        raise _rule(certificate, f"has a key for more than signatures (keyUsage: {', '.join(others)})")


def _check_purpose(certificate: Certificate) -> None:
    usage = certificate.extension(x509.ExtendedKeyUsage)
    for purpose in usage.value if usage is not None else ():
        if purpose in _NOT_FOR_CODE:
            raise _rule(certificate, f"is for {_NOT_FOR_CODE[purpose]} too (extendedKeyUsage)")


def _key_usage(certificate: Certificate, *, critical: bool) -> x509.KeyUsage:
    usage = certificate.extension(x509.KeyUsage)
    if usage is None:
        raise _rule(certificate, "has no keyUsage")
    if critical and not usage.critical:
        raise _rule(certificate, "does not mark keyUsage critical")
    return usage.value
