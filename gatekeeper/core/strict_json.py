"""JSON from strangers (RFC 8259, strictly): one reading only, or a refusal.

Other programs that read the same bytes must not be able to see something else in them. Therefore a duplicate key, an
invalid UTF-8 sequence, a lone surrogate, ``NaN`` and a number without a finite value are refused, and so is a depth
that would overwhelm a recursive reader.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import cache
from typing import NoReturn

from gatekeeper.core.errors import MalformedError

DEEPEST = 64

# Always consumes to the closing quote or to the end: hostile quotes cost one pass, never a quadratic one.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+(?:"|\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_SURROGATE = re.compile("[\ud800-\udfff]")


def loads(raw: bytes, *, max_depth: int = DEEPEST) -> object:
    """Bytes -> dict, list, str, int, float, bool or None. Raises MalformedError, never RecursionError.

    Reason codes: ``json-not-utf8 json-malformed json-too-deep json-duplicate-key json-number-not-finite
    json-lone-surrogate``.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError(f"not UTF-8 at byte {error.start}", reason_code="json-not-utf8") from error
    _check_depth(raw, max_depth)
    try:
        value: object = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"not JSON: {str(error)[:200]}", reason_code="json-malformed") from error
    if b"\\ud" in raw or b"\\uD" in raw:
        _check_surrogates(value)
    return value


def loads_object(raw: bytes, *, max_depth: int = DEEPEST) -> dict[str, object]:
    """Like ``loads``, for bytes that must hold an object; else MalformedError ``json-not-an-object``."""
    value = loads(raw, max_depth=max_depth)
    if not isinstance(value, dict):
        raise MalformedError("JSON, but not an object", reason_code="json-not-an-object")
    return value


def check_spelling(members: Mapping[str, object], known: tuple[str, ...] | frozenset[str]) -> None:
    """Refuses a key that differs from a known one by case alone: Go's readers would take it for the known one.

    Raises MalformedError ``json-key-ambiguous``.
    """
    exact = _folded(known)
    for key in members:
        meant = exact.get(key.casefold())
        if meant is not None and meant != key:
            raise MalformedError(
                f"the key {key[:60]!r} would be read as {meant!r} by some programs",
                reason_code="json-key-ambiguous",
            )


@cache
def _folded(known: tuple[str, ...] | frozenset[str]) -> Mapping[str, str]:
    """Made once for each vocabulary: there are a few, and every object that is read asks for one."""
    return {key.casefold(): key for key in known}


def _check_depth(raw: bytes, max_depth: int) -> None:
    if raw.count(b"{") + raw.count(b"[") <= max_depth:
        return
    depth = 0
    for bracket in _STRING.sub(b"", raw).translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > max_depth:
            raise MalformedError(f"JSON nested deeper than {max_depth}", reason_code="json-too-deep")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise MalformedError(f"the key {key[:60]!r} occurs twice", reason_code="json-duplicate-key")
            seen.add(key)
    return members


def _refuse_constant(constant: str) -> NoReturn:
    raise MalformedError(f"{constant} is not JSON", reason_code="json-number-not-finite")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise MalformedError(f"the number {text[:40]} is too large", reason_code="json-number-not-finite")
    return number


def _check_surrogates(value: object) -> None:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if _SURROGATE.search(item) is not None:
                raise MalformedError("a string holds half a character", reason_code="json-lone-surrogate")
        elif isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite)
"""Made once: making it costs more than reading a manifest with it."""
