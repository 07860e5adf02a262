"""One problem of a configuration file, and "did you mean"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from gatekeeper.core.errors import ConfigurationError

Location = tuple[str | int, ...]
"""A key as the parsed document has it: ``("registries", 0, "host")``."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong at one key. ``source`` is a file, or ``environment`` for the overlay; line 0 means none."""

    source: str
    line: int
    column: int
    key: str
    text: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}:{self.column}" if self.line else self.source
        return f"{place}: {self.key}: {self.text}" if self.key else f"{place}: {self.text}"


class ProblemList:
    """Collects problems so that all of them are told at once."""

    def __init__(self) -> None:
        self.items: list[Problem] = []

    def add(self, problem: Problem) -> None:
        """One more."""
        self.items.append(problem)

    def raise_if_any(self) -> None:
        """Raises ConfigurationError with every problem, in the order of the file."""
        if self.items:
            raise ConfigurationError(tuple(str(problem) for problem in sorted(set(self.items))))


def dotted(location: Location) -> str:
    """``registries[0].host``."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def did_you_mean(written: str, known: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` for the closest known word, or what is known, or nothing when nothing is."""
    words = sorted(known)
    close = difflib.get_close_matches(written, words, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(words)}" if words else ""
