"""Certificate revocation lists (RFC 5280, section 5): complete ones, ones for a part, and deltas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.signatures.notation.certificates import Certificate, is_authority

MAX_LIST_BYTES = 32 * 1024 * 1024
_WEAK = (hashes.MD5, hashes.SHA1)
_UNDERSTOOD = (x509.IssuingDistributionPoint, x509.DeltaCRLIndicator)
_Value = TypeVar("_Value", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A list that was read and not yet believed."""

    parsed: x509.CertificateRevocationList = field(repr=False)
    extensions: x509.Extensions = field(repr=False)
    issuer: x509.Name
    next_update: datetime | None
    has_weak_hash: bool

    @property
    def number(self) -> int | None:
        """CRL number (RFC 5280, 5.2.3)."""
        found = self.extension(x509.CRLNumber)
        return None if found is None else found.crl_number

    @property
    def base_number(self) -> int | None:
        """For a delta: the least complete list it may be applied to (5.2.4). None for a complete list."""
        found = self.extension(x509.DeltaCRLIndicator)
        return None if found is None else found.crl_number

    @property
    def delta_addresses(self) -> tuple[str, ...]:
        """Where the deltas of this complete list lie (5.2.6)."""
        found = self.extension(x509.FreshestCRL)
        return () if found is None else addresses_of(found)

    def extension(self, kind: type[_Value]) -> _Value | None:
        """The value of the extension of this kind, None when there is none."""
        try:
            return self.extensions.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            return None


def unusable(detail: str, cause: Cause = Cause.PROTOCOL) -> UnavailableError:
    """The error for a list that says nothing that can be believed."""
    return UnavailableError(f"the CRL: {detail}", cause=cause)


@lru_cache(maxsize=8)
def read_list(encoded: bytes) -> RevocationList:
    """DER -> list. Raises UnavailableError."""
    if len(encoded) > MAX_LIST_BYTES:
        raise unusable(f"it is larger than {MAX_LIST_BYTES} bytes", Cause.OVER_CAP)
    try:
        parsed = x509.load_der_x509_crl(encoded)
        return RevocationList(
            parsed=parsed,
            extensions=parsed.extensions,
            issuer=parsed.issuer,
            next_update=parsed.next_update_utc,
            has_weak_hash=isinstance(parsed.signature_hash_algorithm, _WEAK),
        )
    except Exception as error:
        raise unusable(f"it cannot be read ({type(error).__name__})") from error


def addresses_of(points: Iterable[x509.DistributionPoint]) -> tuple[str, ...]:
    """Every URI of these distribution points."""
    return tuple(uri for point in points for uri in uris_of(point.full_name))


def uris_of(names: Iterable[x509.GeneralName] | None) -> tuple[str, ...]:
    """The URIs among these names."""
    return tuple(name.value for name in names or () if isinstance(name, x509.UniformResourceIdentifier))


def check_believable(listed: RevocationList, issuer: Certificate, now: datetime) -> None:
    """The issuer signed it, it is current, and nothing critical in it is unknown. Raises UnavailableError."""
    if listed.issuer != issuer.parsed.subject:
        raise unusable("it is from another issuer")
    usage = issuer.extension(x509.KeyUsage)
    if usage is not None and not usage.value.crl_sign:
        raise unusable("its issuer may not sign CRLs (keyUsage lacks cRLSign)")
    if listed.has_weak_hash:
        raise unusable("it is signed with a hash that is broken")
    try:
        holds = listed.parsed.is_signature_valid(issuer.key)  # type: ignore[arg-type]  # TypeError for others, below
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise unusable("it is signed with an algorithm that is not accepted") from error
    if not holds:
        raise unusable("its issuer did not sign it")
    if listed.next_update is None or now > listed.next_update:
        raise unusable("it is out of date")
    for extension in listed.extensions:
        if extension.critical and not isinstance(extension.value, _UNDERSTOOD):
            raise unusable(f"it has the unknown critical extension {extension.oid.dotted_string}")


def covers(listed: RevocationList, certificate: Certificate, point: Sequence[str]) -> bool:
    """True when the list answers for this certificate. ``point``: the addresses that the certificate names.

    Issuing distribution point, RFC 5280, 5.2.5 and 6.3.3 (b).
    """
    scope = listed.extension(x509.IssuingDistributionPoint)
    if scope is None:
        return True
    if scope.indirect_crl or scope.only_contains_attribute_certs or scope.only_some_reasons is not None:
        return False
    if scope.only_contains_ca_certs and not is_authority(certificate):
        return False
    if scope.only_contains_user_certs and is_authority(certificate):
        return False
    if scope.relative_name is not None:
        return False
    return scope.full_name is None or bool(set(uris_of(scope.full_name)) & set(point))


def check_delta(delta: RevocationList, base: RevocationList) -> None:
    """The delta may be applied to this base (RFC 5280, 5.2.4). Raises UnavailableError."""
    if delta.base_number is None:
        raise unusable("what should be a delta is a complete list")
    if base.number is None or delta.number is None:
        raise unusable("a list without a number has a delta")
    if delta.number <= base.number:
        raise unusable("the delta is older than the complete list")
    if delta.base_number > base.number:
        raise unusable("the delta is for a newer complete list")


def lists_as_revoked(
    lists: Sequence[RevocationList], certificate: Certificate, signed_at: datetime | None
) -> bool:
    """What a complete list and its delta say together. Raises UnavailableError.

    A hold counts until it is lifted (removeFromCRL); an invalidity date after ``signed_at`` makes the entry harmless.
    """
    latest: tuple[datetime, bool] | None = None
    for entry in _entries(lists, certificate.parsed.serial_number):
        reason, invalid_since = _entry_extensions(entry)
        if signed_at is not None and invalid_since is not None and signed_at < invalid_since:
            continue
        lifted = reason is x509.ReasonFlags.remove_from_crl
        if not lifted and reason is not x509.ReasonFlags.certificate_hold:
            return True
        if latest is None or entry.revocation_date_utc >= latest[0]:
            latest = (entry.revocation_date_utc, not lifted)
    return latest is not None and latest[1]


def _entries(lists: Sequence[RevocationList], serial: int) -> Iterator[x509.RevokedCertificate]:
    for listed in lists:
        try:
            entry = listed.parsed.get_revoked_certificate_by_serial_number(serial)
        except ValueError as error:
            raise unusable("an entry cannot be read") from error
        if entry is not None:
            yield entry


def _entry_extensions(entry: x509.RevokedCertificate) -> tuple[x509.ReasonFlags | None, datetime | None]:
    reason: x509.ReasonFlags | None = None
    invalid_since: datetime | None = None
    try:
        for extension in entry.extensions:
            if isinstance(extension.value, x509.CRLReason):
                reason = extension.value.reason
            elif isinstance(extension.value, x509.InvalidityDate):
                invalid_since = extension.value.invalidity_date.replace(tzinfo=UTC)
            elif extension.critical:
                raise unusable(f"an entry has the unknown critical extension {extension.oid.dotted_string}")
    except ValueError as error:
        raise unusable("an entry cannot be read") from error
    return reason, invalid_since
