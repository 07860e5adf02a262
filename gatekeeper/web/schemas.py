"""JSON Schema of our frozen values, as ``core.canonical.to_plain`` writes them."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from gatekeeper.core.digest import Digest
from gatekeeper.web.answers import Members, PageOf

Schema = dict[str, Any]
_DIGEST = {"type": "string", "pattern": "^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$"}
_SCALARS: dict[type, Schema] = {
    types.NoneType: {"type": "null"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    str: {"type": "string"},
    Digest: _DIGEST,
    datetime: {"type": "string", "format": "date-time"},
    timedelta: {"type": ["integer", "string"], "description": "seconds, or microseconds as `…us`"},
}


class Schemas:
    """Collects the schema of every type that an answer is made of, each under its name."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def of(self, kind: Any) -> Schema:
        """The schema of a type; dataclasses become references. Raises TypeError for a type without canonical form."""
        if isinstance(kind, PageOf):
            return self._page(kind)
        if isinstance(kind, Members):
            return self._named(kind.name, dict(kind.members), typed=False)
        if kind in _SCALARS:
            return dict(_SCALARS[kind])
        origin = get_origin(kind)
        if origin is not None and not dataclasses.is_dataclass(origin):
            return self._container(origin, get_args(kind))
        base = origin or kind
        if isinstance(base, type) and issubclass(base, StrEnum):
            return self._enumeration(base)
        if dataclasses.is_dataclass(base):
            hints = get_type_hints(base)
            fields = {field.name: hints[field.name] for field in dataclasses.fields(base)}
            return self._named(cast("type", base).__name__, fields, typed=True)
        if isinstance(kind, types.UnionType):
            return self._container(types.UnionType, get_args(kind))
        raise TypeError(f"{kind!r} has no canonical form")

    def _container(self, origin: Any, inner: tuple[Any, ...]) -> Schema:
        if origin in (Union, types.UnionType):
            return {"anyOf": [self.of(member) for member in inner]}
        if issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.of(inner[1])}
        return {"type": "array", "items": self.of(inner[0])}

    def _page(self, page: PageOf) -> Schema:
        members = {"items": tuple[page.item, ...], "next": str | None}  # type: ignore[name-defined]
        return self._named(f"{page.item.__name__}Page", members, typed=False)

    def _enumeration(self, kind: type[StrEnum]) -> Schema:
        self.components[kind.__name__] = {"type": "string", "enum": [str(member) for member in kind]}
        return _reference(kind.__name__)

    def _named(self, name: str, members: Mapping[str, object], *, typed: bool) -> Schema:
        if name not in self.components:
            properties: dict[str, Schema] = {"type": {"const": name}} if typed else {}
            # Entered before its members: types may name themselves.
            self.components[name] = {"type": "object", "properties": properties}
            properties.update({member: self.of(kind) for member, kind in members.items()})
            self.components[name]["required"] = sorted(properties)
        return _reference(name)


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
