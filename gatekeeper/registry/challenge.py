"""``WWW-Authenticate``: one or several challenges in one or several fields (RFC 9110 section 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a grammar
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*("(?:[^"\\]|\\.)*"|{_TOKEN})\s*(?:,|$)')
_SCHEME = re.compile(rf"[\s,]*({_TOKEN})(?:\s+|\s*,|$)")
_TOKEN68 = re.compile(r"\s*[0-9A-Za-z._~+/-]+=*\s*(?:,|$)")
_LONGEST = 8 * 1024


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to authenticate: scheme and parameter names in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(fields: Iterable[str]) -> tuple[Challenge, ...]:
    """Every challenge that can be read; what cannot is left out."""
    found: list[Challenge] = []
    for text in fields:
        if len(text) <= _LONGEST:
            found.extend(_challenges(text))
    return tuple(found)


def _challenges(text: str) -> list[Challenge]:
    found: list[Challenge] = []
    position = 0
    while match := _SCHEME.match(text, position):
        position = match.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(text, position):
            name, value = parameter.group(1).lower(), parameter.group(2)
            if value.startswith('"'):
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            parameters.setdefault(name, value)
            position = parameter.end()
        if (
            not parameters
            and match.group(0).rstrip(" ") == match.group(0).rstrip()
            and "," not in match.group(0)
        ):
            credentials = _TOKEN68.match(text, position)
            if credentials is not None and "=" in credentials.group(0):
                position = credentials.end()
        found.append(Challenge(match.group(1).lower(), parameters))
    return found
