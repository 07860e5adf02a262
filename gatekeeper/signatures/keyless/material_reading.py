"""Reading proofs out of the two places they stand in: a bundle's verification material, and a layer's annotations.

Bundles are protobuf JSON: 64-bit integers are written as text, bytes as base64, and members that are zero or empty are
left out (the first entry of a Rekor 2 log has no ``logIndex`` and no ``hashes``).
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Mapping

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gatekeeper.core import strict_json
from gatekeeper.core.errors import MalformedError
from gatekeeper.signatures import media_types
from gatekeeper.signatures.keyless.material import InclusionProof, KeylessMaterial, LogEntry, TimeMaterial
from gatekeeper.signatures.keyless.merkle import HASH_BYTES
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError

MOST_TIMESTAMPS = 32
MOST_ENTRIES = 32
"""More are not even read; more than one is refused by the pipeline."""
MOST_HASHES = 64
MAX_PEM_CHARACTERS = 64 * 1024
_INTEGER = re.compile(r"0|-?[1-9]\d{0,18}", re.ASCII)
_LOG_ID = re.compile(r"(?:[0-9a-f]{2}){1,64}", re.ASCII)

_ENTRY = frozenset(
    {
        "logIndex",
        "logId",
        "kindVersion",
        "integratedTime",
        "inclusionPromise",
        "inclusionProof",
        "canonicalizedBody",
    }
)
_PROOF = frozenset({"logIndex", "rootHash", "treeSize", "hashes", "checkpoint"})

Json = Mapping[str, object]


def material_in_bundle(material: Json, version: str) -> KeylessMaterial:
    """``verificationMaterial`` with a certificate -> KeylessMaterial; ``version`` is the bundle's ``mediaType``.

    Raises RefusedError.
    """
    entries, demands_promise = entries_in_bundle(material, version)
    return KeylessMaterial(
        certificate=_certificate(material),
        entries=entries,
        timestamps=_timestamps(material),
        demands_promise=demands_promise,
    )


def entries_in_bundle(material: Json, version: str) -> tuple[tuple[LogEntry, ...], bool]:
    """The log entries, and whether this version of bundles demands the log's promise. Raises RefusedError."""
    entries = _list(material, "tlogEntries", ReasonCode.LOG_ENTRY_MALFORMED)
    if len(entries) > MOST_ENTRIES:
        raise RefusedError(ReasonCode.LOG_ENTRY_TOO_MANY, f"there are {len(entries)} log entries")
    return tuple(_entry(entry) for entry in entries), version == media_types.BUNDLE_V01


def times_in_bundle(material: Json, version: str) -> TimeMaterial:
    """``verificationMaterial`` of a managed key -> what may prove its time. Raises RefusedError."""
    entries, demands_promise = entries_in_bundle(material, version)
    return TimeMaterial(entries, _timestamps(material), demands_promise)


def times_in_annotations(annotations: Mapping[str, str]) -> TimeMaterial:
    """The annotations of a layer -> what may prove when it was signed. Raises RefusedError."""
    log, stamp = (
        annotations.get(name) for name in (media_types.LOG_ANNOTATION, media_types.TIMESTAMP_ANNOTATION)
    )
    return TimeMaterial(
        (_annotated_entry(log),) if log else (), (_annotated_timestamp(stamp),) if stamp else (), True
    )


def _certificate(material: Json) -> bytes:
    found = material.get("certificate")
    if found is None:
        chain = _object(material.get("x509CertificateChain"), "x509CertificateChain", _certificate_malformed)
        listed = chain.get("certificates")
        # Only the leaf: a chain that a signer brings along proves nothing.
        found = listed[0] if isinstance(listed, list) and listed else None
    raw = _object(found, "certificate", _certificate_malformed).get("rawBytes")
    if not isinstance(raw, str):
        raise _certificate_malformed("`rawBytes` is absent or no text")
    return _decoded(raw, "the certificate", ReasonCode.CERTIFICATE_MALFORMED)


def _timestamps(material: Json) -> tuple[bytes, ...]:
    held = material.get("timestampVerificationData")
    if held is None:
        return ()
    stamps = _list(
        _object(held, "timestampVerificationData", _timestamp_malformed),
        "rfc3161Timestamps",
        ReasonCode.TIMESTAMP_MALFORMED,
    )
    if len(stamps) > MOST_TIMESTAMPS:
        raise RefusedError(ReasonCode.TIMESTAMP_TOO_MANY, f"there are {len(stamps)} timestamps")
    found = []
    for stamp in stamps:
        signed = _object(stamp, "rfc3161Timestamps", _timestamp_malformed).get("signedTimestamp")
        if not isinstance(signed, str):
            raise _timestamp_malformed("`signedTimestamp` is absent or no text")
        found.append(_decoded(signed, "the timestamp", ReasonCode.TIMESTAMP_MALFORMED))
    return tuple(found)


def _entry(value: object) -> LogEntry:
    entry = _known(_object(value, "tlogEntries", _entry_malformed), _ENTRY, _entry_malformed)
    promise = entry.get("inclusionPromise")
    integrated = _integer(entry, "integratedTime", _entry_malformed)
    return LogEntry(
        log_id=_member_bytes(entry.get("logId"), "logId", "keyId"),
        index=_integer(entry, "logIndex", _entry_malformed),
        body=_body(entry.get("canonicalizedBody")),
        kind_version=_kind_version(entry.get("kindVersion")),
        integrated_time=integrated or None,
        promise=None
        if promise is None
        else _member_bytes(promise, "inclusionPromise", "signedEntryTimestamp"),
        proof=None if entry.get("inclusionProof") is None else _inclusion_proof(entry["inclusionProof"]),
    )


def _kind_version(value: object) -> tuple[str, str] | None:
    if value is None:
        return None
    named = _object(value, "kindVersion", _entry_malformed)
    kind, version = named.get("kind"), named.get("version")
    if not isinstance(kind, str) or not isinstance(version, str):
        raise _entry_malformed("`kindVersion` has no `kind` or no `version`")
    return kind, version


def _body(value: object) -> bytes:
    if not isinstance(value, str) or not value:
        raise _entry_malformed("`canonicalizedBody` is absent or no text")
    return _decoded(value, "the entry's body", ReasonCode.LOG_ENTRY_MALFORMED)


def _member_bytes(value: object, path: str, member: str) -> bytes:
    text = _object(value, path, _entry_malformed).get(member)
    if not isinstance(text, str) or not text:
        raise _entry_malformed(f"`{path}.{member}` is absent or no text")
    return _decoded(text, f"`{path}.{member}`", ReasonCode.LOG_ENTRY_MALFORMED)


def _inclusion_proof(value: object) -> InclusionProof:
    proof = _known(_object(value, "inclusionProof", _proof_malformed), _PROOF, _proof_malformed)
    hashes = _list(proof, "hashes", ReasonCode.LOG_PROOF_MALFORMED)
    if len(hashes) > MOST_HASHES:
        raise _proof_malformed(f"it has {len(hashes)} hashes")
    note = _object(proof.get("checkpoint"), "inclusionProof.checkpoint", _proof_malformed).get("envelope")
    if not isinstance(note, str):
        raise _proof_malformed("`checkpoint.envelope` is absent or no text")
    return InclusionProof(
        index=_integer(proof, "logIndex", _proof_malformed),
        tree_size=_integer(proof, "treeSize", _proof_malformed),
        root_hash=_hash(proof.get("rootHash")),
        hashes=tuple(_hash(one) for one in hashes),
        checkpoint=note,
    )


def _hash(value: object) -> bytes:
    found = _decoded(value, "a hash", ReasonCode.LOG_PROOF_MALFORMED) if isinstance(value, str) else b""
    if len(found) != HASH_BYTES:
        raise _proof_malformed(f"a hash of the proof has {len(found)} bytes, not {HASH_BYTES}")
    return found


def material_in_annotations(annotations: Mapping[str, str]) -> KeylessMaterial:
    """The annotations of a ``.sig`` or ``.att`` layer with a certificate -> KeylessMaterial. Raises RefusedError.

    Its chain annotation is not read: only the trust root says who may issue.
    """
    certificate = _from_pem(annotations[media_types.CERTIFICATE_ANNOTATION])
    times = times_in_annotations(annotations)
    return KeylessMaterial(certificate, times.entries, times.timestamps, times.demands_promise)


def _from_pem(pem: str) -> bytes:
    if len(pem) > MAX_PEM_CHARACTERS or pem.count("-----BEGIN") != 1:
        raise _certificate_malformed("the certificate annotation does not hold one PEM block")
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise _certificate_malformed(f"the certificate annotation: {str(error)[:120]}") from error
    return certificate.public_bytes(Encoding.DER)


def _annotated_entry(text: str) -> LogEntry:
    document = _annotation(text, ReasonCode.LOG_ENTRY_MALFORMED)
    promise, payload = document.get("SignedEntryTimestamp"), document.get("Payload")
    held = _object(payload, "Payload", _entry_malformed)
    log_id = held.get("logID")
    if not isinstance(promise, str) or not isinstance(log_id, str) or _LOG_ID.fullmatch(log_id) is None:
        raise _entry_malformed("`SignedEntryTimestamp` or `Payload.logID` is absent or of the wrong form")
    for member in ("integratedTime", "logIndex"):
        if type(held.get(member)) is not int:
            raise _entry_malformed(f"`Payload.{member}` is absent or no integer")
    return LogEntry(
        log_id=bytes.fromhex(log_id),
        index=_integer(held, "logIndex", _entry_malformed),
        body=_body(held.get("body")),
        kind_version=None,
        integrated_time=_integer(held, "integratedTime", _entry_malformed),
        promise=_decoded(promise, "the promise", ReasonCode.LOG_ENTRY_MALFORMED),
        proof=None,
    )


def _annotated_timestamp(text: str) -> bytes:
    signed = _annotation(text, ReasonCode.TIMESTAMP_MALFORMED).get("SignedRFC3161Timestamp")
    if not isinstance(signed, str):
        raise _timestamp_malformed("`SignedRFC3161Timestamp` is absent or no text")
    return _decoded(signed, "the timestamp", ReasonCode.TIMESTAMP_MALFORMED)


def _annotation(text: str, code: ReasonCode) -> Json:
    try:
        return strict_json.loads_object(text.encode())
    except MalformedError as error:
        raise RefusedError(code, f"the annotation is {error.message}") from error


def _certificate_malformed(detail: str) -> RefusedError:
    return RefusedError(ReasonCode.CERTIFICATE_MALFORMED, detail)


def _timestamp_malformed(detail: str) -> RefusedError:
    return RefusedError(ReasonCode.TIMESTAMP_MALFORMED, detail)


def _entry_malformed(detail: str) -> RefusedError:
    return RefusedError(ReasonCode.LOG_ENTRY_MALFORMED, detail)


def _proof_malformed(detail: str) -> RefusedError:
    return RefusedError(ReasonCode.LOG_PROOF_MALFORMED, detail)


def _object(value: object, path: str, refuse: Callable[[str], RefusedError]) -> Json:
    if not isinstance(value, dict):
        raise refuse(f"`{path}` is absent or no object")
    return value


def _known(members: Json, known: frozenset[str], refuse: Callable[[str], RefusedError]) -> Json:
    unknown = sorted(set(members) - known)
    if unknown:
        raise refuse(f"there is the unknown member {unknown[0][:80]!r}")
    return members


def _list(parent: Json, member: str, code: ReasonCode) -> list[object]:
    value = parent.get(member, [])
    if not isinstance(value, list):
        raise RefusedError(code, f"`{member}` is no list")
    return value


def _integer(parent: Json, member: str, refuse: Callable[[str], RefusedError]) -> int:
    """Protobuf JSON takes 64-bit integers as text and as numbers; an absent one is zero."""
    value = parent.get(member, "0")
    text = str(value) if type(value) in (int, str) else ""
    if _INTEGER.fullmatch(text) is None or int(text) < 0:
        raise refuse(f"`{member}` is no integer, or negative")
    return int(text)


def _decoded(text: str, what: str, code: ReasonCode) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedError(code, f"{what} is not standard base64") from error
