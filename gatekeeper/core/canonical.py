"""Frozen values <-> JSON, in one canonical byte form, so that equal values have equal digests.

Supported: dataclasses, str/int/bool/None/float-free numbers, StrEnum, Digest, datetime (UTC, second or microsecond),
timedelta (whole seconds), tuple[T, ...], frozenset[T], Mapping[str, T] and unions of dataclasses (told apart by the
``type`` member, which is the class name).
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError

T = TypeVar("T")
Plain = dict[str, "Plain"] | list["Plain"] | str | int | bool | None


def to_plain(value: object) -> Plain:
    """A value of our types as JSON-ready plain values. Raises TypeError for a type that has no canonical form."""
    match value:
        case None | bool() | int():
            return value
        case Digest() | StrEnum() | str():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case timedelta():
            return int(value.total_seconds())
        case frozenset():
            return sorted((to_plain(item) for item in value), key=lambda plain: json.dumps(plain, sort_keys=True))
        case tuple() | list():
            return [to_plain(item) for item in value]
        case Mapping():
            return {str(key): to_plain(item) for key, item in sorted(value.items(), key=lambda pair: str(pair[0]))}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        plain: dict[str, Plain] = {"type": type(value).__name__}
        for field in dataclasses.fields(value):
            plain[field.name] = to_plain(getattr(value, field.name))
        return plain
    raise TypeError(f"{type(value).__name__} has no canonical form")


def canonical_bytes(value: object) -> bytes:
    """The one byte form of a value: UTF-8 JSON, sorted keys, no white space."""
    return json.dumps(to_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def canonical_digest(value: object) -> Digest:
    """The sha256 of ``canonical_bytes``."""
    return Digest.of(canonical_bytes(value))


def from_plain(kind: type[T], plain: object) -> T:
    """The inverse of ``to_plain``. Raises MalformedError when ``plain`` has another shape than ``kind``."""
    try:
        return cast("T", _read(kind, plain))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise MalformedError(
            f"stored value is not a {kind.__name__}: {error}", reason_code="stored-value-malformed"
        ) from error


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(kind: Any, plain: Any) -> object:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _read_union(get_args(kind), plain)
    if origin is tuple:
        item = get_args(kind)[0]
        return tuple(_read(item, element) for element in plain)
    if origin is frozenset:
        item = get_args(kind)[0]
        return frozenset(_read(item, element) for element in plain)
    if origin is not None and issubclass(origin, Mapping):
        item = get_args(kind)[1]
        return {str(key): _read(item, element) for key, element in plain.items()}
    return _read_scalar(kind, plain)


def _read_scalar(kind: Any, plain: Any) -> object:
    if dataclasses.is_dataclass(kind) and kind is not Digest:
        hints = _hints(cast("type", kind))
        known = {field.name for field in dataclasses.fields(kind)}
        return cast("Any", kind)(**{name: _read(hints[name], plain[name]) for name in known if name in plain})
    if kind is Digest:
        return Digest.parse(plain)
    if kind is datetime:
        return datetime.fromisoformat(plain)
    if kind is timedelta:
        return timedelta(seconds=plain)
    if kind in (str, int, bool) and type(plain) is not kind:
        raise TypeError(f"expected {kind.__name__}, found {type(plain).__name__}")
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(plain)
    return plain


def _read_union(members: tuple[Any, ...], plain: Any) -> object:
    if plain is None and type(None) in members:
        return None
    present = [member for member in members if member is not type(None)]
    if isinstance(plain, dict) and "type" in plain:
        for member in present:
            base = get_origin(member) or member
            if dataclasses.is_dataclass(base) and cast("type", base).__name__ == plain["type"]:
                return _read(member, plain)
    if len(present) == 1:
        return _read(present[0], plain)
    raise TypeError(f"no member of the union fits {str(plain)[:60]!r}")
