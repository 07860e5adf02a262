"""Keys of logs: what they sign with, and how a trust root names them."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

LogPrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def base64_text(content: bytes) -> str:
    """Standard base64."""
    return b64encode(content).decode()


def spki(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> bytes:
    """DER SubjectPublicKeyInfo."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def new_ecdsa_key() -> ec.EllipticCurvePrivateKey:
    """ECDSA P-256, as most logs have."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True, slots=True)
class LogSigner:
    """The key of one log. Its id is the hash of the key (RFC 6962), or of origin and key (C2SP signed-note)."""

    key: LogPrivateKey = field(default_factory=new_ecdsa_key)
    origin: str | None = None

    @property
    def log_id(self) -> bytes:
        public = self.key.public_key()
        if self.origin is None or not isinstance(public, ed25519.Ed25519PublicKey):
            return hashlib.sha256(spki(public)).digest()
        return hashlib.sha256(self.origin.encode() + b"\n\x01" + public.public_bytes_raw()).digest()

    def sign(self, message: bytes) -> bytes:
        """ECDSA with SHA-256, or Ed25519."""
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(message)
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))

    def described(self, url: str, valid_for: dict[str, str]) -> dict[str, object]:
        """A ``TransparencyLogInstance`` of a trust root."""
        is_ed25519 = isinstance(self.key, ed25519.Ed25519PrivateKey)
        return {
            "baseUrl": url,
            "hashAlgorithm": "SHA2_256",
            "logId": {"keyId": base64_text(self.log_id)},
            "publicKey": {
                "rawBytes": base64_text(spki(self.key.public_key())),
                "keyDetails": "PKIX_ED25519" if is_ed25519 else "PKIX_ECDSA_P256_SHA_256",
                "validFor": valid_for,
            },
        }
