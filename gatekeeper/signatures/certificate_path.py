"""Certification paths at a given time (RFC 5280 section 6, without policies): from a leaf to a configured anchor.

Only what is configured is an anchor; a self-signed certificate that a signer brings along never becomes one. The
whole path must have been within its validity at the time, the anchor too (GHSA-wfqv-66vq-46rm).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from gatekeeper.signatures import der

LONGEST_PATH = 6
"""Certificates from leaf to anchor, both counted."""
MOST_CERTIFICATES = 32
"""Intermediates that are looked at; more are refused before any signature is checked."""
MOST_LINKS = 256
"""Links between two certificates that are looked at: cross-signed strangers must not cost more than a good path."""
MIN_RSA_BITS = 2048

_E = TypeVar("_E", bound=x509.ExtensionType)

_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    }
)
_STRONG = (hashes.SHA256, hashes.SHA384, hashes.SHA512, type(None))
"""Hashes under a certificate's signature; Ed25519 names none."""


class PathError(ValueError):
    """No certification path holds. The text says what broke."""


class NoPathError(PathError):
    """Nothing configured issued this certificate, or an issuer was not allowed to."""


class OutsideValidityError(PathError):
    """A path exists, but one of its certificates had not begun or was over at the time."""


def load_certificate(content: bytes) -> x509.Certificate:
    """DER -> certificate, read through: ``cryptography`` puts off most of its reading until it is asked.

    Raises ValueError.
    """
    try:
        _check_serial_number(content)
        certificate = x509.load_der_x509_certificate(content)
        parts = (certificate.subject, certificate.issuer, certificate.not_valid_after_utc)
        certificate.public_key()
    except (UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise ValueError(str(error)) from error
    if not parts[1].rdns:
        raise ValueError("the certificate names no issuer")
    extensions_of(certificate)
    return certificate


def _check_serial_number(content: bytes) -> None:
    """Positive, as RFC 5280 section 4.1.2.2 demands; ``cryptography`` only warns of others."""
    fields = der.read(content, der.SEQUENCE).children().take(der.SEQUENCE).children()
    fields.take_if(der.context(0))
    if fields.take(der.INTEGER).integer() <= 0:
        raise ValueError("the certificate's serial number is not positive")


def path_to_anchor(
    leaf: x509.Certificate,
    *,
    intermediates: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    at: datetime,
    purpose: x509.ObjectIdentifier,
) -> tuple[x509.Certificate, ...]:
    """The path, leaf first and anchor last. Raises NoPathError, OutsideValidityError.

    ``purpose`` must be allowed by every issuer that restricts its purposes. The leaf's own purpose and key usage are
    the caller's: what a leaf must be differs between Fulcio, timestamp authorities and others.
    """
    if len(intermediates) > MOST_CERTIFICATES:
        raise NoPathError(f"there are {len(intermediates)} certificates, more than {MOST_CERTIFICATES}")
    search = _Search(intermediates, anchors, at, purpose)
    if leaf in anchors:
        search.check_validity(leaf)
        return (leaf,)
    found = search.extend((leaf,))
    if found is not None:
        return found
    raise search.fault or NoPathError(
        f"no configured authority issued it; it names {leaf.issuer.rfc4514_string()[:120]!r}"
    )


class _Search:
    """Depth first over the few certificates there are, anchors before intermediates."""

    def __init__(
        self,
        intermediates: Sequence[x509.Certificate],
        anchors: Sequence[x509.Certificate],
        at: datetime,
        purpose: x509.ObjectIdentifier,
    ) -> None:
        self._anchors = frozenset(anchors)
        self._issuers = (*anchors, *(one for one in intermediates if one not in self._anchors))
        self._at = at
        self._purpose = purpose
        self._links = 0
        self.fault: PathError | None = None
        """The first obstacle on a path whose signatures hold: what a person wants to read."""

    def extend(self, path: tuple[x509.Certificate, ...]) -> tuple[x509.Certificate, ...] | None:
        if len(path) >= LONGEST_PATH:
            return None
        for issuer in self._issuers:
            self._links += 1
            if self._links > MOST_LINKS:
                raise NoPathError(f"there is no path to an authority among {MOST_LINKS} links")
            if issuer in path or not issued_by(path[-1], issuer):
                continue
            try:
                self.check_validity(path[-1])
                self.check_validity(issuer)
                check_may_issue(issuer, below=len(path) - 1, purpose=self._purpose)
            except PathError as error:
                self.fault = self.fault or error
                continue
            longer = (*path, issuer)
            found = longer if issuer in self._anchors else self.extend(longer)
            if found is not None:
                return found
        return None

    def check_validity(self, certificate: x509.Certificate) -> None:
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if not begins <= self._at <= ends:
            raise OutsideValidityError(
                f"the certificate {name_of(certificate)} is good from {begins:%Y-%m-%dT%H:%M:%SZ} to "
                f"{ends:%Y-%m-%dT%H:%M:%SZ}, not at {self._at:%Y-%m-%dT%H:%M:%SZ}"
            )


def name_of(certificate: x509.Certificate) -> str:
    """The subject, or the serial number of a certificate without one; for messages."""
    return repr(certificate.subject.rfc4514_string()[:120] or f"serial {certificate.serial_number:x}")


@lru_cache(maxsize=512)
def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """True when ``issuer``'s key signed the certificate, under its name, with a hash that is still good."""
    if certificate.issuer != issuer.subject:
        return False
    try:
        if not isinstance(certificate.signature_hash_algorithm, _STRONG):
            return False
        key = issuer.public_key()
        if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS:
            return False
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        # ``cryptography`` says so of algorithms it does not know, too.
        return False
    return True


@lru_cache(maxsize=512)
def check_may_issue(issuer: x509.Certificate, *, below: int, purpose: x509.ObjectIdentifier) -> None:
    """Raises NoPathError unless this is an authority for ``purpose`` that allows ``below`` authorities under it."""
    extensions = extensions_of(issuer)
    check_understood(extensions, issuer)
    constraints = _value(extensions, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        raise NoPathError(f"the issuer {name_of(issuer)} is no certificate authority")
    if constraints.path_length is not None and below > constraints.path_length:
        raise NoPathError(f"the issuer {name_of(issuer)} allows fewer authorities below it")
    usage = _value(extensions, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise NoPathError(f"the issuer {name_of(issuer)} may not sign certificates")
    purposes = _value(extensions, x509.ExtendedKeyUsage)
    if purposes is not None and not {purpose, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(purposes):
        raise NoPathError(f"the issuer {name_of(issuer)} may not issue for this purpose")


def is_authority(certificate: x509.Certificate) -> bool:
    """True when the certificate says it is one of a certificate authority."""
    constraints = _value(extensions_of(certificate), x509.BasicConstraints)
    return constraints is not None and constraints.ca


def extensions_of(certificate: x509.Certificate) -> x509.Extensions:
    """The extensions. NoPathError when they cannot be read."""
    try:
        return certificate.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise NoPathError(
            f"the extensions of {name_of(certificate)} cannot be read: {str(error)[:120]}"
        ) from error


def check_understood(extensions: x509.Extensions, certificate: x509.Certificate) -> None:
    """Raises NoPathError for a critical extension that is not understood, and for name constraints."""
    for extension in extensions:
        constrains = extension.oid == ExtensionOID.NAME_CONSTRAINTS
        if constrains or (extension.critical and extension.oid not in _UNDERSTOOD):
            raise NoPathError(
                f"{name_of(certificate)} has the extension {extension.oid.dotted_string}, which is not understood"
            )


def _value(extensions: x509.Extensions, kind: type[_E]) -> _E | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
