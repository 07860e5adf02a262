"""Signing certificates as Fulcio issues them (fulcio docs/certificate-specification.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from gatekeeper.core.errors import MalformedError
from gatekeeper.signatures import der
from gatekeeper.signatures.certificate_path import (
    NoPathError,
    check_understood,
    is_authority,
    load_certificate,
)
from gatekeeper.signatures.der import DerError
from gatekeeper.signatures.keyless.extensions import OTHER_NAME, read_extensions
from gatekeeper.signatures.keys import LoadedKey, accepted_key
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError

MAX_BYTES = 32 * 1024


class IdentityKind(StrEnum):
    """Which kind of subject alternative name the identity stands in."""

    EMAIL = "email"
    URI = "uri"
    OTHER_NAME = "other-name"
    DNS = "dns"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a certificate says signed."""

    name: str
    kind: IdentityKind
    issuer: str | None
    """Who vouched for the name: the OIDC issuer. None in certificates of an authority other than Fulcio."""
    extensions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SigningCertificate:
    """A certificate that may sign code, whoever issued it."""

    certificate: x509.Certificate
    key: LoadedKey
    identity: Identity


def read_signing_certificate(content: bytes) -> SigningCertificate:
    """DER -> a certificate fit for signing, with its identity. Raises RefusedError ``certificate-…``."""
    if len(content) > MAX_BYTES:
        raise RefusedError(ReasonCode.CERTIFICATE_MALFORMED, f"the certificate has {len(content)} bytes")
    try:
        certificate = load_certificate(content)
        key = accepted_key(certificate.public_key(), "the certificate's key")
    except (ValueError, MalformedError) as error:
        raise RefusedError(ReasonCode.CERTIFICATE_MALFORMED, str(error)[:200]) from error
    _check_usable(certificate)
    issuer, extensions = read_extensions(certificate.extensions)
    name, kind = _only_name(certificate)
    return SigningCertificate(certificate, key, Identity(name, kind, issuer, extensions))


def _unsuitable(detail: str) -> RefusedError:
    return RefusedError(ReasonCode.CERTIFICATE_UNSUITABLE, detail)


def _check_usable(certificate: x509.Certificate) -> None:
    extensions = certificate.extensions
    try:
        check_understood(extensions, certificate)
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
        purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except NoPathError as error:
        raise _unsuitable(str(error)) from error
    except x509.ExtensionNotFound as error:
        raise _unsuitable("it has no key usage or no extended key usage") from error
    if not usage.digital_signature:
        raise _unsuitable("its key usage does not allow signatures")
    if ExtendedKeyUsageOID.CODE_SIGNING not in purposes:
        raise _unsuitable("its extended key usage is not code signing")
    if is_authority(certificate):
        raise _unsuitable("it is a certificate authority")


def _only_name(certificate: x509.Certificate) -> tuple[str, IdentityKind]:
    try:
        names = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        names = []
    if len(names) != 1:
        raise _unclear(f"it has {len(names)} subject alternative names, not one")
    match names[0]:
        case x509.RFC822Name(value=text):
            return text, IdentityKind.EMAIL
        case x509.UniformResourceIdentifier(value=text):
            return text, IdentityKind.URI
        case x509.DNSName(value=text):
            return text, IdentityKind.DNS
        case x509.OtherName(type_id=oid, value=content) if oid.dotted_string == OTHER_NAME:
            return _other_name(content), IdentityKind.OTHER_NAME
    raise _unclear("its subject alternative name is of a kind that is not known")


def _other_name(content: bytes) -> str:
    try:
        return der.read(content, der.UTF8_STRING).content.decode()
    except (DerError, UnicodeDecodeError) as error:
        raise _unclear("its other name is no UTF-8 text") from error


def _unclear(detail: str) -> RefusedError:
    return RefusedError(ReasonCode.CERTIFICATE_IDENTITY_UNCLEAR, detail)
