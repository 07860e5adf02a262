"""CMS SignedData (RFC 5652 section 5) with exactly one signer: as much of it as timestamp tokens need.

Reads what ``rfc3161-client`` refuses although authorities write it (certificates in any order) and checks what that
library leaves out (the signing certificate attribute of RFC 5816).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from gatekeeper.signatures import der
from gatekeeper.signatures.certificate_path import load_certificate
from gatekeeper.signatures.der import DerError, Element

SIGNED_DATA = "1.2.840.113549.1.7.2"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"

_SHA256, _SHA384, _SHA512 = hashes.SHA256(), hashes.SHA384(), hashes.SHA512()
HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "2.16.840.1.101.3.4.2.1": _SHA256,
    "2.16.840.1.101.3.4.2.2": _SHA384,
    "2.16.840.1.101.3.4.2.3": _SHA512,
}
"""Digest algorithms that are accepted: SHA-1 is not."""
_SIGNATURE_HASHES: Mapping[str, hashes.HashAlgorithm | None] = {
    "1.2.840.10045.4.3.2": _SHA256,
    "1.2.840.10045.4.3.3": _SHA384,
    "1.2.840.10045.4.3.4": _SHA512,
    "1.2.840.113549.1.1.11": _SHA256,
    "1.2.840.113549.1.1.12": _SHA384,
    "1.2.840.113549.1.1.13": _SHA512,
    "1.2.840.113549.1.1.1": None,  # rsaEncryption: the digest algorithm says which
    "1.3.101.112": None,
}
_MOST_CERTIFICATES = 16


@dataclass(frozen=True, slots=True)
class CmsSignature:
    """One signer's signature over ``content``, nothing of it verified."""

    content_type: str
    content: bytes
    certificates: tuple[x509.Certificate, ...]
    """What the signer brought along: candidates for a path, never anchors."""
    issuer_and_serial: tuple[bytes, int] | None
    key_identifier: bytes | None
    digest: hashes.HashAlgorithm
    signed_attributes: bytes
    """DER of the SET that was signed."""
    attributes: Mapping[str, tuple[Element, ...]]
    signature_algorithm: str
    signature: bytes

    def names(self, certificate: x509.Certificate) -> bool:
        """True when the signer identifier means this certificate."""
        if self.issuer_and_serial is not None:
            return self.issuer_and_serial == (
                certificate.issuer.public_bytes(),
                certificate.serial_number,
            )
        try:
            found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        except x509.ExtensionNotFound:
            return False
        return found.value.digest == self.key_identifier


def hash_named(algorithm: Element) -> hashes.HashAlgorithm:
    """An AlgorithmIdentifier -> the hash. Raises DerError for one that is not accepted."""
    fields = algorithm.children()
    name = fields.take(der.OID).oid()
    if fields.more:
        fields.take(der.NULL)
        fields.end()
    found = HASHES.get(name)
    if found is None:
        raise DerError(f"the digest algorithm {name} is not accepted")
    return found


def digest_of(algorithm: hashes.HashAlgorithm, content: bytes) -> bytes:
    """The digest of ``content``."""
    return hashlib.new(algorithm.name, content).digest()


def read_cms_signature(token: bytes) -> CmsSignature:
    """ContentInfo with SignedData -> its one signature. Raises DerError, ValueError for a bad certificate."""
    content_info = der.read(token, der.SEQUENCE).children()
    if content_info.take(der.OID).oid() != SIGNED_DATA:
        raise DerError("this is no CMS SignedData")
    fields = der.read(content_info.take(der.context(0)).content, der.SEQUENCE).children()
    content_info.end()
    fields.take(der.INTEGER)
    fields.take(der.SET)
    encapsulated = fields.take(der.SEQUENCE).children()
    content_type = encapsulated.take(der.OID).oid()
    content = der.read(encapsulated.take(der.context(0)).content, der.OCTET_STRING).content
    encapsulated.end()
    brought = fields.take_if(der.context(0))
    fields.take_if(der.context(1))
    signers = fields.take(der.SET).children().all()
    fields.end()
    if len(signers) != 1:
        raise DerError(f"there are {len(signers)} signers")
    return _with_signer(content_type, content, _certificates(brought), signers[0])


def _certificates(brought: Element | None) -> tuple[x509.Certificate, ...]:
    if brought is None:
        return ()
    found = [one for one in brought.children().all() if one.tag == der.SEQUENCE]
    if len(found) > _MOST_CERTIFICATES:
        raise DerError(f"there are {len(found)} certificates")
    return tuple(load_certificate(one.raw) for one in found)


def _with_signer(
    content_type: str, content: bytes, certificates: tuple[x509.Certificate, ...], signer: Element
) -> CmsSignature:
    signer.expect(der.SEQUENCE)
    fields = signer.children()
    fields.take(der.INTEGER)
    identifier = fields.next()
    issuer_and_serial, key_identifier = None, None
    if identifier.tag == der.SEQUENCE:
        names = identifier.children()
        issuer_and_serial = (names.take(der.SEQUENCE).raw, names.take(der.INTEGER).integer())
        names.end()
    else:
        key_identifier = identifier.expect(der.context(0, constructed=False))
    digest = hash_named(fields.take(der.SEQUENCE))
    signed = fields.take(der.context(0))
    algorithm = fields.take(der.SEQUENCE).children().take(der.OID).oid()
    signature = fields.take(der.OCTET_STRING).content
    fields.take_if(der.context(1))
    fields.end()
    return CmsSignature(
        content_type=content_type,
        content=content,
        certificates=certificates,
        issuer_and_serial=issuer_and_serial,
        key_identifier=key_identifier,
        digest=digest,
        # RFC 5652 section 5.4: signed under the SET OF tag, not under its own [0].
        signed_attributes=bytes([der.SET]) + signed.raw[1:],
        attributes=_attributes(signed),
        signature_algorithm=algorithm,
        signature=signature,
    )


def _attributes(signed: Element) -> Mapping[str, tuple[Element, ...]]:
    found: dict[str, tuple[Element, ...]] = {}
    for attribute in signed.children().all():
        attribute.expect(der.SEQUENCE)
        fields = attribute.children()
        name = fields.take(der.OID).oid()
        values = fields.take(der.SET).children().all()
        fields.end()
        if name in found:
            raise DerError(f"the attribute {name} occurs twice")
        found[name] = values
    return found


def _only(signed: CmsSignature, name: str, what: str) -> Element:
    values = signed.attributes.get(name, ())
    if len(values) != 1:
        raise DerError(f"the signed attribute {what} does not occur exactly once")
    return values[0]


def check_attributes(signed: CmsSignature) -> None:
    """Raises DerError unless the signed attributes name the content's type and digest (section 11.1, 11.2)."""
    if _only(signed, _CONTENT_TYPE, "content-type").oid() != signed.content_type:
        raise DerError("the signed content type is another one")
    stated = _only(signed, _MESSAGE_DIGEST, "message-digest").expect(der.OCTET_STRING)
    if stated != digest_of(signed.digest, signed.content):
        raise DerError("the signed message digest is another one")


def signature_holds(signed: CmsSignature, certificate: x509.Certificate) -> bool:
    """True when the certificate's key made the signature over the signed attributes."""
    if signed.signature_algorithm not in _SIGNATURE_HASHES:
        return False
    algorithm = _SIGNATURE_HASHES[signed.signature_algorithm] or signed.digest
    key = certificate.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signed.signature, signed.signed_attributes, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signed.signature, signed.signed_attributes, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signed.signature, signed.signed_attributes)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def signing_certificate_matches(signed: CmsSignature, certificate: x509.Certificate) -> bool | None:
    """What the signed attribute signing-certificate (v2 of RFC 5816, else v1 of RFC 2634) says of this certificate.

    None: there is no such attribute. Raises DerError.
    """
    if _SIGNING_CERTIFICATE_V2 in signed.attributes:
        first = _first_identifier(_only(signed, _SIGNING_CERTIFICATE_V2, "signing-certificate-v2"))
        named = first.take_if(der.SEQUENCE)
        algorithm = _SHA256 if named is None else hash_named(named)
        return first.take(der.OCTET_STRING).content == certificate.fingerprint(algorithm)
    if _SIGNING_CERTIFICATE in signed.attributes:
        first = _first_identifier(_only(signed, _SIGNING_CERTIFICATE, "signing-certificate"))
        # SHA-1 is what this attribute has; the signature itself is over a stronger hash.
        return first.take(der.OCTET_STRING).content == certificate.fingerprint(hashes.SHA1())  # noqa: S303
    return None


def _first_identifier(attribute: Element) -> der.Reader:
    attribute.expect(der.SEQUENCE)
    certificates = attribute.children().take(der.SEQUENCE)
    first = certificates.children().take(der.SEQUENCE)
    return first.children()
