"""Signing with a managed key, without external programs: what the demo and the tests hang beside images.

Everything is written as cosign writes it, so that cosign verifies it: ``.sig`` manifests (form A), ``.att`` manifests
(form B) and Sigstore bundle v0.3 referrers (form D).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.manifest import OCI_CONFIG, OCI_MANIFEST, Descriptor
from gatekeeper.core.trust import PublicKey
from gatekeeper.ports import Attachment, SignedStatement
from gatekeeper.signatures import media_types
from gatekeeper.signatures.attaching import as_json, bundle_referrer
from gatekeeper.signatures.dsse import pre_authentication_encoding
from gatekeeper.signatures.keys import load_public_key
from gatekeeper.signatures.sealed_keys import label_of, open_sealed, seal

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


class KeyKind(StrEnum):
    """Kinds of keys that are made; what they sign is verified by both cosigns."""

    ECDSA_P256 = "ecdsa-p256"
    ED25519 = "ed25519"
    RSA_3072 = "rsa-3072"


def _ecdsa() -> ec.ECDSA:
    try:
        return ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    except UnsupportedAlgorithm:
        # cryptography was built over an OpenSSL before 3.2.
        return ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its public half."""

    private: PrivateKey
    public: PublicKey

    def __repr__(self) -> str:
        return f"SigningKey({self.public.id})"

    @classmethod
    def of(cls, private: PrivateKey, source: str = "generated") -> Self:
        """Wrap a private key. MalformedError when its public half is of a kind that is not accepted."""
        pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return cls(private, load_public_key(pem, source))

    @classmethod
    def generate(cls, source: str = "generated", kind: KeyKind = KeyKind.ECDSA_P256) -> Self:
        """A new key; by default of the kind that ``cosign generate-key-pair`` makes."""
        private: PrivateKey
        if kind is KeyKind.ED25519:
            private = ed25519.Ed25519PrivateKey.generate()
        elif kind is KeyKind.RSA_3072:
            private = rsa.generate_private_key(65537, 3072)
        else:
            private = ec.generate_private_key(ec.SECP256R1())
        return cls.of(private, source)

    @classmethod
    def from_pem(cls, pem: bytes, source: str, *, password: bytes | None = None) -> Self:
        """A PKCS#8 PEM private key, encrypted or not, or cosign's own encrypted key. Raises MalformedError."""
        if password is None and b"-----BEGIN ENCRYPTED " in pem:
            raise MalformedError(
                f"private key {source} is encrypted; give its password", reason_code="key-password-missing"
            )
        try:
            if label_of(pem) is not None:
                private = load_der_private_key(open_sealed(pem, password or b"", source), None)
            else:
                private = load_pem_private_key(pem, password)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise MalformedError(
                f"private key {source} cannot be read as PKCS#8 PEM: {error}", reason_code="key-malformed"
            ) from error
        if not isinstance(private, PrivateKey):
            raise MalformedError(
                f"private key {source} is of a kind that is not accepted", reason_code="key-kind-refused"
            )
        return cls.of(private, source)

    def to_sealed_pem(self, password: bytes) -> bytes:
        """As ``cosign generate-key-pair`` writes it, so that cosign can use it too."""
        return seal(self.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), password)

    def to_pem(self, *, password: bytes | None = None) -> bytes:
        """PKCS#8 PEM; encrypted when a password is given."""
        encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)

    def sign(self, message: bytes) -> bytes:
        """A signature that cosign verifies: SHA-256 for every ECDSA curve and RSA PKCS#1 v1.5, plain Ed25519.

        The same bytes each time (RFC 6979 for ECDSA), so that an act repeated after a crash writes the same.
        """
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return self.private.sign(message, _ecdsa())
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return self.private.sign(message)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a ``.sig`` or ``.att`` manifest with its annotations."""

    media_type: str
    content: bytes
    annotations: Mapping[str, str]

    def described(self) -> dict[str, object]:
        """Its descriptor, as it stands in the manifest."""
        return {
            "mediaType": self.media_type,
            "size": len(self.content),
            "digest": str(Digest.of(self.content)),
            "annotations": dict(self.annotations),
        }


def signature_layer(
    key: SigningKey, reference: str, digest: Digest, annotations: Mapping[str, str] | None = None
) -> Layer:
    """A simple signing layer over ``digest``; ``reference`` is ``registry/repository`` (cosign SIGNATURE_SPEC.md)."""
    payload = as_json(
        {
            "critical": {
                "identity": {"docker-reference": reference},
                "image": {"docker-manifest-digest": str(digest)},
                "type": media_types.SIMPLE_SIGNING_CLAIM,
            },
            "optional": dict(annotations) if annotations else None,
        }
    )
    signature = b64encode(key.sign(payload)).decode("ascii")
    return Layer(media_types.SIMPLE_SIGNING, payload, {media_types.SIGNATURE_ANNOTATION: signature})


def attestation_layer(
    key: SigningKey, reference: str, digest: Digest, predicate_type: str, predicate: object
) -> Layer:
    """A DSSE layer with an in-toto statement about ``digest`` (cosign ATTESTATION_SPEC.md)."""
    statement = _statement(digest, predicate_type, predicate, name=reference)
    return Layer(
        media_types.DSSE_ENVELOPE,
        as_json(dsse_envelope(key, statement)),
        {media_types.SIGNATURE_ANNOTATION: "", media_types.PREDICATE_ANNOTATION: predicate_type},
    )


def tagged(subject: Digest, layers: Sequence[Layer], suffix: str = ".sig") -> Attachment:
    """The manifest for the tag ``sha256-<subject><suffix>``; ``suffix`` is ``.sig`` or ``.att``."""
    config = as_json(
        {
            "architecture": "",
            "created": "0001-01-01T00:00:00Z",
            "history": [{"created": "0001-01-01T00:00:00Z"} for _ in layers],
            "os": "",
            "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(layer.content)) for layer in layers]},
            "config": {},
        }
    )
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "size": len(config), "digest": str(Digest.of(config))},
        "layers": [layer.described() for layer in layers],
    }
    contents = (config, *(layer.content for layer in layers))
    return Attachment(as_json(manifest), tuple(dict.fromkeys(contents)), subject.tag_form + suffix)


def signature_bundle(
    key: SigningKey, subject: Descriptor, *, created: datetime, annotations: Mapping[str, str] | None = None
) -> Attachment:
    """A bundle v0.3 referrer that signs ``subject`` as cosign 3 does (cosign BUNDLE_SPEC.md)."""
    statement = _statement(subject.digest, media_types.SIGNATURE_PREDICATE, {}, annotations=annotations or {})
    return _referrer(key, subject, statement, media_types.SIGNATURE_PREDICATE, created)


def attestation_bundle(
    key: SigningKey,
    subject: Descriptor,
    predicate_type: str,
    predicate: object,
    *,
    name: str,
    created: datetime,
) -> Attachment:
    """A bundle v0.3 referrer that attests ``predicate`` about ``subject``; ``name`` is ``registry/repository``."""
    statement = _statement(subject.digest, predicate_type, predicate, name=name)
    return _referrer(key, subject, statement, predicate_type, created)


def _referrer(
    key: SigningKey, subject: Descriptor, statement: bytes, predicate_type: str, created: datetime
) -> Attachment:
    signed = sign_with(key, statement, predicate_type)
    return bundle_referrer(signed.bundle, subject, predicate_type, created=created)


def _statement(
    digest: Digest,
    predicate_type: str,
    predicate: object,
    *,
    name: str | None = None,
    annotations: Mapping[str, str] | None = None,
) -> bytes:
    subject: dict[str, object] = {"digest": {digest.algorithm: digest.encoded}}
    if name is not None:
        subject["name"] = name
    if annotations is not None:
        subject["annotations"] = dict(annotations)
    return as_json(
        {
            "_type": media_types.STATEMENT_V1,
            "subject": [subject],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    )


def sign_with(key: SigningKey, statement: bytes, predicate_type: str) -> SignedStatement:
    """One DSSE signature over an in-toto statement, as bundle and as envelope."""
    envelope = dsse_envelope(key, statement)
    der = key.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    hint = b64encode(hashlib.sha256(der).digest()).decode("ascii")
    bundle = {
        "mediaType": media_types.BUNDLE_V03,
        "verificationMaterial": {"publicKey": {"hint": hint}, "tlogEntries": []},
        "dsseEnvelope": envelope,
    }
    annotations = {media_types.SIGNATURE_ANNOTATION: "", media_types.PREDICATE_ANNOTATION: predicate_type}
    return SignedStatement(predicate_type, as_json(bundle), as_json(envelope), annotations)


def dsse_envelope(key: SigningKey, statement: bytes) -> dict[str, object]:
    """The DSSE envelope of an in-toto statement with one signature."""
    signature = key.sign(pre_authentication_encoding(media_types.IN_TOTO, statement))
    return {
        "payload": b64encode(statement).decode("ascii"),
        "payloadType": media_types.IN_TOTO,
        "signatures": [{"sig": b64encode(signature).decode("ascii")}],
    }
