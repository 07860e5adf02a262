"""X.509 certificates from strangers: what ``cryptography`` reads lazily is read here, at once, behind one border.

A certificate that loads may still break when its key, names or extensions are first looked at. ``read_certificate``
looks at all of them, so that no step after it can be surprised. Results are kept by content: an organization signs
with few chains, and each link of them is verified once.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from gatekeeper.core.errors import MalformedError
from gatekeeper.signatures import der

MAX_CERTIFICATE_BYTES = 32 * 1024
MAX_FILE_BYTES = 4 * 1024 * 1024

_WEAK = (hashes.MD5, hashes.SHA1)
_KEPT = 512
_PEM_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----")
_Value = TypeVar("_Value", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of which every part was read. Two are equal when their bytes are."""

    encoded: bytes
    """DER."""
    parsed: x509.Certificate = field(compare=False, repr=False)
    key: CertificatePublicKeyTypes = field(compare=False, repr=False)
    extensions: x509.Extensions = field(compare=False, repr=False)
    subject: str = field(compare=False)
    """RFC 4514, for people."""
    issuer: str = field(compare=False)
    not_before: datetime = field(compare=False)
    not_after: datetime = field(compare=False)

    @property
    def thumbprint(self) -> str:
        """sha256 of the DER form, in hexadecimal."""
        return hashlib.sha256(self.encoded).hexdigest()

    @property
    def named(self) -> str:
        """The subject in quotes, for messages: printable and not too long."""
        shown = "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in self.subject[:200])
        return f"'{shown}'"

    @property
    def is_self_issued(self) -> bool:
        """True when issuer and subject are one name."""
        return self.parsed.issuer == self.parsed.subject

    def covers(self, earliest: datetime, latest: datetime) -> bool:
        """True when the whole interval lies inside the validity of this certificate."""
        return self.not_before <= earliest and latest <= self.not_after

    def extension(self, kind: type[_Value]) -> x509.Extension[_Value] | None:
        """The extension of this kind, None when there is none."""
        try:
            return self.extensions.get_extension_for_class(kind)
        except x509.ExtensionNotFound:
            return None


@lru_cache(maxsize=_KEPT)
def read_certificate(encoded: bytes) -> Certificate:
    """One DER certificate, whole. Raises MalformedError ``certificate-malformed``."""
    if len(encoded) > MAX_CERTIFICATE_BYTES:
        raise _malformed(f"it is larger than {MAX_CERTIFICATE_BYTES} bytes")
    try:
        parsed = x509.load_der_x509_certificate(encoded)
        return Certificate(
            encoded=encoded,
            parsed=parsed,
            key=parsed.public_key(),
            extensions=parsed.extensions,
            subject=parsed.subject.rfc4514_string(),
            issuer=parsed.issuer.rfc4514_string(),
            not_before=parsed.not_valid_before_utc,
            not_after=parsed.not_valid_after_utc,
        )
    except Exception as error:  # border to untrusted bytes: the parser raises many kinds
        raise _malformed(f"it is no X.509 certificate that can be read ({str(error)[:200]})") from error


@lru_cache(maxsize=_KEPT)
def is_issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    """True when ``issuer`` bears the name and made the signature, with a hash that is not broken."""
    if has_weak_signature(certificate):
        return False
    try:
        certificate.parsed.verify_directly_issued_by(issuer.parsed)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def is_self_signed(certificate: Certificate) -> bool:
    """True when the certificate's own key made its signature."""
    return certificate.is_self_issued and is_issued_by(certificate, certificate)


def is_authority(certificate: Certificate) -> bool:
    """True when basicConstraints say that it may issue others."""
    constraints = certificate.extension(x509.BasicConstraints)
    return constraints is not None and constraints.value.ca


def has_weak_signature(certificate: Certificate) -> bool:
    """True when the certificate was signed with MD5 or SHA-1, or with an algorithm nobody knows."""
    try:
        return isinstance(certificate.parsed.signature_hash_algorithm, _WEAK)
    except (ValueError, UnsupportedAlgorithm):
        return True


def read_certificate_file(content: bytes) -> tuple[Certificate, ...]:
    """The certificates of a PEM or DER file, one or several. Raises MalformedError that says what is wrong."""
    if len(content) > MAX_FILE_BYTES:
        raise _malformed(f"it is larger than {MAX_FILE_BYTES} bytes")
    found = tuple(read_certificate(encoded) for encoded in _encodings(content))
    if not found:
        raise _malformed("it holds no certificate; give PEM (-----BEGIN CERTIFICATE-----) or DER")
    return found


def _encodings(content: bytes) -> Iterable[bytes]:
    if b"-----BEGIN " not in content:
        return _concatenated(content)
    return [_block(label, body) for label, body in _PEM_BLOCK.findall(content)]


def _block(label: bytes, body: bytes) -> bytes:
    name = label.decode("ascii")
    if "PRIVATE KEY" in name:
        raise _malformed("it holds a private key, which must not be here; keep the certificate alone")
    if name != "CERTIFICATE":
        raise _malformed(f"it holds a PEM {name}; give -----BEGIN CERTIFICATE-----")
    try:
        return b64decode(b"".join(body.split()), validate=True)
    except ValueError as error:
        raise _malformed(f"a PEM block is not base64: {error}") from error


def _concatenated(content: bytes) -> list[bytes]:
    try:
        return [element.raw for element in der.Reader(content).all()]
    except der.DerError as error:
        raise _malformed(
            "it is neither PEM nor DER; give -----BEGIN CERTIFICATE----- or the binary form"
        ) from error


def _malformed(detail: str) -> MalformedError:
    return MalformedError(detail, reason_code="certificate-malformed")
