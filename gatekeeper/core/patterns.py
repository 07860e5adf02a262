"""How a policy names texts: exactly, by a glob, or by a regular expression. Every one matches the whole text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from gatekeeper.core.linear_regexp import ANY, Characters, Node, Program, Repeat, Sequence, literal, regexp


class PatternKind(StrEnum):
    """What the text of a pattern is."""

    EXACT = "exact"
    GLOB = "glob"
    """``*`` within a path segment, ``**`` across segments, ``?`` one character that is no slash.

    Left of an ``@`` of the glob no wildcard matches an ``@``: ``…/**@refs/heads/main`` is not met by a branch that
    somebody called ``x@refs/heads/main``.
    """
    REGEXP = "regexp"
    """Of linear time (``core.linear_regexp``)."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text, or a family of texts. Raises MalformedError for a regular expression that is refused."""

    kind: PatternKind
    text: str

    def __post_init__(self) -> None:
        if self.kind is PatternKind.REGEXP:
            regexp(self.text)

    def matches(self, text: str) -> bool:
        """True when it names this whole text."""
        match self.kind:
            case PatternKind.EXACT:
                return self.text == text
            case PatternKind.GLOB:
                return _glob(self.text).matches(text)
            case PatternKind.REGEXP:
                return regexp(self.text).matches(text)

    def __str__(self) -> str:
        return self.text if self.kind is PatternKind.EXACT else f"{self.kind} {self.text}"


@lru_cache(maxsize=1024)
def _glob(glob: str) -> Program:
    parts: list[Node] = []
    pieces = re.split(r"(\*\*|\*|\?)", glob)
    for position, piece in enumerate(pieces):
        kept = (("@", "@"),) if any("@" in later for later in pieces[position + 1 :]) else ()
        if piece == "**":
            parts.append(Repeat(Characters((*ANY.ranges, *kept), negated=True), 0, None))
        elif piece in ("*", "?"):
            one = Characters((("/", "/"), *ANY.ranges, *kept), negated=True)
            parts.append(one if piece == "?" else Repeat(one, 0, None))
        else:
            parts.append(literal(piece))
    return Program(Sequence(tuple(parts)))
