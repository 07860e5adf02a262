"""SBOMs inside in-toto statements: BuildKit's unsigned ones, and the predicates that cosign really writes."""

from __future__ import annotations

import msgspec

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.sbom.lenient import malformed

SBOM_PREDICATES = ("https://spdx.dev/Document", "https://cyclonedx.org/bom", "https://cyclonedx.org/schema")
"""Predicate types of SBOMs; a version may follow after a slash."""
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
