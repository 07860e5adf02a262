"""A TOML file with the position of every key. tree-sitter is asked only when there is an error to point at."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekeeper.config.problems import Location, Problem, dotted
from gatekeeper.core.errors import ConfigurationError

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class TomlSource:
    """A parsed file. ``content`` may carry an overlay; ``overlaid`` names the variable each such key came from."""

    name: str
    text: str
    content: dict[str, Any]
    overlaid: dict[Location, str] = field(default_factory=dict)
    _positions: dict[Location, tuple[int, int]] | None = None

    @classmethod
    def read(cls, path: Path) -> TomlSource:
        """Raises ConfigurationError when the file cannot be read or is no TOML."""
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            raise _unusable(path, "there is no such file") from None
        except OSError as error:
            raise _unusable(path, f"cannot be read: {error.strerror}") from error
        if len(raw) > MAX_BYTES:
            raise _unusable(path, f"is larger than {MAX_BYTES} bytes")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            column = error.start - raw.rfind(b"\n", 0, error.start)
            raise ConfigurationError(
                (f"{path}:{line}:{column}: is not UTF-8; save the file as UTF-8",)
            ) from error
        return cls(str(path), text, _parse(path, text))

    def problem(self, location: Location, text: str) -> Problem:
        """A problem at this key; where the key itself is not written, at the nearest table that would hold it."""
        for length in range(len(location), 0, -1):
            variable = self.overlaid.get(location[:length])
            if variable is not None:
                return Problem(f"environment:{variable}", 0, 0, dotted(location), text)
        line, column = self.position(location)
        return Problem(self.name, line, column, dotted(location), text)

    def position(self, location: Location) -> tuple[int, int]:
        """Line and column, both from 1, of the key or of the nearest table around it."""
        if self._positions is None:
            self._positions = _positions(self.text)
        for length in range(len(location), 0, -1):
            found = self._positions.get(location[:length])
            if found is not None:
                return found
        return 1, 1


def _unusable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError((f"{path}: {why}",))


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        found = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
        line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
        if found:
            message = message[: found.start()]
            if found[1]:
                line, column = int(found[1]), int(found[2])
        raise ConfigurationError(
            (f"{path}:{line}:{column}: is no TOML: {message[:1].lower()}{message[1:]}",)
        ) from error
    except RecursionError:
        raise _unusable(path, "is nested too deeply") from None


def _positions(text: str) -> dict[Location, tuple[int, int]]:
    """Where every key of a document stands that tomllib has accepted."""
    import tree_sitter_toml  # noqa: PLC0415 - only on the error path
    from tree_sitter import Language, Parser  # noqa: PLC0415

    encoded = text.encode()
    root = Parser(Language(tree_sitter_toml.language())).parse(encoded).root_node
    index = _PositionIndex(encoded)
    for node in root.named_children:
        index.statement(node)
    return index.found


class _PositionIndex:
    def __init__(self, encoded: bytes) -> None:
        self.lines = encoded.split(b"\n")
        self.found: dict[Location, tuple[int, int]] = {}
        self.elements: dict[Location, int] = {}

    def statement(self, node: Node) -> None:
        """A top-level pair, ``[table]`` or ``[[array of tables]]``."""
        if node.type == "pair":
            self.pair((), node)
            return
        if node.type not in ("table", "table_array_element"):
            return
        key, *pairs = (child for child in node.named_children if child.type != "comment")
        table = self.enter(key)
        if node.type == "table_array_element":
            position = self.elements.get(table, -1) + 1
            self.elements[table] = position
            self.remember(table, key)
            table = (*table, position)
        self.remember(table, key)
        for pair in pairs:
            if pair.type == "pair":
                self.pair(table, pair)

    def enter(self, key: Node) -> Location:
        """A header's location: parts that are arrays of tables mean their newest element."""
        parts = self.parts(key)
        location: Location = ()
        for number, part in enumerate(parts, start=1):
            location = (*location, part)
            if number < len(parts):
                self.remember(location, key)
                if location in self.elements:
                    location = (*location, self.elements[location])
        return location

    def pair(self, table: Location, node: Node) -> None:
        """``a.b = value`` and everything inside the value."""
        key, value = [child for child in node.named_children if child.type != "comment"][:2]
        location = table
        for part in self.parts(key):
            location = (*location, part)
            self.remember(location, key)
        self.value(location, value)

    def value(self, location: Location, node: Node) -> None:
        """Descends into arrays and inline tables."""
        if node.type == "array":
            for position, child in enumerate(c for c in node.named_children if c.type != "comment"):
                self.remember((*location, position), child)
                self.value((*location, position), child)
        elif node.type == "inline_table":
            for child in node.named_children:
                if child.type == "pair":
                    self.pair(location, child)

    def remember(self, location: Location, node: Node) -> None:
        """The first place wins: a table is where it was first named. Columns count characters."""
        row, column = node.start_point
        characters = len(self.lines[row][:column].decode(errors="replace"))
        self.found.setdefault(location, (row + 1, characters + 1))

    def parts(self, key: Node) -> list[str]:
        """The parts of a bare, quoted or dotted key."""
        if key.type == "dotted_key":
            return [part for child in key.named_children for part in self.parts(child)]
        text = (key.text or b"").decode()
        if key.type == "quoted_key":
            return [next(iter(tomllib.loads(f"{text} = 0")))]
        return [text]
