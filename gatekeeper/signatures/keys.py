"""Managed public keys: PEM SubjectPublicKeyInfo in, the policy's ``PublicKey`` out."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.trust import PublicKey
from gatekeeper.signatures.ed25519ph import has_small_order

LoadedKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
"""A key of a kind that is accepted."""

MAX_PEM_BYTES = 64 * 1024
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 16384
MIN_RSA_EXPONENT = 65537

_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_ACCEPTED = "ECDSA P-256, P-384 or P-521, RSA of at least 2048 bits, or Ed25519"
_REMEDIES = {
    "RSA PUBLIC KEY": "convert it: openssl rsa -RSAPublicKey_in -in KEY -pubout",
    "CERTIFICATE": "take the key out of the certificate: openssl x509 -in CERTIFICATE -noout -pubkey",
}


def load_public_key(pem: bytes, source: str) -> PublicKey:
    """One PEM public key -> PublicKey with canonical PEM; ``source`` is the file name or ``inline``.

    Raises MalformedError that says what to give instead: for private keys, several blocks, other PEM kinds, curves
    other than P-256, P-384 and P-521, RSA below 2048 bits or with a small exponent, and Ed25519 of small order.
    """
    block = _only_block(pem, source)
    try:
        key = load_pem_public_key(block)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _bad(source, "key-malformed", f"it cannot be read ({error}); give {_ACCEPTED}") from error
    accepted = accepted_key(key, source)
    der = accepted.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = accepted.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
    return PublicKey(id=hashlib.sha256(der).hexdigest(), spki_pem=text, source=source)


@lru_cache(maxsize=1024)
def _load_once(spki_pem: str) -> LoadedKey:
    return accepted_key(load_pem_public_key(spki_pem.encode("ascii")), "stored key")


def loaded(key: PublicKey) -> LoadedKey:
    """The key in the form that verifies. Only for keys made by ``load_public_key``."""
    return _load_once(key.spki_pem)


def describe(key: PublicKey) -> str:
    """``ecdsa-p256``, ``rsa-3072``, ``ed25519``: what people call this kind of key."""
    public = loaded(key)
    if isinstance(public, ec.EllipticCurvePublicKey):
        return f"ecdsa-p{public.key_size}"
    if isinstance(public, rsa.RSAPublicKey):
        return f"rsa-{public.key_size}"
    return "ed25519"


def _bad(source: str, code: str, what: str) -> MalformedError:
    return MalformedError(f"public key {source}: {what}", reason_code=code)


def _only_block(pem: bytes, source: str) -> bytes:
    if len(pem) > MAX_PEM_BYTES:
        raise _bad(
            source, "key-malformed", f"it is larger than {MAX_PEM_BYTES} bytes; give one PEM public key"
        )
    try:
        text = pem.decode("ascii")
    except UnicodeDecodeError as error:
        raise _bad(
            source, "key-malformed", "it is not PEM; convert it: openssl pkey -pubin -inform DER -in KEY"
        ) from error
    labels = _BEGIN.findall(text)
    if any("PRIVATE KEY" in label for label in labels):
        raise _bad(
            source,
            "key-is-private",
            "it holds a private key, which must not be here; give its public half: "
            "cosign public-key --key KEY, or openssl pkey -in KEY -pubout",
        )
    if not labels:
        raise _bad(
            source, "key-malformed", "there is no PEM block; it must begin with -----BEGIN PUBLIC KEY-----"
        )
    if len(labels) > 1:
        raise _bad(
            source, "key-several", f"there are {len(labels)} PEM blocks; put every key into a file of its own"
        )
    if labels[0] != "PUBLIC KEY":
        remedy = _REMEDIES.get(labels[0], f"give {_ACCEPTED} as -----BEGIN PUBLIC KEY-----")
        raise _bad(source, "key-malformed", f"it is a PEM {labels[0]}, not a PUBLIC KEY; {remedy}")
    return text[text.index("-----BEGIN ") :].encode("ascii")


def accepted_key(key: object, source: str) -> LoadedKey:
    """The key, when its kind is accepted. MalformedError ``key-kind-refused`` otherwise; ``source`` is for people."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, _CURVES):
            raise _bad(source, "key-kind-refused", f"curve {key.curve.name} is not accepted; use {_ACCEPTED}")
        return key
    if isinstance(key, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise _bad(
                source,
                "key-kind-refused",
                f"RSA of {key.key_size} bits is not accepted; use {MIN_RSA_BITS} to {MAX_RSA_BITS} bits",
            )
        exponent = key.public_numbers().e
        if exponent < MIN_RSA_EXPONENT:
            raise _bad(
                source, "key-kind-refused", f"RSA exponent {exponent} is too small; use {MIN_RSA_EXPONENT}"
            )
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        if has_small_order(key.public_bytes_raw()):
            raise _bad(source, "key-kind-refused", "this Ed25519 key has small order; make a new key")
        return key
    raise _bad(
        source, "key-kind-refused", f"a key of type {type(key).__name__} is not accepted; use {_ACCEPTED}"
    )
