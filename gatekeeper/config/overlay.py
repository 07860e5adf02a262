"""The environment over the file: ``GATEKEEPER__SERVER__LISTEN=0.0.0.0:8080`` is ``server.listen``.

Words are lower-cased and joined by two underscores; a number is a position in a list
(``GATEKEEPER__REGISTRIES__0__HOST``). ``true``, ``false``, numbers, lists and inline tables are read as TOML,
anything else is text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from gatekeeper.config.problems import Location, Problem, ProblemList
from gatekeeper.config.source import TomlSource

PREFIX = "GATEKEEPER__"
_TOML_VALUE = re.compile(r"true|false|[+-]?[0-9]+(\.[0-9]+)?|\[.*\]|\{.*\}|\".*\"|'.*'", re.DOTALL)


def overlay(source: TomlSource, environment: Mapping[str, str], problems: ProblemList) -> None:
    """Writes every ``GATEKEEPER__…`` variable into ``source.content`` and remembers where it came from."""
    for variable in sorted(environment):
        if not variable.startswith(PREFIX):
            continue
        location: Location = tuple(
            int(word) if word.isdecimal() else word.lower()
            for word in variable.removeprefix(PREFIX).split("__")
        )
        why = _put(source.content, location, _value(environment[variable]))
        if why is None:
            source.overlaid[location] = variable
        else:
            problems.add(Problem(f"environment:{variable}", 0, 0, "", why))


def _value(text: str) -> Any:
    if _TOML_VALUE.fullmatch(text):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text
    return text


def _put(content: dict[str, Any], location: Location, value: Any) -> str | None:
    """Sets one value, making tables on the way; a sentence when the path does not fit the document."""
    here: Any = content
    for number, part in enumerate(location):
        last = number == len(location) - 1
        if not part and part != 0:
            return "has an empty word; words are joined by two underscores: GATEKEEPER__SERVER__LISTEN"
        if isinstance(here, list):
            if not isinstance(part, int) or part > len(here):
                return f"{part} is no position in a list of {len(here)}; the first is 0"
            if part == len(here):
                here.append({})
        elif not isinstance(here, dict):
            return f"{location[number - 1]} is a single value in the file and has no keys below it"
        if last:
            here[part] = value
        elif isinstance(here, dict):
            here = here.setdefault(part, [] if isinstance(location[number + 1], int) else {})
        else:
            here = here[part]
    return None
