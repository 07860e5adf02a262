"""Certificate authorities: roots and intermediates that issue for one purpose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

SIGNING = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
_ISSUING = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def distinguished_name(common_name: str) -> x509.Name:
    """A name of this instance."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "virtual.sigstore"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate with its private key, and who issued it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    issuer: Authority | None = None

    @classmethod
    def root(cls, name: str, *, begins: datetime, ends: datetime) -> Self:
        """A self-signed one."""
        key = ec.generate_private_key(ec.SECP384R1())
        subject = distinguished_name(name)
        builder = _authority_builder(key, subject, begins, ends, path_length=None).issuer_name(subject)
        return cls(key, builder.sign(key, hashes.SHA384()))

    def intermediate(
        self,
        name: str,
        *,
        begins: datetime,
        ends: datetime,
        purpose: x509.ObjectIdentifier,
        path_length: int | None = 0,
    ) -> Authority:
        """An authority below this one, for one purpose."""
        key = ec.generate_private_key(ec.SECP384R1())
        builder = _authority_builder(
            key, distinguished_name(name), begins, ends, path_length=path_length
        ).add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        return Authority(key, self.sign(builder), self)

    def sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        """The certificate under this authority's name and key, with the authority's key identifier added."""
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return self.sign_complete(builder.add_extension(identifier, critical=False))

    def sign_complete(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        """The certificate with exactly the extensions the builder has."""
        return builder.issuer_name(self.certificate.subject).sign(self.key, hashes.SHA384())

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """Its own certificate first, the root last."""
        return (self.certificate, *(self.issuer.chain if self.issuer is not None else ()))


def _authority_builder(
    key: ec.EllipticCurvePrivateKey,
    subject: x509.Name,
    begins: datetime,
    ends: datetime,
    *,
    path_length: int | None,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_ISSUING, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def der(certificate: x509.Certificate) -> bytes:
    """The certificate as bundles carry it."""
    return certificate.public_bytes(Encoding.DER)


def pem(certificate: x509.Certificate) -> bytes:
    """The certificate as logs and annotations carry it."""
    return certificate.public_bytes(Encoding.PEM)
