"""DSSE envelopes (secure-systems-lab/dsse envelope.md, protocol.md): forms B and G, and inside every bundle."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from gatekeeper.core import strict_json
from gatekeeper.core.errors import MalformedError
from gatekeeper.signatures import media_types
from gatekeeper.signatures.keyless.material_reading import material_in_annotations, times_in_annotations
from gatekeeper.signatures.material import Material
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError, strict_base64

_ENVELOPE = frozenset({"payload", "payloadType", "signatures"})
_SIGNATURE = frozenset({"sig", "keyid"})


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope with its one signature; nothing of it is verified."""

    payload: bytes
    payload_type: str
    signature: bytes
    key_id: str | None


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """``PAE(type, body)`` of the DSSE protocol: the bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def spellings_of_envelope(envelope: Envelope) -> tuple[bytes, ...]:
    """How signers write this envelope as JSON: Go's order of members, with and without an empty key id."""
    signature = b64encode(envelope.signature).decode()
    return tuple(
        json.dumps(
            {
                "payloadType": envelope.payload_type,
                "payload": b64encode(envelope.payload).decode(),
                "signatures": [entry],
            },
            separators=(",", ":"),
        ).encode()
        for entry in ({"keyid": envelope.key_id or "", "sig": signature}, {"sig": signature})
    )


def _malformed(detail: str) -> RefusedError:
    return RefusedError(ReasonCode.ENVELOPE_MALFORMED, detail)


def _check_spelling(members: Mapping[str, object], known: frozenset[str]) -> None:
    try:
        strict_json.check_spelling(members, known)
    except MalformedError as error:
        raise _malformed(error.message) from error


def read_envelope(document: Mapping[str, object]) -> Envelope:
    """The JSON object of an envelope -> Envelope. Unknown members are ignored, as the specification
    demands, but not another spelling of a known one.

    Raises RefusedError: not an in-toto payload type, not exactly one signature, or a member of the wrong type.
    """
    _check_spelling(document, _ENVELOPE)
    payload, payload_type = document.get("payload"), document.get("payloadType")
    signatures = document.get("signatures")
    if not isinstance(payload, str) or not isinstance(payload_type, str):
        raise _malformed("`payload` or `payloadType` is absent or no string")
    if payload_type != media_types.IN_TOTO:
        raise RefusedError(ReasonCode.ENVELOPE_PAYLOAD_TYPE, f"`payloadType` is {payload_type[:80]!r}")
    if not isinstance(signatures, list):
        raise _malformed("`signatures` is absent or no list")
    if len(signatures) != 1:
        raise RefusedError(ReasonCode.ENVELOPE_SIGNATURE_COUNT, f"there are {len(signatures)} signatures")
    entry = signatures[0]
    if not isinstance(entry, dict) or not isinstance(entry.get("sig"), str):
        raise _malformed("`signatures[0].sig` is absent or no string")
    _check_spelling(entry, _SIGNATURE)
    key_id = entry.get("keyid")
    if key_id is not None and not isinstance(key_id, str):
        raise _malformed("`signatures[0].keyid` is no string")
    return Envelope(
        payload=strict_base64(payload, "the envelope's payload"),
        payload_type=payload_type,
        signature=strict_base64(entry["sig"], "the envelope's signature"),
        key_id=key_id or None,
    )


def open_layer(annotations: Mapping[str, str], content: bytes) -> Material:
    """An envelope stored as a layer -> material. Raises RefusedError."""
    try:
        document = strict_json.loads(content)
    except MalformedError as error:
        raise _malformed(error.message) from error
    if not isinstance(document, dict):
        raise _malformed("the envelope is no JSON object")
    envelope = read_envelope(document)
    certified = bool(annotations.get(media_types.CERTIFICATE_ANNOTATION))
    return Material(
        message=pre_authentication_encoding(envelope.payload_type, envelope.payload),
        payload=envelope.payload,
        signature=envelope.signature,
        is_statement=True,
        certified=partial(material_in_annotations, annotations) if certified else None,
        stored_envelope=content,
        envelopes=lambda: (content, *spellings_of_envelope(envelope)),
        times=partial(times_in_annotations, annotations),
        has_log_entry=bool(annotations.get(media_types.LOG_ANNOTATION)),
        key_id=envelope.key_id,
    )
