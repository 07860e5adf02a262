r"""Regular expressions that take time linear in the text, whatever the text: a Thompson automaton, no backtracking.

Identities come from strangers' certificates, so a policy's expression meets hostile text. The dialect is the part of
RE2's that needs no look at the text's surroundings: literals, ``.``, classes, ``\d \w \s`` (ASCII), groups,
``|``, ``* + ? {m,n}``. An expression always has to match the whole text; ``^`` and ``$`` at its ends change nothing.

Refused: back references, look-around, inline flags, and an unbounded repetition of something that repeats without
bound itself (``(a+)+``). The last is harmless here and ruinous in every backtracking tool that reads the same policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from gatekeeper.core.errors import MalformedError

MOST_STATES = 5000
MOST_CHARACTERS = 2000
MOST_REPEATS = 1000
MOST_DEPTH = 50

_META = frozenset(r"\.+*?()|[]{}^$/-@:#&~%!\"'`,;<>=_ ")
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}


@dataclass(frozen=True, slots=True)
class Characters:
    """One character out of inclusive ranges, or, ``negated``, out of all others."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False

    def has(self, character: str) -> bool:
        """True when it is one of them."""
        return any(low <= character <= high for low, high in self.ranges) != self.negated


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other; the empty one matches the empty text."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of them."""

    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """``part`` at least ``least`` and at most ``most`` times; None: without bound."""

    part: Node
    least: int
    most: int | None


Node = Characters | Sequence | Choice | Repeat

ANY = Characters((("\n", "\n"),), negated=True)
"""What ``.`` matches."""
_CLASSES = {
    "d": (("0", "9"),),
    "w": (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z")),
    "s": ((" ", " "), ("\t", "\r")),
}


def literal(text: str) -> Node:
    """Exactly this text."""
    return Sequence(tuple(Characters(((character, character),)) for character in text))


class Program:
    """A compiled expression."""

    def __init__(self, node: Node) -> None:
        self._tests: list[Characters | None] = []
        self._next: list[tuple[int, ...]] = []
        self._final = self._state(None, ())
        self._start = self._compile(node, self._final)

    def matches(self, text: str) -> bool:
        """True when the whole text matches. Time: length of the text times number of states."""
        current = self._closure((self._start,))
        for character in text:
            steps = [
                target
                for state in current
                if (test := self._tests[state]) is not None and test.has(character)
                for target in self._next[state]
            ]
            current = self._closure(steps)
            if not current:
                return False
        return self._final in current

    @property
    def states(self) -> int:
        """How many states the automaton has."""
        return len(self._tests)

    def _closure(self, states: tuple[int, ...] | list[int]) -> set[int]:
        found: set[int] = set()
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            if state not in found:
                found.add(state)
                if self._tests[state] is None:
                    waiting.extend(self._next[state])
        return found

    def _state(self, test: Characters | None, targets: tuple[int, ...]) -> int:
        if len(self._tests) >= MOST_STATES:
            raise _bad(f"is too large: more than {MOST_STATES} states; write smaller repetitions")
        self._tests.append(test)
        self._next.append(targets)
        return len(self._tests) - 1

    def _compile(self, node: Node, after: int) -> int:
        """The state from which ``node`` and then ``after`` are matched."""
        match node:
            case Characters():
                return self._state(node, (after,))
            case Sequence(parts):
                for part in reversed(parts):
                    after = self._compile(part, after)
                return after
            case Choice(branches):
                return self._state(None, tuple(self._compile(branch, after) for branch in branches))
            case Repeat(part, least, most):
                after = self._tail(part, most if most is None else most - least, after)
                for _ in range(least):
                    after = self._compile(part, after)
                return after

    def _tail(self, part: Node, most: int | None, after: int) -> int:
        if most is None:
            loop = self._state(None, ())
            self._next[loop] = (self._compile(part, loop), after)
            return loop
        beyond = after
        for _ in range(most):
            after = self._state(None, (self._compile(part, after), beyond))
        return after


@lru_cache(maxsize=1024)
def regexp(text: str) -> Program:
    """The program of an expression. Raises MalformedError that says where it is wrong, and why it is refused."""
    if len(text) > MOST_CHARACTERS:
        raise _bad(f"is longer than {MOST_CHARACTERS} characters")
    return Program(_Parser(text).whole())


def _bad(what: str) -> MalformedError:
    return MalformedError(f"the regular expression {what}", reason_code="regular-expression-refused")


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        """The whole text as one expression."""
        node = self._choice()
        if self._at < len(self._text):
            raise self._wrong("has a ')' that closes nothing")
        return node

    def _peek(self, further: int = 0) -> str:
        """The next character, or a later one; empty at the end."""
        return self._text[self._at + further : self._at + further + 1]

    def _take(self, expected: str) -> bool:
        if self._text.startswith(expected, self._at):
            self._at += len(expected)
            return True
        return False

    def _wrong(self, what: str) -> MalformedError:
        return _bad(f"{what}, at character {self._at + 1}")

    def _choice(self) -> Node:
        branches = [self._branch()]
        while self._take("|"):
            branches.append(self._branch())
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def _branch(self) -> Node:
        parts = []
        if self._depth == 0:
            self._take("^")
        while self._at < len(self._text) and self._peek() not in "|)":
            if self._depth == 0 and self._peek() == "$" and self._peek(1) in ("", "|"):
                self._at += 1
                break
            parts.append(self._repeated())
        return Sequence(tuple(parts))

    def _repeated(self) -> Node:
        start = self._at
        node = self._atom()
        bounds = self._bounds()
        if bounds is None:
            return node
        least, most = bounds
        self._take("?")
        if most is None and _unbounded(node):
            self._at = start
            raise self._wrong(
                "repeats without bound what repeats without bound itself: many tools take exponential time for it; "
                "write it without the inner or the outer repetition"
            )
        if self._bounds() is not None:
            raise self._wrong("has two repetitions after each other; put the first into a group")
        return Repeat(node, least, most)

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(sign):
                return bounds
        end = self._text.find("}", self._at)
        if self._peek() != "{" or end < 0:
            return None
        least, comma, most = self._text[self._at + 1 : end].partition(",")
        if not _is_count(least) or not (most == "" or _is_count(most)):
            raise self._wrong("has a '{' that begins no repetition; write '\\{' for the character")
        self._at = end + 1
        high = (None if most == "" else int(most)) if comma else int(least)
        if int(least) > MOST_REPEATS or (high is not None and not int(least) <= high <= MOST_REPEATS):
            raise self._wrong(f"has a repetition that is no range up to {MOST_REPEATS}")
        return int(least), high

    def _atom(self) -> Node:
        if self._take("("):
            return self._group()
        if self._take("["):
            return self._class()
        if self._take("\\"):
            return self._escape()
        character = self._peek()
        if character in "*+?{":
            raise self._wrong(f"has a {character!r} with nothing to repeat; write '\\{character}' for it")
        if character in "^$":
            raise self._wrong(f"has a {character!r} in its middle, which never matches")
        self._at += 1
        return ANY if character == "." else literal(character)

    def _group(self) -> Node:
        if self._take("?"):
            self._group_kind()
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise self._wrong(f"has groups deeper than {MOST_DEPTH}")
        node = self._choice()
        self._depth -= 1
        if not self._take(")"):
            raise self._wrong("has a '(' that is never closed")
        return node

    def _group_kind(self) -> None:
        """``(?:`` and names of groups, which say nothing here."""
        if self._take(":"):
            return
        if not (self._take("P<") or (self._peek(1) not in ("=", "!") and self._take("<"))):
            raise self._wrong("has a look-around, a back reference or inline flags, which are not understood")
        end = self._text.find(">", self._at)
        if end < 0:
            raise self._wrong("has a group name without '>'")
        self._at = end + 1

    def _escape(self) -> Characters:
        character = self._peek()
        self._at += 1
        if character and character.lower() in _CLASSES:
            return Characters(_CLASSES[character.lower()], negated=character.isupper())
        if character in _CONTROL:
            character = _CONTROL[character]
        elif character.isdigit():
            raise self._wrong("has a back reference, which takes no linear time")
        elif character not in _META:
            raise self._wrong(f"has the unknown escape '\\{character}'")
        return Characters(((character, character),))

    def _class(self) -> Node:
        negated = self._take("^")
        ranges: list[tuple[str, str]] = []
        first = True
        while first or self._peek() != "]":
            if self._at >= len(self._text):
                raise self._wrong("has a '[' that is never closed")
            first = False
            ranges.extend(self._member())
        self._at += 1
        return Characters(tuple(ranges), negated)

    def _member(self) -> tuple[tuple[str, str], ...]:
        """One character, one class letter or one range of a class."""
        low = self._single()
        if low.negated:
            raise self._wrong("has a negated class inside a class; write it outside")
        if len(low.ranges) != 1 or low.ranges[0][0] != low.ranges[0][1]:
            return low.ranges
        if self._peek() != "-" or self._peek(1) in ("]", ""):
            return low.ranges
        self._at += 1
        high = self._single()
        if high.negated or len(high.ranges) != 1 or low.ranges[0][0] > high.ranges[0][1]:
            raise self._wrong("has a range in a class that is none")
        return ((low.ranges[0][0], high.ranges[0][1]),)

    def _single(self) -> Characters:
        if self._take("\\"):
            return self._escape()
        character = self._peek()
        self._at += 1
        return Characters(((character, character),))


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4


def _unbounded(node: Node) -> bool:
    match node:
        case Repeat(part, _, most):
            return most is None or _unbounded(part)
        case Sequence(parts) | Choice(parts):
            return any(_unbounded(part) for part in parts)
        case Characters():
            return False
