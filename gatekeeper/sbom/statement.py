"""SBOMs inside in-toto statements: BuildKit's unsigned ones, and the predicates that cosign really writes."""

from __future__ import annotations

import base64

import msgspec

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.sbom.lenient import malformed

SBOM_PREDICATES = ("https://spdx.dev/Document", "https://cyclonedx.org/bom", "https://cyclonedx.org/schema")
"""Predicate types of SBOMs; a version may follow after a slash."""
IN_TOTO_PAYLOAD = "application/vnd.in-toto+json"
CUSTOM_PREDICATE = "https://cosign.sigstore.dev/attestation/v1"
"""``cosign attest --type custom``: whatever was given, wrapped as ``{Data, Timestamp}``."""


class _Subject(msgspec.Struct):
    digest: dict[str, str] = msgspec.field(default_factory=dict)


class UnsignedStatement(msgspec.Struct):
    """The members of an in-toto statement that are needed. ``predicate`` is kept as raw JSON."""

    predicate_type: str = msgspec.field(name="predicateType")
    predicate: msgspec.Raw
    subject: list[_Subject] = msgspec.field(default_factory=list)


class _Wrapped(msgspec.Struct):
    data: msgspec.Raw = msgspec.field(name="Data")


class _Envelope(msgspec.Struct):
    """DSSE, a Sigstore bundle around DSSE, or a bare statement: whichever members it has."""

    payload: str = ""
    payload_type: str = msgspec.field(default="", name="payloadType")
    dsse: _Envelope | None = msgspec.field(default=None, name="dsseEnvelope")
    predicate_type: str = msgspec.field(default="", name="predicateType")


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_STATEMENT = msgspec.json.Decoder(UnsignedStatement)
_WRAPPED = msgspec.json.Decoder(_Wrapped)
_TEXT = msgspec.json.Decoder(str)


def is_sbom_predicate(predicate_type: str) -> bool:
    """True for SPDX and CycloneDX predicate types, with or without a version."""
    return any(predicate_type == known or predicate_type.startswith(f"{known}/") for known in SBOM_PREDICATES)


def read_unsigned(content: bytes, subject: Digest | None) -> UnsignedStatement:
    """A bare statement. With ``subject`` it must name it. Raises MalformedError."""
    try:
        statement = _STATEMENT.decode(content)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError) as error:
        raise malformed(f"no in-toto statement: {error}") from error
    if subject is not None and not any(
        named.digest.get(subject.algorithm) == subject.encoded for named in statement.subject
    ):
        raise MalformedError(
            f"the SBOM's statement does not name {subject}", reason_code="sbom-subject-mismatch"
        )
    return statement


def unwrap(predicate: bytes) -> bytes:
    """A predicate as real tools write it -> the document's bytes.

    ``{"Data": …}`` around it is taken off, and a JSON string is replaced by its content: ``cosign attest --type
    spdx`` writes the document as a string. Raises MalformedError when the predicate is no JSON.
    """
    try:
        predicate = bytes(_WRAPPED.decode(predicate).data)
    except msgspec.ValidationError:
        pass
    except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError) as error:
        raise malformed(f"no JSON: {error}") from error
    if predicate.lstrip()[:1] != b'"':
        return predicate
    try:
        return _TEXT.decode(predicate).encode()
    except (msgspec.MsgspecError, UnicodeError, ValueError) as error:
        raise malformed(f"no JSON: {error}") from error


def unverified_payload(content: bytes) -> bytes | None:
    """The statement in a DSSE envelope or Sigstore bundle, or the content when it is a statement; None for neither.

    Nothing is verified: for showing what a file says. Raises MalformedError for an envelope that cannot be opened.
    """
    if content.lstrip()[:1] != b"{":
        return None
    try:
        envelope = _ENVELOPE.decode(content)
    except (msgspec.MsgspecError, RecursionError, UnicodeError, ValueError):
        return None
    envelope = envelope.dsse or envelope
    if envelope.predicate_type:
        return content
    if envelope.payload_type != IN_TOTO_PAYLOAD:
        return None
    try:
        return base64.b64decode(envelope.payload, validate=True)
    except ValueError as error:
        raise malformed("the envelope's payload is no base64") from error
