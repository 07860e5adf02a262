"""Sigstore bundles v0.1 to v0.3 (protobuf-specs sigstore_bundle.proto, JSON form): form D.

Certificate, log entries and timestamps are read later, and only when no managed key made the signature: a managed key
needs none of them. Members this reader does not know are refused, as protobuf's own JSON reader does; so are the
snake_case spellings it would also take, because two spellings of one member are two answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from gatekeeper.core import strict_json
from gatekeeper.core.errors import MalformedError
from gatekeeper.signatures import media_types
from gatekeeper.signatures.dsse import pre_authentication_encoding, read_envelope, spellings_of_envelope
from gatekeeper.signatures.keyless.material_reading import material_in_bundle
from gatekeeper.signatures.material import Material
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError

_BUNDLE = frozenset({"mediaType", "verificationMaterial", "dsseEnvelope", "messageSignature"})
_MATERIAL = frozenset(
    {"publicKey", "certificate", "x509CertificateChain", "tlogEntries", "timestampVerificationData"}
)
_IDENTIFYING = ("publicKey", "certificate", "x509CertificateChain")
_ENVELOPE = frozenset({"payload", "payloadType", "signatures"})


def _malformed(detail: str) -> RefusedError:
    return RefusedError(ReasonCode.BUNDLE_MALFORMED, detail)


def _object(value: object, path: str, known: frozenset[str]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _malformed(f"`{path}` is absent or no object")
    unknown = sorted(set(value) - known)
    if unknown:
        raise _malformed(f"`{path}` has the unknown member {unknown[0][:80]!r}")
    return value


def open_bundle(content: bytes) -> Material:
    """Bundle JSON -> material. Raises RefusedError."""
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
    if "messageSignature" in bundle:
        raise RefusedError(ReasonCode.BUNDLE_MESSAGE_SIGNATURE, "there is no `dsseEnvelope`")
    entries = material.get("tlogEntries", [])
    if not isinstance(entries, list):
        raise _malformed("`tlogEntries` is no list")
    raw_envelope = _object(bundle.get("dsseEnvelope"), "dsseEnvelope", _ENVELOPE)
    envelope = read_envelope(raw_envelope)
    certified = identifying[0] != "publicKey"
    return Material(
        message=pre_authentication_encoding(envelope.payload_type, envelope.payload),
        payload=envelope.payload,
        signature=envelope.signature,
        is_statement=True,
        certified=partial(material_in_bundle, material, version) if certified else None,
        envelopes=partial(spellings_of_envelope, envelope),
        has_log_entry=bool(entries),
        hint=_hint(material),
        key_id=envelope.key_id,
    )


def _hint(material: Mapping[str, object]) -> str | None:
    if "publicKey" not in material:
        return None
    hint = _object(material["publicKey"], "publicKey", frozenset({"hint"})).get("hint")
    if hint is not None and not isinstance(hint, str):
        raise _malformed("`publicKey.hint` is no string")
    return hint or None
