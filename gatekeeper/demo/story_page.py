"""What the demo prints: sections, sentences and tables; plain text unless somebody is looking at a terminal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TextIO

_BOLD, _GREEN, _RED, _YELLOW = "1", "32", "31", "33"
_COLOURS = {
    "passed": _GREEN,
    "confirmed": _GREEN,
    "restored": _GREEN,
    "failed": _RED,
    "quarantined": _RED,
    "refused": _RED,
    "waiting": _YELLOW,
    "proposed": _YELLOW,
}
"""Colour only repeats what the word says."""


class Page:
    """Writes to one stream. Nothing of it comes from a registry that is not our own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._colours = stream.isatty() and "NO_COLOR" not in os.environ
        self._sections = 0

    def title(self, text: str) -> None:
        """The first line."""
        self._line(self._drawn(text, _BOLD))

    def section(self, text: str) -> None:
        """A numbered part of the story."""
        self._sections += 1
        self._line("")
        self._line(self._drawn(f"{self._sections}. {text}", _BOLD))

    def say(self, text: str) -> None:
        """One sentence."""
        self._line(f"   {text}")

    def typed(self, command: str) -> None:
        """What a person would type for what comes next."""
        self._line(f"   $ {command}")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns as wide as they must be; the last one is never padded."""
        widths = [max(len(row[number]) for row in (columns, *rows)) for number in range(len(columns))]
        for row in (columns, *rows):
            cells = [
                self._drawn(cell, _COLOURS.get(cell)) + " " * (width - len(cell))
                for cell, width in zip(row, widths, strict=True)
            ]
            self._line(f"   {'  '.join(cells).rstrip()}")

    def _line(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()

    def _drawn(self, text: str, colour: str | None) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours and colour is not None else text
