"""Answers about revoked certificates of a made-up signer: CRLs and OCSP responses, each spoiled at will."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from gatekeeper.core.errors import Cause, UnavailableError
from tests.fakes.notary import DAY, ISSUING, NOW, Party


@dataclass
class Answers:
    """``RevocationAnswers`` from memory; counts what is asked."""

    lists: Mapping[str, bytes] = field(default_factory=dict)
    responses: Mapping[str, bytes] = field(default_factory=dict)
    on_file: Sequence[bytes] = ()
    responses_on_file: Sequence[bytes] = ()
    asked: list[str] = field(default_factory=list)

    def stored_lists(self) -> Sequence[bytes]:
        return self.on_file

    def stored_responses(self) -> Sequence[bytes]:
        return self.responses_on_file

    def list_at(self, url: str) -> bytes:
        return self._found(url, self.lists)

    def response_from(self, url: str, request: bytes) -> bytes:
        assert ocsp.load_der_ocsp_request(request).serial_number > 0
        return self._found(url, self.responses)

    def _found(self, url: str, known: Mapping[str, bytes]) -> bytes:
        self.asked.append(url)
        if url not in known:
            raise UnavailableError(f"GET {url}: 404", cause=Cause.PROTOCOL)
        return known[url]


def revocation_list(
    *entries: x509.RevokedCertificate,
    issuer: Party = ISSUING,
    issuer_name: x509.Name | None = None,
    number: int | None = 1,
    updated: datetime = NOW - DAY,
    next_update: datetime = NOW + DAY,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> bytes:
    """A CRL, DER."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer_name if issuer_name is not None else issuer.certificate.subject)
        .last_update(updated)
        .next_update(next_update)
    )
    if number is not None:
        builder = builder.add_extension(x509.CRLNumber(number), False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    for entry in entries:
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def entry(
    party: Party,
    reason: x509.ReasonFlags | None = x509.ReasonFlags.key_compromise,
    *,
    at: datetime = NOW - 2 * DAY,
    invalid_since: datetime | None = None,
    extension: x509.ExtensionType | None = None,
) -> x509.RevokedCertificate:
    """One line of a CRL."""
    builder = (
        x509.RevokedCertificateBuilder().serial_number(party.certificate.serial_number).revocation_date(at)
    )
    if reason is not None:
        builder = builder.add_extension(x509.CRLReason(reason), False)
    if invalid_since is not None:
        builder = builder.add_extension(x509.InvalidityDate(invalid_since.replace(tzinfo=None)), False)
    if extension is not None:
        builder = builder.add_extension(extension, True)
    return builder.build()


def ocsp_response(
    party: Party,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    *,
    issuer: Party = ISSUING,
    by: Party | None = None,
    carried: bool = True,
    updated: datetime = NOW - timedelta(hours=1),
    next_update: datetime | None = NOW + DAY,
    algorithm: hashes.HashAlgorithm | None = None,
) -> bytes:
    """An OCSP response, DER, signed by the issuer or ``by`` somebody else whose certificate it may carry."""
    revoked = status is ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=party.certificate,
        issuer=issuer.certificate,
        algorithm=hashes.SHA1(),  # noqa: S303 - what responders name certificates by
        cert_status=status,
        this_update=updated,
        next_update=next_update,
        revocation_time=NOW - DAY if revoked else None,
        revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
    )
    signer = by if by is not None else issuer
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
    if by is not None and carried:
        builder = builder.certificates([by.certificate])
    return builder.sign(signer.key, algorithm or hashes.SHA256()).public_bytes(Encoding.DER)
