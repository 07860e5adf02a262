"""Timestamp tokens (RFC 3161, RFC 5816): who says that a signature existed, and when.

Shared by Sigstore, whose bundles carry whole responses, and the Notary Project, whose envelopes carry the token.
Anchors are always the caller's; certificates in a token only help to find a path to one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from gatekeeper.signatures import cms, der
from gatekeeper.signatures.certificate_path import (
    NoPathError,
    PathError,
    check_understood,
    extensions_of,
    is_authority,
    name_of,
    path_to_anchor,
)
from gatekeeper.signatures.der import DerError, Element
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError

MAX_BYTES = 64 * 1024
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_GRANTED = (0, 1)


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A verified token: its authority saw the message at ``at``, give or take ``accuracy``."""

    at: datetime
    accuracy: timedelta | None
    """None: the authority does not say."""
    policy: str
    """Object identifier, dotted."""
    serial: int
    chain: tuple[x509.Certificate, ...]
    """The authority's certificate first, the configured anchor last."""


def token_of_response(response: bytes) -> bytes:
    """TimeStampResp -> TimeStampToken, if the authority granted one. Raises RefusedError ``timestamp-malformed``."""
    _check_size(response)
    try:
        fields = der.read(response, der.SEQUENCE).children()
        status = fields.take(der.SEQUENCE).children().take(der.INTEGER).integer()
        token = fields.take_if(der.SEQUENCE)
        fields.end()
    except DerError as error:
        raise _malformed(error) from error
    if status not in _GRANTED or token is None:
        raise _malformed(DerError(f"the authority answered with status {status}, not with a timestamp"))
    return token.raw


def verify_token(
    token: bytes,
    message: bytes,
    *,
    anchors: Sequence[x509.Certificate],
    intermediates: Sequence[x509.Certificate] = (),
    authority: x509.Certificate | None = None,
    demand_signing_certificate: bool = False,
) -> Timestamp:
    """A TimeStampToken over ``message``, verified up to one of ``anchors``.

    ``authority``: the only certificate that may have signed it, where the configuration names one.
    ``demand_signing_certificate``: the attribute of RFC 5816 must be there; when it is, it must always match.

    Raises RefusedError: ``timestamp-malformed``, ``timestamp-mismatch`` (of another message),
    ``timestamp-signature-wrong``, ``timestamp-untrusted`` (no path, or not an authority for timestamps).
    """
    _check_size(token)
    try:
        signed = cms.read_cms_signature(token)
        stated = _read_statement(signed)
        cms.check_attributes(signed)
    except (ValueError, TypeError) as error:
        raise _malformed(error) from error
    if stated.imprint != cms.digest_of(cms.HASHES[stated.algorithm], message):
        raise RefusedError(ReasonCode.TIMESTAMP_MISMATCH, "the timestamp is one of another message")
    signer = _signer(
        signed, (authority,) if authority is not None else (*signed.certificates, *intermediates)
    )
    _check_signing_certificate(signed, signer, demand=demand_signing_certificate)
    if not cms.signature_holds(signed, signer):
        raise RefusedError(
            ReasonCode.TIMESTAMP_SIGNATURE_WRONG, f"the key of {name_of(signer)} did not sign the timestamp"
        )
    try:
        check_timestamping_certificate(signer)
        chain = path_to_anchor(
            signer,
            intermediates=(*intermediates, *signed.certificates),
            anchors=anchors,
            at=stated.at,
            purpose=ExtendedKeyUsageOID.TIME_STAMPING,
        )
    except PathError as error:
        raise RefusedError(ReasonCode.TIMESTAMP_UNTRUSTED, str(error)) from error
    return Timestamp(stated.at, stated.accuracy, stated.policy, stated.serial, chain)


def check_timestamping_certificate(certificate: x509.Certificate) -> None:
    """RFC 3161 section 2.3: timestamping is its only purpose, and critical. Raises NoPathError."""
    extensions = extensions_of(certificate)
    check_understood(extensions, certificate)
    try:
        purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        raise NoPathError(f"{name_of(certificate)} is not made for timestamps") from None
    if not purposes.critical or list(purposes.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise NoPathError(
            f"{name_of(certificate)} is not made for timestamps alone: its extended key usage must be critical "
            "and nothing but timestamping"
        )
    if is_authority(certificate):
        raise NoPathError(f"{name_of(certificate)} is a certificate authority, not a timestamp signer")
    for extension in extensions:
        if isinstance(extension.value, x509.KeyUsage) and not (
            extension.value.digital_signature or extension.value.content_commitment
        ):
            raise NoPathError(f"the key usage of {name_of(certificate)} does not allow signatures")


@dataclass(frozen=True, slots=True)
class _Stated:
    policy: str
    algorithm: str
    imprint: bytes
    serial: int
    at: datetime
    accuracy: timedelta | None


def _read_statement(signed: cms.CmsSignature) -> _Stated:
    """TSTInfo of RFC 3161 section 2.4.2. Raises DerError."""
    if signed.content_type != _TST_INFO:
        raise DerError("the content is no TSTInfo")
    fields = der.read(signed.content, der.SEQUENCE).children()
    if fields.take(der.INTEGER).integer() != 1:
        raise DerError("TSTInfo is not version 1")
    policy = fields.take(der.OID).oid()
    imprint = fields.take(der.SEQUENCE).children()
    algorithm = imprint.take(der.SEQUENCE)
    cms.hash_named(algorithm)
    hashed = imprint.take(der.OCTET_STRING).content
    imprint.end()
    serial = fields.take(der.INTEGER).integer()
    at = fields.take(der.GENERALIZED_TIME).generalized_time()
    accuracy = fields.take_if(der.SEQUENCE)
    fields.take_if(der.BOOLEAN)
    fields.take_if(der.INTEGER)
    fields.take_if(der.context(0))
    if fields.take_if(der.context(1)) is not None:
        raise DerError("TSTInfo has extensions, and none is understood")
    fields.end()
    named = algorithm.children().take(der.OID).oid()
    return _Stated(policy, named, hashed, serial, at, None if accuracy is None else _accuracy(accuracy))


def _accuracy(element: Element) -> timedelta:
    fields = element.children()
    seconds = fields.take_if(der.INTEGER)
    total = timedelta(seconds=_small(seconds, 10**6) if seconds is not None else 0)
    for number, unit in ((0, timedelta(milliseconds=1)), (1, timedelta(microseconds=1))):
        part = fields.take_if(der.context(number, constructed=False))
        if part is not None:
            total += unit * _small(Element(der.INTEGER, part.content, part.raw), 999)
    fields.end()
    return total


def _small(element: Element, most: int) -> int:
    value = element.integer()
    if not 0 <= value <= most:
        raise DerError(f"an accuracy of {value}")
    return value


def _signer(signed: cms.CmsSignature, candidates: Sequence[x509.Certificate]) -> x509.Certificate:
    for certificate in candidates:
        if signed.names(certificate):
            return certificate
    raise RefusedError(
        ReasonCode.TIMESTAMP_UNTRUSTED, "the timestamp was signed with a certificate that is not trusted"
    )


def _check_signing_certificate(signed: cms.CmsSignature, signer: x509.Certificate, *, demand: bool) -> None:
    try:
        matches = cms.signing_certificate_matches(signed, signer)
    except DerError as error:
        raise _malformed(error) from error
    if matches is False or (matches is None and demand):
        raise RefusedError(
            ReasonCode.TIMESTAMP_UNTRUSTED,
            "the signed attribute signing-certificate is absent or names another certificate",
        )


def _check_size(content: bytes) -> None:
    if len(content) > MAX_BYTES:
        raise RefusedError(ReasonCode.TIMESTAMP_MALFORMED, f"the timestamp has {len(content)} bytes")


def _malformed(error: Exception) -> RefusedError:
    return RefusedError(ReasonCode.TIMESTAMP_MALFORMED, f"the timestamp cannot be read: {str(error)[:160]}")
