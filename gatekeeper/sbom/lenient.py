"""Decoding in two gears: a fast typed decoder, and a slow one for documents with faults in single components.

One bad field must not hide a whole document from a gate that has to notice packages, so the slow gear reads item by
item and counts what it could not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from gatekeeper.core.errors import MalformedError

MAX_BYTES = 64 * 1024 * 1024
MAX_ELEMENTS = 4_000_000
"""Upper bound on JSON values in a document, estimated by counting before anything is built."""

T = TypeVar("T")


def malformed(what: str) -> MalformedError:
    """The error of a document that is an SBOM and cannot be read."""
    return MalformedError(f"the SBOM cannot be read: {what}", reason_code="sbom-malformed")


def unsupported(what: str) -> MalformedError:
    """The error of a document that is none of the formats read here."""
    return MalformedError(
        f"{what}; attach CycloneDX JSON (1.2 or newer) or SPDX JSON (2.2 or 2.3)",
        reason_code="sbom-format-unsupported",
    )


def check_size(content: bytes) -> None:
    """Raises MalformedError ``sbom-too-large`` for what would take unreasonable memory."""
    if len(content) > MAX_BYTES or sum(map(content.count, (b",", b"{", b"["))) > MAX_ELEMENTS:
        raise MalformedError(
            f"the SBOM is larger than {MAX_BYTES} bytes or {MAX_ELEMENTS} values",
            reason_code="sbom-too-large",
        )


def decode_or_none(decoder: msgspec.json.Decoder[T], content: bytes) -> T | None:
    """The typed value; None when single fields have other types. Raises MalformedError for what is no JSON."""
    try:
        return decoder.decode(content)
    except msgspec.ValidationError:
        return None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError) as error:
        raise malformed(f"no JSON: {error}") from error


_ANYTHING: msgspec.json.Decoder[object] = msgspec.json.Decoder(object)


def decode_object(content: bytes) -> Mapping[str, object]:
    """The document as plain values. Raises MalformedError when it is no JSON object."""
    try:
        document = _ANYTHING.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError) as error:
        raise malformed(f"no JSON: {error}") from error
    if not isinstance(document, dict):
        raise malformed("no JSON object")
    return document


def text(value: object) -> str:
    """A string as it is, a number as its text, anything else as nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return ""


def items(value: object) -> list[object]:
    """A list as it is, anything else as empty."""
    return value if isinstance(value, list) else []
