"""One OCSP response (RFC 6960) about one certificate: believed only when the issuer, or one it delegated, signed it."""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.signatures.notation.certificates import Certificate, is_issued_by, read_certificate

MAX_RESPONSE_BYTES = 64 * 1024
_CLOCK_SKEW = timedelta(minutes=5)
_WEAK = (hashes.MD5, hashes.SHA1)


def request_for(certificate: Certificate, issuer: Certificate) -> bytes:
    """The DER request. SHA-1 only names the certificate in it; most public responders know no other hash."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(
        certificate.parsed,
        issuer.parsed,
        hashes.SHA1(),  # noqa: S303 - an identifier, no proof
    )
    return builder.build().public_bytes(Encoding.DER)


def is_revoked(encoded: bytes, certificate: Certificate, issuer: Certificate, *, now: datetime) -> bool:
    """True for revoked, False for good. Raises UnavailableError for ``unknown`` and for what cannot be believed."""
    if len(encoded) > MAX_RESPONSE_BYTES:
        raise _unusable(f"it is larger than {MAX_RESPONSE_BYTES} bytes", Cause.OVER_CAP)
    try:
        return _answer(ocsp.load_der_ocsp_response(encoded), certificate, issuer, now)
    except UnavailableError:
        raise
    except Exception as error:
        raise _unusable(f"it cannot be read ({type(error).__name__})") from error


def _unusable(detail: str, cause: Cause = Cause.PROTOCOL) -> UnavailableError:
    return UnavailableError(f"the OCSP response: {detail}", cause=cause)


def _answer(
    response: ocsp.OCSPResponse, certificate: Certificate, issuer: Certificate, now: datetime
) -> bool:
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise _unusable(f"the responder says {response.response_status.name.lower()}")
    _check_signed(response, _signer(response, issuer, now))
    for single in response.responses:
        if not _is_about(single, certificate, issuer):
            continue
        if single.next_update_utc is None or now > single.next_update_utc:
            raise _unusable("it is out of date")
        if now < single.this_update_utc - _CLOCK_SKEW:
            raise _unusable("it is from the future")
        if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
            raise _unusable("the responder does not know the certificate")
        return single.certificate_status is ocsp.OCSPCertStatus.REVOKED
    raise _unusable("it is about another certificate")


def _is_about(single: ocsp.OCSPSingleResponse, certificate: Certificate, issuer: Certificate) -> bool:
    if single.serial_number != certificate.parsed.serial_number:
        return False
    expected = (
        ocsp.OCSPRequestBuilder()
        .add_certificate(certificate.parsed, issuer.parsed, single.hash_algorithm)
        .build()
    )
    return (single.issuer_name_hash, single.issuer_key_hash) == (
        expected.issuer_name_hash,
        expected.issuer_key_hash,
    )


def _signer(response: ocsp.OCSPResponse, issuer: Certificate, now: datetime) -> CertificatePublicKeyTypes:
    """The issuer's key, or that of a certificate which the issuer made for OCSP (RFC 6960, 4.2.2.2)."""
    carried = [read_certificate(one.public_bytes(Encoding.DER)) for one in response.certificates[:4]]
    if not carried or carried[0] == issuer:
        return issuer.key
    delegate = carried[0]
    purposes = delegate.extension(x509.ExtendedKeyUsage)
    if not is_issued_by(delegate, issuer):
        raise _unusable("the responder's certificate is not from the certificate's issuer")
    if purposes is None or ExtendedKeyUsageOID.OCSP_SIGNING not in purposes.value:
        raise _unusable("the responder's certificate is not for OCSP")
    if not delegate.covers(now, now):
        raise _unusable("the responder's certificate is not in force")
    return delegate.key


def _check_signed(response: ocsp.OCSPResponse, key: CertificatePublicKeyTypes) -> None:
    algorithm = response.signature_hash_algorithm
    if algorithm is None or isinstance(algorithm, _WEAK):
        raise _unusable("it is signed with an algorithm that is not accepted")
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
        else:
            raise _unusable(f"it is signed with a {type(key).__name__}")
    except (InvalidSignature, UnsupportedAlgorithm) as error:
        raise _unusable("its signature does not hold") from error
