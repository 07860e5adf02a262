"""Sigstore bundles v0.1 to v0.3 (protobuf-specs sigstore_bundle.proto, JSON form): form D.

Certificate, log entries and timestamps are read later, and only when no managed key made the signature: a managed key
needs none of them. Members this reader does not know are refused, as protobuf's own JSON reader does; so are the
snake_case spellings it would also take, because two spellings of one member are two answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from gatekeeper.core import strict_json
from gatekeeper.core.errors import MalformedError
from gatekeeper.signatures import media_types
from gatekeeper.signatures.dsse import (
    Envelope,
    pre_authentication_encoding,
    read_envelope,
    spellings_of_envelope,
)
from gatekeeper.signatures.keyless.material import KeylessMaterial
from gatekeeper.signatures.keyless.material_reading import material_in_bundle, times_in_bundle
from gatekeeper.signatures.material import Material
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError, strict_base64

_BUNDLE = frozenset({"mediaType", "verificationMaterial", "dsseEnvelope", "messageSignature"})
_MATERIAL = frozenset(
    {"publicKey", "certificate", "x509CertificateChain", "tlogEntries", "timestampVerificationData"}
)
_IDENTIFYING = ("publicKey", "certificate", "x509CertificateChain")
_ENVELOPE = frozenset({"payload", "payloadType", "signatures"})
_MESSAGE = frozenset({"messageDigest", "signature"})
_DIGEST = frozenset({"algorithm", "digest"})
_DIGESTS = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}


def _malformed(detail: str) -> RefusedError:
    return RefusedError(ReasonCode.BUNDLE_MALFORMED, detail)


def _object(value: object, path: str, known: frozenset[str]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _malformed(f"`{path}` is absent or no object")
    unknown = sorted(set(value) - known)
    if unknown:
        raise _malformed(f"`{path}` has the unknown member {unknown[0][:80]!r}")
    return value


@dataclass(frozen=True, slots=True)
class MessageSignature:
    """A signature over an artifact that is not in the bundle."""

    signature: bytes
    digest: tuple[str, bytes] | None
    """What the bundle says of the artifact: ``sha256``, ``sha384`` or ``sha512``, and the digest. A claim."""


@dataclass(frozen=True, slots=True)
class ReadBundle:
    """A bundle whose shape holds; nothing of it is verified."""

    version: str
    """Its ``mediaType``."""
    material: Mapping[str, object]
    certified: bool
    """True: there is a certificate; False: a managed key signed."""
    content: Envelope | MessageSignature

    def keyless_material(self) -> KeylessMaterial:
        """The certificate with what proves its time. Raises RefusedError."""
        return material_in_bundle(self.material, self.version)


def read_bundle(content: bytes) -> ReadBundle:
    """Bundle JSON -> its parts. Raises RefusedError."""
    try:
        document = strict_json.loads(content)
    except MalformedError as error:
        raise _malformed(error.message) from error
    bundle = _object(document, "bundle", _BUNDLE)
    version = bundle.get("mediaType")
    if not isinstance(version, str):
        raise _malformed("`mediaType` is absent or no string")
    if version not in media_types.BUNDLE_VERSIONS:
        raise RefusedError(ReasonCode.BUNDLE_VERSION_UNSUPPORTED, f"`mediaType` is {version[:80]!r}")
    material = _object(bundle.get("verificationMaterial"), "verificationMaterial", _MATERIAL)
    identifying = [name for name in _IDENTIFYING if name in material]
    if len(identifying) != 1:
        raise RefusedError(
            ReasonCode.BUNDLE_CONTENT_AMBIGUOUS,
            f"there must be one verification material, found: {', '.join(identifying) or 'none'}",
        )
    if "messageSignature" in bundle and "dsseEnvelope" in bundle:
        raise RefusedError(
            ReasonCode.BUNDLE_CONTENT_AMBIGUOUS, "there are a `messageSignature` and a `dsseEnvelope`"
        )
    if not isinstance(material.get("tlogEntries", []), list):
        raise _malformed("`tlogEntries` is no list")
    signed = (
        _message_signature(_object(bundle["messageSignature"], "messageSignature", _MESSAGE))
        if "messageSignature" in bundle
        else read_envelope(_object(bundle.get("dsseEnvelope"), "dsseEnvelope", _ENVELOPE))
    )
    return ReadBundle(version, material, identifying[0] != "publicKey", signed)


def open_bundle(content: bytes) -> Material:
    """Bundle JSON of a signature or attestation of an image -> material. Raises RefusedError."""
    bundle = read_bundle(content)
    envelope = bundle.content
    if isinstance(envelope, MessageSignature):
        raise RefusedError(ReasonCode.BUNDLE_MESSAGE_SIGNATURE, "there is no `dsseEnvelope`")
    return Material(
        message=pre_authentication_encoding(envelope.payload_type, envelope.payload),
        payload=envelope.payload,
        signature=envelope.signature,
        is_statement=True,
        certified=bundle.keyless_material if bundle.certified else None,
        envelopes=partial(spellings_of_envelope, envelope),
        bundle=content,
        times=partial(times_in_bundle, bundle.material, bundle.version),
        has_log_entry=bool(bundle.material.get("tlogEntries")),
        hint=_hint(bundle.material),
        key_id=envelope.key_id,
    )


def _message_signature(signed: Mapping[str, object]) -> MessageSignature:
    signature = signed.get("signature")
    if not isinstance(signature, str):
        raise _malformed("`messageSignature.signature` is absent or no string")
    digest = signed.get("messageDigest")
    return MessageSignature(
        strict_base64(signature, "the message's signature"),
        None if digest is None else _message_digest(_object(digest, "messageDigest", _DIGEST)),
    )


def _message_digest(digest: Mapping[str, object]) -> tuple[str, bytes]:
    name, value = _DIGESTS.get(str(digest.get("algorithm"))), digest.get("digest")
    if name is None or not isinstance(value, str):
        raise _malformed("`messageDigest` has no digest by SHA2_256, SHA2_384 or SHA2_512")
    return name, strict_base64(value, "the message's digest")


def _hint(material: Mapping[str, object]) -> str | None:
    if "publicKey" not in material:
        return None
    hint = _object(material["publicKey"], "publicKey", frozenset({"hint"})).get("hint")
    if hint is not None and not isinstance(hint, str):
        raise _malformed("`publicKey.hint` is no string")
    return hint or None
