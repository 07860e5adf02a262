"""Cosign's own encrypted private keys (``cosign generate-key-pair``): scrypt and NaCl's secretbox around PKCS#8.

Format: go-securesystemslib ``encrypted`` (JSON inside PEM), cosign pkg/cosign/keys.go.
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import NoReturn

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from gatekeeper.core import strict_json
from gatekeeper.core.canonical import canonical_bytes
from gatekeeper.core.errors import MalformedError

LABELS = ("ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY")
"""What cosign writes today, and wrote before version 1.13."""

_COST, _BLOCK, _PARALLEL = 65536, 8, 1
_MOST_MEMORY = 512 * 1024 * 1024
_MOST_WORK = 1 << 25
_LINE = 64


def label_of(pem: bytes) -> str | None:
    """The label of a sealed key's PEM block; None when this is no sealed key."""
    return next((label for label in LABELS if f"-----BEGIN {label}-----".encode() in pem), None)


def open_sealed(pem: bytes, password: bytes, source: str) -> bytes:
    """PEM and password -> PKCS#8 DER. Raises MalformedError: other parameters than these, or a wrong password."""
    document = _document(pem, source)
    kdf, cipher = _object(document, "kdf", source), _object(document, "cipher", source)
    if kdf.get("name") != "scrypt" or cipher.get("name") != "nacl/secretbox":
        _refuse(
            source, f"it is sealed with {kdf.get('name')!r} and {cipher.get('name')!r}, which is not known"
        )
    key = _derived(password, _object(kdf, "params", source), _bytes(kdf, "salt", source), source)
    try:
        return bytes(
            SecretBox(key).decrypt(_bytes(document, "ciphertext", source), _bytes(cipher, "nonce", source))
        )
    except (CryptoError, ValueError, TypeError) as error:
        raise MalformedError(
            f"private key {source}: the password does not open it", reason_code="key-password-wrong"
        ) from error


def seal(pkcs8: bytes, password: bytes) -> bytes:
    """PKCS#8 DER and password -> PEM as cosign writes it."""
    salt, nonce = os.urandom(32), os.urandom(SecretBox.NONCE_SIZE)
    key = hashlib.scrypt(
        password, salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL, maxmem=_MOST_MEMORY, dklen=SecretBox.KEY_SIZE
    )
    sealed = canonical_bytes(
        {
            "kdf": {
                "name": "scrypt",
                "params": {"N": _COST, "r": _BLOCK, "p": _PARALLEL},
                "salt": b64encode(salt).decode("ascii"),
            },
            "cipher": {"name": "nacl/secretbox", "nonce": b64encode(nonce).decode("ascii")},
            "ciphertext": b64encode(SecretBox(key).encrypt(pkcs8, nonce).ciphertext).decode("ascii"),
        }
    )
    body = b64encode(sealed).decode("ascii")
    lines = [body[start : start + _LINE] for start in range(0, len(body), _LINE)]
    return "\n".join([f"-----BEGIN {LABELS[0]}-----", *lines, f"-----END {LABELS[0]}-----", ""]).encode(
        "ascii"
    )


def _refuse(source: str, why: str) -> NoReturn:
    raise MalformedError(f"private key {source}: {why}", reason_code="key-malformed")


def _document(pem: bytes, source: str) -> Mapping[str, object]:
    label = label_of(pem)
    if label is None:
        _refuse(source, f"it is no PEM {LABELS[0]}")
    inner = pem.partition(f"-----BEGIN {label}-----".encode())[2]
    body, end, _ = inner.partition(f"-----END {label}-----".encode())
    if not end:
        _refuse(source, "its PEM block has no end")
    try:
        document = strict_json.loads(b64decode(b"".join(body.split()), validate=True))
    except (Base64Error, ValueError, MalformedError) as error:
        raise MalformedError(
            f"private key {source}: its PEM block holds no JSON: {error}", reason_code="key-malformed"
        ) from error
    if not isinstance(document, dict):
        _refuse(source, "its PEM block holds no JSON object")
    return document


def _object(parent: Mapping[str, object], name: str, source: str) -> Mapping[str, object]:
    found = parent.get(name)
    if not isinstance(found, dict):
        _refuse(source, f"`{name}` is absent or no object")
    return found


def _bytes(parent: Mapping[str, object], name: str, source: str) -> bytes:
    found = parent.get(name)
    try:
        return b64decode(str(found).encode("ascii"), validate=True)
    except (Base64Error, ValueError) as error:
        raise MalformedError(
            f"private key {source}: `{name}` is no base64", reason_code="key-malformed"
        ) from error


def _derived(password: bytes, params: Mapping[str, object], salt: bytes, source: str) -> bytes:
    """Bounded: a key file must not make this process work for hours."""
    cost, block, parallel = (params.get(name) for name in ("N", "r", "p"))
    if not (isinstance(cost, int) and isinstance(block, int) and isinstance(parallel, int)):
        _refuse(source, "its scrypt parameters are no numbers")
    if not (1 < cost <= _MOST_WORK and 0 < block <= 64 and 0 < parallel <= 16) or (
        cost * block * parallel > _MOST_WORK
    ):
        _refuse(source, f"its scrypt parameters N={cost}, r={block}, p={parallel} are more than is accepted")
    try:
        return hashlib.scrypt(
            password, salt=salt, n=cost, r=block, p=parallel, maxmem=_MOST_MEMORY, dklen=SecretBox.KEY_SIZE
        )
    except ValueError as error:
        raise MalformedError(
            f"private key {source}: its scrypt parameters cannot be used: {error}",
            reason_code="key-malformed",
        ) from error
