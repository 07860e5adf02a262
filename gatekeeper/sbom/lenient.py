"""Decoding in two gears: a fast typed decoder, and a slow one for documents with faults in single fields.

One bad field must not hide a whole document from a gate that has to notice packages. So the slow gear bends plain JSON
into the same structures field by field, and what cannot be bent at all is counted.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from gatekeeper.core.component import Component, Unread
from gatekeeper.core.errors import MalformedError

MAX_BYTES = 64 * 1024 * 1024
MAX_ELEMENTS = 4_000_000
"""Upper bound on values in a document, estimated by counting before anything is built."""
MAX_COMPONENTS = 250_000
"""More than any image has; what lists more is no SBOM of an image."""
MAX_REASONS = 50
"""Unread items that are told with their reasons; the rest is counted."""

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


def malformed(what: str) -> MalformedError:
    """The error of a document that is an SBOM and cannot be read."""
    return MalformedError(f"the SBOM cannot be read: {what[:400]}", reason_code="sbom-malformed")


def no_json(error: Exception) -> MalformedError:
    """The error of bytes that break JSON."""
    return malformed(f"no JSON: {error}; make it anew, it may have been cut or converted on its way")


def unsupported(what: str) -> MalformedError:
    """The error of a document that is none of the formats read here."""
    return MalformedError(
        f"{what[:400]}; give CycloneDX (JSON 1.2 to 1.7 or XML), SPDX (2.2 or 2.3 as JSON or tag-value, 3.0 as JSON) "
        "or syft JSON",
        reason_code="sbom-format-unsupported",
    )


def too_large(what: str) -> MalformedError:
    """The error of a document over a cap."""
    return MalformedError(f"the SBOM has more than {what}", reason_code="sbom-too-large")


def check_size(content: bytes) -> None:
    """Raises MalformedError ``sbom-too-large`` for what would take unreasonable memory."""
    if len(content) > MAX_BYTES:
        raise too_large(f"{MAX_BYTES} bytes")
    if len(content) > MAX_ELEMENTS and sum(map(content.count, (b",", b"{", b"["))) > MAX_ELEMENTS:
        raise too_large(f"{MAX_ELEMENTS} values")


def check_count(listed: Sequence[object]) -> None:
    """Raises MalformedError ``sbom-too-large`` before a single component of too many is made."""
    if len(listed) > MAX_COMPONENTS:
        raise too_large(f"{MAX_COMPONENTS} components")


@dataclass(slots=True)
class Tally:
    """Components as they are found, and what could not be read."""

    components: list[Component] = field(default_factory=list)
    unreadable: int = 0
    unread: list[Unread] = field(default_factory=list)

    def add(self, component: Component | None, place: str, number: int) -> None:
        """Counts None as an item that names nothing. Raises MalformedError ``sbom-too-large``."""
        if component is None:
            self.miss(f"{place}[{number}]", "it has neither a name nor a package URL")
            return
        if len(self.components) >= MAX_COMPONENTS:
            raise too_large(f"{MAX_COMPONENTS} components")
        self.components.append(component)

    def miss(self, place: str, reason: str) -> None:
        """One item that could not be read."""
        self.unreadable += 1
        if len(self.unread) < MAX_REASONS:
            self.unread.append(Unread(place, reason))


def decode(decoder: msgspec.json.Decoder[S], kind: type[S], content: bytes) -> S:
    """The document in its typed form, however faulty single fields are. Raises MalformedError for what is no JSON."""
    typed = decode_or_none(decoder, content)
    if typed is not None:
        return typed
    try:
        return bend(kind, decode_object(content))
    except RecursionError as error:
        raise malformed("it is nested too deeply") from error


def decode_or_none(decoder: msgspec.json.Decoder[T], content: bytes) -> T | None:
    """The typed value; None when single fields have other types. Raises MalformedError for what is no JSON."""
    try:
        return decoder.decode(content)
    except msgspec.ValidationError:
        return None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError) as error:
        raise no_json(error) from error


_ANYTHING: msgspec.json.Decoder[object] = msgspec.json.Decoder(object)


def decode_object(content: bytes) -> Mapping[str, object]:
    """The document as plain values. Raises MalformedError when it is no JSON object."""
    try:
        document = _ANYTHING.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError) as error:
        raise no_json(error) from error
    if not isinstance(document, dict):
        raise malformed("no JSON object")
    return document


def bend(kind: type[S], plain: Mapping[str, object]) -> S:
    """A JSON object as a structure: fields of another type become empty, list items of another type are dropped.

    Where a list may hold None, an item of another type becomes None, so that it can be counted.
    """
    found = {
        name: _bent(hint, plain[written])
        for name, written, hint in _fields(kind)
        if plain.get(written) is not None
    }
    return kind(**{name: value for name, value in found.items() if value is not _NOTHING})


_NOTHING = object()


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, str, Any], ...]:
    hints = get_type_hints(kind)
    return tuple((one.name, one.encode_name, hints[one.name]) for one in msgspec.structs.fields(kind))


def _bent(hint: Any, value: object) -> object:
    """``_NOTHING`` for what cannot be bent: the field's default holds."""
    if hint is str:
        return text(value)
    if hint is object:
        return value
    if hint is msgspec.Raw:
        return msgspec.Raw(msgspec.json.encode(value))
    if get_origin(hint) in (Union, types.UnionType):
        options = [option for option in get_args(hint) if option is not type(None)]
        return _bent(options[0], value)
    if get_origin(hint) is list:
        return _bent_list(get_args(hint)[0], value)
    if isinstance(value, dict):
        return bend(hint, cast("Mapping[str, object]", value))
    return _NOTHING


def _bent_list(hint: Any, value: object) -> object:
    counted = type(None) in get_args(hint)
    if isinstance(value, list):
        return list(_bent_items(hint, value, counted))
    # Whatever stands where a list of components belongs is one thing that could not be read.
    return [None] if counted else _NOTHING


def _bent_items(hint: Any, values: list[object], counted: bool) -> Iterator[object]:
    for value in values:
        bent = _bent(hint, value)
        if bent is not _NOTHING:
            yield bent
        elif counted:
            yield None


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


def moment(written: str) -> datetime | None:
    """RFC 3339, and what tools make of it; None for anything else. Without a zone it is taken as UTC."""
    try:
        parsed = datetime.fromisoformat(written.strip()[:40])
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
