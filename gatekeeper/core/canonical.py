"""Frozen values <-> JSON, in one canonical byte form, so that equal values have equal digests.

Supported: dataclasses, str/int/bool/None (no float), StrEnum, Digest, datetime (aware; written in UTC), timedelta
(whole seconds, else a string of microseconds), tuple[T, ...], frozenset[T], Mapping[str, T] and unions of dataclasses
(told apart by the ``type`` member, which is the class name) and at most one plain type.
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
    kind: Any = type(value)
    # Most of what there is, told by the exact type: asking one kind after the other takes ten times as long.
    if kind is str or value is None or kind is bool or kind is int:
        return cast("Plain", value)
    names = _field_names(kind)
    if names is not None:
        return {"type": kind.__name__, **{name: to_plain(getattr(value, name)) for name in names}}
    match value:
        case bool() | int():
            return value
        case Digest() | StrEnum() | str():
            return str(value)
        case datetime():
            if value.tzinfo is None:
                raise TypeError("a time without a zone has no canonical form")
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case timedelta():
            seconds, rest = divmod(value, timedelta(seconds=1))
            return seconds if not rest else f"{value // timedelta(microseconds=1)}us"
        case frozenset():
            return sorted(
                (to_plain(item) for item in value), key=lambda plain: json.dumps(plain, sort_keys=True)
            )
        case tuple() | list():
            return [to_plain(item) for item in value]
        case Mapping():
            return {
                str(key): to_plain(item) for key, item in sorted(value.items(), key=lambda pair: str(pair[0]))
            }
    raise TypeError(f"{kind.__name__} has no canonical form")


@cache
def _field_names(kind: type) -> tuple[str, ...] | None:
    """Of a dataclass that has no shorter form; None for every other type."""
    if issubclass(kind, Digest) or not dataclasses.is_dataclass(kind):
        return None
    return tuple(field.name for field in dataclasses.fields(kind))


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
    if origin in (tuple, frozenset):
        if not isinstance(plain, list):
            raise TypeError(f"expected a list, found {type(plain).__name__}")
        item = get_args(kind)[0]
        return origin(_read(item, element) for element in plain)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(plain, dict):
            raise TypeError(f"expected an object, found {type(plain).__name__}")
        item = get_args(kind)[1]
        return {str(key): _read(item, element) for key, element in plain.items()}
    return _read_scalar(kind, plain)


def _read_scalar(kind: Any, plain: Any) -> object:
    if dataclasses.is_dataclass(kind) and kind is not Digest:
        if not isinstance(plain, dict) or plain.get("type", _name(kind)) != _name(kind):
            raise TypeError(f"this is no {_name(kind)}")
        hints = _hints(cast("type", kind))
        known = {field.name for field in dataclasses.fields(kind)}
        return cast("Any", kind)(**{name: _read(hints[name], plain[name]) for name in known if name in plain})
    if kind is Digest:
        return Digest.parse(plain)
    if kind is datetime:
        return datetime.fromisoformat(plain)
    if kind is timedelta:
        return _read_duration(plain)
    if kind in (str, int, bool) and type(plain) is not kind:
        raise TypeError(f"expected {kind.__name__}, found {type(plain).__name__}")
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(plain)
    return plain


def _name(kind: Any) -> str:
    return cast("type", kind).__name__


def _read_duration(plain: Any) -> timedelta:
    if isinstance(plain, str) and plain.endswith("us"):
        return timedelta(microseconds=int(plain[:-2]))
    if type(plain) is not int:
        raise TypeError("a duration is a number of seconds")
    return timedelta(seconds=plain)


def _read_union(members: tuple[Any, ...], plain: Any) -> object:
    if plain is None and type(None) in members:
        return None
    present = [member for member in members if member is not type(None)]
    if isinstance(plain, dict) and "type" in plain:
        for member in present:
            base = get_origin(member) or member
            if dataclasses.is_dataclass(base) and cast("type", base).__name__ == plain["type"]:
                return _read(member, plain)
    plain_kinds = [member for member in present if not dataclasses.is_dataclass(member) or member is Digest]
    if len(present) == 1 or (len(plain_kinds) == 1 and not isinstance(plain, dict)):
        return _read((plain_kinds or present)[0], plain)
    raise TypeError(f"no member of the union fits {str(plain)[:60]!r}")
