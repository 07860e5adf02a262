"""What a log entry says: this signature, this content, this certificate (or key), all three, or it is another's.

Rekor 1: ``hashedrekord``, ``dsse``, ``intoto`` 0.0.1 and ``intoto`` 0.0.2 (sigstore/rekor pkg/types/*/*_schema.json).
Rekor 2: ``hashedrekord`` and ``dsse`` 0.0.2 (protobuf-specs rekor/v2). An entry pasted beside another signature is
CVE-2022-23649; not looking at it on one code path is CVE-2026-22703: there is one path.
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from gatekeeper.core import strict_json
from gatekeeper.core.errors import MalformedError
from gatekeeper.signatures import media_types
from gatekeeper.signatures.keyless.material import LogEntry
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError

Json = Mapping[str, object]

_HASHES = {
    "sha256": "sha256",
    "sha384": "sha384",
    "sha512": "sha512",
    "SHA2_256": "sha256",
    "SHA2_384": "sha384",
    "SHA2_512": "sha512",
}


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature with what it was made over, and the verifier that made it hold."""

    signature: bytes
    message: bytes | None
    """The signed bytes: payload, or pre-authentication encoding. None: only ``message_digests`` are known."""
    payload: bytes
    """The content of an envelope; the message itself where there is none."""
    envelopes: Callable[[], tuple[bytes, ...]] = tuple
    """Writes the envelope in every spelling that may have been logged; none where there is no envelope."""
    verifier: x509.Certificate | bytes = b""
    """The certificate, or DER of the public key."""
    message_digests: Mapping[str, bytes] = field(default_factory=dict)
    """Hash name -> digest of the message, where the message itself is not here."""

    def digest(self, name: str) -> bytes | None:
        """The digest of the message by this hash; None where it cannot be known."""
        if self.message is None:
            return self.message_digests.get(name)
        return hashlib.new(name, self.message).digest()


def check_entry_is_about(entry: LogEntry, signed: Signed) -> None:
    """Raises RefusedError ``log-entry-…`` unless the entry is about exactly this signature."""
    try:
        body = strict_json.loads_object(entry.body)
    except MalformedError as error:
        raise _malformed(f"the body is {error.message}") from error
    kind, version = body.get("kind"), body.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(version, str):
        raise _malformed("the body has no `kind` or no `apiVersion`")
    compare = _KINDS.get((kind, version))
    if compare is None:
        raise RefusedError(
            ReasonCode.LOG_ENTRY_KIND_UNKNOWN, f"the entry is of kind {kind[:40]!r} {version[:20]!r}"
        )
    if entry.kind_version not in (None, (kind, version)):
        raise _mismatch("the bundle states another kind of entry than the body")
    compare(_object(body.get("spec"), "spec"), signed)


def _hashedrekord_1(spec: Json, signed: Signed) -> None:
    data = _object(spec.get("data"), "spec.data")
    signature = _object(spec.get("signature"), "spec.signature")
    _same_hash(data.get("hash"), signed.digest, "content")
    _same_signature(signature.get("content"), signed)
    _same_pem(_object(signature.get("publicKey"), "spec.signature.publicKey").get("content"), signed)


def _hashedrekord_2(spec: Json, signed: Signed) -> None:
    record = _object(spec.get("hashedRekordV002"), "spec.hashedRekordV002")
    _same_hash(record.get("data"), signed.digest, "content")
    _same_verified(_object(record.get("signature"), "signature"), signed)


def _dsse_1(spec: Json, signed: Signed) -> None:
    # `envelopeHash` is over a spelling of the envelope that only its maker knows; the three below bind as much.
    _same_hash(spec.get("payloadHash"), _digest_of(signed.payload), "payload")
    only = _only(spec.get("signatures"), "spec.signatures")
    _same_signature(only.get("signature"), signed)
    _same_pem(only.get("verifier"), signed)


def _dsse_2(spec: Json, signed: Signed) -> None:
    record = _object(spec.get("dsseV002"), "spec.dsseV002")
    _same_hash(record.get("payloadHash"), _digest_of(signed.payload), "payload")
    _same_verified(_only(record.get("signatures"), "signatures"), signed)


def _intoto_1(spec: Json, signed: Signed) -> None:
    """Names no signature: the hash over the whole envelope must bind it."""
    content = _object(spec.get("content"), "spec.content")
    stated = _stated_hash(content.get("hash"))
    if not any(_digest_of(envelope)(stated[0]) == stated[1] for envelope in signed.envelopes()):
        raise _mismatch("the entry's envelope is another one")
    _same_pem(spec.get("publicKey"), signed)


def _intoto_2(spec: Json, signed: Signed) -> None:
    content = _object(spec.get("content"), "spec.content")
    envelope = _object(content.get("envelope"), "spec.content.envelope")
    if envelope.get("payloadType") != media_types.IN_TOTO:
        raise _mismatch("the entry's payload is of another type")
    _same_hash(content.get("payloadHash"), _digest_of(signed.payload), "payload")
    only = _only(envelope.get("signatures"), "spec.content.envelope.signatures")
    logged = _bytes(only.get("sig"), "sig")
    # Rekor 1 encodes the envelope's own base64 text a second time.
    if logged not in (signed.signature, b64encode(signed.signature)):
        raise _mismatch("the entry's signature is another one")
    _same_pem(only.get("publicKey"), signed)


_KINDS: Mapping[tuple[str, str], Callable[[Json, Signed], None]] = {
    ("hashedrekord", "0.0.1"): _hashedrekord_1,
    ("hashedrekord", "0.0.2"): _hashedrekord_2,
    ("dsse", "0.0.1"): _dsse_1,
    ("dsse", "0.0.2"): _dsse_2,
    ("intoto", "0.0.1"): _intoto_1,
    ("intoto", "0.0.2"): _intoto_2,
}


def _malformed(detail: str) -> RefusedError:
    return RefusedError(ReasonCode.LOG_ENTRY_MALFORMED, detail)


def _mismatch(detail: str) -> RefusedError:
    return RefusedError(ReasonCode.LOG_ENTRY_MISMATCH, detail)


def _object(value: object, path: str) -> Json:
    if not isinstance(value, dict):
        raise _malformed(f"`{path}` is absent or no object")
    return value


def _only(value: object, path: str) -> Json:
    if not isinstance(value, list) or len(value) != 1:
        raise _mismatch(f"`{path}` does not hold exactly one signature")
    return _object(value[0], path)


def _bytes(value: object, path: str) -> bytes:
    if not isinstance(value, str):
        raise _malformed(f"`{path}` is absent or no text")
    try:
        return b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed(f"`{path}` is not standard base64") from error


def _digest_of(content: bytes) -> Callable[[str], bytes]:
    return lambda name: hashlib.new(name, content).digest()


def _stated_hash(value: object) -> tuple[str, bytes]:
    """``{algorithm, value}`` in hexadecimal (Rekor 1) or ``{algorithm, digest}`` in base64 (Rekor 2)."""
    stated = _object(value, "hash")
    name = _HASHES.get(str(stated.get("algorithm")))
    if name is None:
        raise _malformed(f"the hash algorithm is {str(stated.get('algorithm'))[:40]!r}")
    if "digest" in stated:
        return name, _bytes(stated["digest"], "digest")
    written = stated.get("value")
    try:
        return name, bytes.fromhex(written) if isinstance(written, str) else b""
    except ValueError as error:
        raise _malformed("a hash is not hexadecimal") from error


def _same_hash(value: object, digest: Callable[[str], bytes | None], what: str) -> None:
    name, stated = _stated_hash(value)
    if digest(name) != stated:
        raise _mismatch(f"the entry's {what} is another one")


def _same_signature(value: object, signed: Signed) -> None:
    if _bytes(value, "signature") != signed.signature:
        raise _mismatch("the entry's signature is another one")


def _same_verified(signature: Json, signed: Signed) -> None:
    """Rekor 2: ``{content, verifier}``."""
    _same_signature(signature.get("content"), signed)
    verifier = _object(signature.get("verifier"), "verifier")
    if isinstance(signed.verifier, x509.Certificate):
        held = _object(verifier.get("x509Certificate"), "verifier.x509Certificate")
        same = _bytes(held.get("rawBytes"), "rawBytes") == signed.verifier.public_bytes(Encoding.DER)
    else:
        held = _object(verifier.get("publicKey"), "verifier.publicKey")
        same = _bytes(held.get("rawBytes"), "rawBytes") == signed.verifier
    if not same:
        raise _another_verifier(signed)


def _same_pem(value: object, signed: Signed) -> None:
    """Rekor 1: PEM of the certificate or key, in base64."""
    pem = _bytes(value, "public key")
    try:
        if isinstance(signed.verifier, x509.Certificate):
            same = x509.load_pem_x509_certificate(pem) == signed.verifier
        else:
            key = load_pem_public_key(pem)
            same = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == signed.verifier
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _another_verifier(signed) from error
    if not same:
        raise _another_verifier(signed)


def _another_verifier(signed: Signed) -> RefusedError:
    what = "certificate" if isinstance(signed.verifier, x509.Certificate) else "key"
    return _mismatch(f"the entry's {what} is another one")
