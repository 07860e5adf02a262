"""A timestamp authority: RFC 3161 responses with the attributes that RFC 5816 demands."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from gatekeeper.demo.sigstore import der as asn1
from gatekeeper.demo.sigstore.authority import SIGNING, Authority, der, distinguished_name

_SHA256 = "2.16.840.1.101.3.4.2.1"
_ECDSA_SHA256 = "1.2.840.10045.4.3.2"
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
_POLICY = "1.3.6.1.4.1.57264.2"


@dataclass(frozen=True, slots=True)
class TimestampAuthority:
    """A signing certificate below a root of its own."""

    root: Authority
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def below(
        cls,
        root: Authority,
        *,
        begins: datetime,
        ends: datetime,
        purposes: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.TIME_STAMPING,),
        critical: bool = True,
    ) -> Self:
        """A new authority; ``purposes`` and ``critical`` make one that must not be believed."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder()
            .subject_name(distinguished_name("virtual-tsa"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(SIGNING, critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=critical)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        return cls(root, key, root.sign(builder))

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        return (self.certificate, *self.root.chain)

    def response(self, message: bytes, at: datetime, *, names_certificate: bool = True) -> bytes:
        """TimeStampResp, granted."""
        token = self.token(message, at, names_certificate=names_certificate)
        return asn1.sequence(asn1.sequence(asn1.integer(0)), token)

    def token(self, message: bytes, at: datetime, *, names_certificate: bool = True) -> bytes:
        """TimeStampToken; ``names_certificate``: with the attribute signing-certificate-v2."""
        content = self._stated(message, at)
        attributes = [
            _attribute(_CONTENT_TYPE, asn1.oid(_TST_INFO)),
            _attribute(_MESSAGE_DIGEST, asn1.octets(hashlib.sha256(content).digest())),
        ]
        if names_certificate:
            fingerprint = asn1.octets(self.certificate.fingerprint(hashes.SHA256()))
            named = asn1.sequence(asn1.sequence(asn1.sequence(fingerprint)))
            attributes.append(_attribute(_SIGNING_CERTIFICATE_V2, named))
        signed = asn1.set_of(attributes)
        signer = asn1.sequence(
            asn1.integer(1),
            asn1.sequence(
                self.certificate.issuer.public_bytes(), asn1.integer(self.certificate.serial_number)
            ),
            asn1.algorithm(_SHA256),
            b"\xa0" + signed[1:],
            asn1.algorithm(_ECDSA_SHA256),
            asn1.octets(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
        )
        signed_data = asn1.sequence(
            asn1.integer(3),
            asn1.set_of([asn1.algorithm(_SHA256)]),
            asn1.sequence(asn1.oid(_TST_INFO), asn1.explicit(0, asn1.octets(content))),
            asn1.explicit(0, der(self.certificate)),
            asn1.set_of([signer]),
        )
        return asn1.sequence(asn1.oid(_SIGNED_DATA), asn1.explicit(0, signed_data))

    @staticmethod
    def _stated(message: bytes, at: datetime) -> bytes:
        return asn1.sequence(
            asn1.integer(1),
            asn1.oid(_POLICY),
            asn1.sequence(asn1.algorithm(_SHA256), asn1.octets(hashlib.sha256(message).digest())),
            asn1.integer(x509.random_serial_number()),
            asn1.generalized_time(at),
            asn1.sequence(asn1.integer(1)),
        )


def _attribute(name: str, value: bytes) -> bytes:
    return asn1.sequence(asn1.oid(name), asn1.set_of([value]))
