"""Does this key's signature fit these bytes: the algorithms accepted for each kind of key.

Signers disagree with verifiers about hashes: cosign signs P-384 with SHA-384 and verifies it with SHA-256 (so it
refuses its own signature), and it signs Ed25519 as Ed25519ph and verifies it as plain Ed25519. Every combination
below binds the whole message under a hash of at least 128 bits of security, so all are accepted.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from gatekeeper.signatures.ed25519ph import verify_ed25519ph
from gatekeeper.signatures.keys import LoadedKey

_OWN_HASH: dict[int, hashes.HashAlgorithm] = {384: hashes.SHA384(), 521: hashes.SHA512()}
_SHA256 = hashes.SHA256()
ED25519_SIGNATURE_BYTES = 64


def verifies(key: LoadedKey, signature: bytes, message: bytes) -> bool:
    """True when ``key`` made ``signature`` over ``message`` by any accepted algorithm. Never raises for bytes."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _verifies_ecdsa(key, signature, message)
    if isinstance(key, rsa.RSAPublicKey):
        return _verifies_rsa(key, signature, message)
    return _verifies_ed25519(key, signature, message)


_BY_NAME: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def verifies_digest(key: LoadedKey, signature: bytes, name: str, digest: bytes) -> bool:
    """The same where only a digest of the message is known: ``name`` is ``sha256``, ``sha384`` or ``sha512``.

    False for Ed25519, whose signatures need the message.
    """
    algorithm = _BY_NAME[name]
    if len(digest) != algorithm.digest_size:
        return False
    hashed = Prehashed(algorithm)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, digest, ec.ECDSA(hashed))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, digest, padding.PKCS1v15(), hashed)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _verifies_ecdsa(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> bool:
    own = _OWN_HASH.get(key.key_size)
    for algorithm in (_SHA256,) if own is None else (own, _SHA256):
        try:
            key.verify(signature, message, ec.ECDSA(algorithm))
        except InvalidSignature:
            continue
        return True
    return False


def _verifies_rsa(key: rsa.RSAPublicKey, signature: bytes, message: bytes) -> bool:
    for scheme in (padding.PKCS1v15(), padding.PSS(padding.MGF1(_SHA256), padding.PSS.AUTO)):
        try:
            key.verify(signature, message, scheme, _SHA256)
        except InvalidSignature:
            continue
        return True
    return False


def _verifies_ed25519(key: ed25519.Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    if len(signature) != ED25519_SIGNATURE_BYTES:
        return False
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return verify_ed25519ph(key.public_bytes_raw(), signature, message)
    return True
