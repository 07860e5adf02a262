"""When releases end, as endoflife.date tells it: its whole list (API v1) or the cycles of one product (older API)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from gatekeeper.core.errors import MalformedError
from gatekeeper.ports.vulnerabilities import FeedFact, FeedProblem


class _Release(msgspec.Struct):
    name: str = ""
    eolFrom: str | None = None  # noqa: N815 - the member's name
    isEol: bool | None = None  # noqa: N815


class _Product(msgspec.Struct):
    name: str
    releases: list[msgspec.Raw] = []


class _Products(msgspec.Struct):
    result: list[_Product]


class _Cycle(msgspec.Struct):
    cycle: str | int | float = ""
    eol: Any = None


_PRODUCTS = msgspec.json.Decoder(_Products)
_CYCLES = msgspec.json.Decoder(list[msgspec.Raw])
_RELEASE = msgspec.json.Decoder(_Release)
_CYCLE = msgspec.json.Decoder(_Cycle)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Ended, and the list does not say when."""


def read_products(content: bytes) -> Iterator[FeedFact | FeedProblem]:
    """``/api/v1/products/full``. Raises MalformedError ``feed-malformed``."""
    try:
        products = _PRODUCTS.decode(content).result
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise MalformedError(
            f"this is no list of endoflife.date: {error}", reason_code="feed-malformed"
        ) from error
    for product in products:
        for number, raw in enumerate(product.releases):
            try:
                release = _RELEASE.decode(raw)
                at = _LONG_AGO if release.isEol and not release.eolFrom else _date(release.eolFrom)
            except (msgspec.DecodeError, ValueError) as error:
                yield FeedProblem(f"{product.name}.releases[{number}]", "entry-malformed", str(error))
                continue
            yield FeedFact(f"{product.name}:{release.name}", at=at)


def read_cycles(content: bytes, product: str) -> Iterator[FeedFact | FeedProblem]:
    """``/api/PRODUCT.json``, whose content does not name the product. Raises MalformedError ``feed-malformed``."""
    try:
        cycles = _CYCLES.decode(content)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise MalformedError(
            f"this is no list of endoflife.date: {error}", reason_code="feed-malformed"
        ) from error
    for number, raw in enumerate(cycles):
        try:
            cycle = _CYCLE.decode(raw)
            at = _LONG_AGO if cycle.eol is True else _date(cycle.eol or None)
        except (msgspec.DecodeError, ValueError) as error:
            yield FeedProblem(f"{product}[{number}]", "entry-malformed", str(error))
            continue
        yield FeedFact(f"{product}:{cycle.cycle}", at=at)


def _date(text: object) -> datetime | None:
    """None: no end is set."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is no date")  # noqa: TRY004 - caught as such with the malformed ones
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
