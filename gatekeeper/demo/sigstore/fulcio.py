"""A certificate authority for signers: short-lived certificates with Fulcio's extensions and an embedded SCT."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from gatekeeper.demo.sigstore import der as asn1
from gatekeeper.demo.sigstore.authority import SIGNING, Authority
from gatekeeper.demo.sigstore.signing_keys import LogSigner, spki

ARC = "1.3.6.1.4.1.57264.1"
_SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")

SubjectKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Signer:
    """Who asks for a certificate, and what is written of it."""

    name: str
    """An e-mail address, a URI, or with ``other_name`` any text."""
    issuer: str
    extensions: Mapping[int, str] = field(default_factory=dict)
    """Last arc below Fulcio's -> text."""
    other_name: bool = False
    old_issuer: str | None = None
    """The deprecated issuer extension, when it says something else."""

    def names(self) -> list[x509.GeneralName]:
        """The subject alternative name."""
        if self.other_name:
            oid = x509.ObjectIdentifier(f"{ARC}.7")
            return [x509.OtherName(oid, asn1.utf8(self.name))]
        if "://" in self.name:
            return [x509.UniformResourceIdentifier(self.name)]
        return [x509.RFC822Name(self.name)]


@dataclass(frozen=True, slots=True)
class Unusual:
    """What a certificate has that a good one has not."""

    usage: x509.KeyUsage = SIGNING
    purposes: Sequence[x509.ObjectIdentifier] = (ExtendedKeyUsageOID.CODE_SIGNING,)
    authority: bool = False
    names: Sequence[x509.GeneralName] | None = None
    scts: int = 1
    minutes: int = 10


_GOOD = Unusual()


@dataclass(frozen=True, slots=True)
class Fulcio:
    """Issues below an intermediate, and logs every certificate in one CT log."""

    authority: Authority
    ct_log: LogSigner

    def issue(
        self, key: SubjectKey, signer: Signer, at: datetime, unusual: Unusual = _GOOD
    ) -> x509.Certificate:
        """A certificate from ``at`` on for ten minutes, with its SCT."""
        begins = at.replace(microsecond=0)
        builder = self._builder(key, signer, begins, unusual)
        before = self.authority.sign(builder)
        if unusual.scts == 0:
            return before
        listed = b"".join(
            len(sct).to_bytes(2, "big") + sct for sct in [self._sct(before, begins)] * unusual.scts
        )
        scts = asn1.octets(len(listed).to_bytes(2, "big") + listed)
        return self._again(builder, before, scts)

    def _again(
        self, builder: x509.CertificateBuilder, before: x509.Certificate, scts: bytes
    ) -> x509.Certificate:
        """The same certificate with the SCTs as its last extension: without it, the logged bytes come back."""
        identifier = before.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
        complete = builder.add_extension(identifier.value, critical=False).add_extension(
            x509.UnrecognizedExtension(_SCT_LIST, scts), critical=False
        )
        return self.authority.sign_complete(complete)

    @staticmethod
    def _builder(
        key: SubjectKey, signer: Signer, begins: datetime, unusual: Unusual
    ) -> x509.CertificateBuilder:
        names = signer.names() if unusual.names is None else list(unusual.names)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + timedelta(minutes=unusual.minutes))
            .add_extension(unusual.usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage(unusual.purposes), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )
        if unusual.authority:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
        old_issuer = signer.issuer if signer.old_issuer is None else signer.old_issuer
        written = {
            1: old_issuer.encode(),
            8: asn1.utf8(signer.issuer),
            **{arc: text.encode() if arc < 7 else asn1.utf8(text) for arc, text in signer.extensions.items()},
        }
        for arc, value in sorted(written.items()):
            oid = x509.ObjectIdentifier(f"{ARC}.{arc}")
            builder = builder.add_extension(x509.UnrecognizedExtension(oid, value), critical=False)
        return builder

    def _sct(self, before: x509.Certificate, at: datetime) -> bytes:
        """SignedCertificateTimestamp of RFC 6962 section 3.2 over the certificate without it."""
        body = before.tbs_certificate_bytes
        milliseconds = (int(at.timestamp()) * 1000).to_bytes(8, "big")
        issuer = hashlib.sha256(spki(self.authority.key.public_key())).digest()
        signed = b"".join(
            (b"\x00\x00", milliseconds, b"\x00\x01", issuer, len(body).to_bytes(3, "big"), body, b"\x00\x00")
        )
        signature = self.ct_log.sign(signed)
        return b"".join(
            (
                b"\x00",
                self.ct_log.log_id,
                milliseconds,
                b"\x00\x00",
                b"\x04\x03",
                len(signature).to_bytes(2, "big"),
                signature,
            )
        )
