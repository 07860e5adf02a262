"""How our values are written into columns, the same way on every database.

Times are microseconds since 1970 in UTC: integers sort, index and compare alike everywhere. Text from registries may
hold what PostgreSQL refuses (NUL, lone surrogates); it is replaced, never a reason to fail.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, Text, TypeDecorator

from gatekeeper.core.canonical import canonical_bytes, to_plain
from gatekeeper.core.digest import Digest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Key = BigInteger().with_variant(Integer, "sqlite")
"""A row's number: SQLite counts up only what is declared INTEGER."""


class Moment(TypeDecorator[datetime]):
    """An aware datetime as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else EPOCH + timedelta(microseconds=int(value))


class Duration(TypeDecorator[timedelta]):
    """A timedelta as microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else value // MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> timedelta | None:  # noqa: ARG002
        return None if value is None else timedelta(microseconds=int(value))


class DigestText(TypeDecorator[Digest]):
    """A digest as ``algorithm:hex``."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Digest | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Digest | None:  # noqa: ARG002
        return None if value is None else Digest.parse(value)


class Words(TypeDecorator[str]):
    """Text that somebody else may have written."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else storable(value)


class Names(TypeDecorator[tuple[str, ...]]):
    """A tuple of strings as a JSON list."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else canonical_text([storable(name) for name in value])

    def process_result_value(self, value: Any | None, dialect: Dialect) -> tuple[str, ...] | None:  # noqa: ARG002
        return None if value is None else tuple(str(name) for name in json.loads(value))


def storable(text: str) -> str:
    """The text without what a database refuses: NUL and lone surrogates become U+FFFD."""
    if not text.isascii():
        text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def escaped_text(value: object) -> str:
    """The canonical JSON of a value that strangers wrote parts of: ASCII, so that every database keeps it as it is."""
    return json.dumps(to_plain(value), sort_keys=True, separators=(",", ":"))


def canonical_text(value: object) -> str:
    """The canonical JSON of a value, as text."""
    return canonical_bytes(value).decode()
