"""What is printed where: data on stdout, everything else on stderr; tables are drawn on a terminal only."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gatekeeper.cli.text import harmless


class Output(StrEnum):
    """``--output``."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values, one below the other; empty values are left out."""

    pairs: Sequence[tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class Rows:
    """A table. ``empty`` is said when there are no rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | None]]
    title: str = ""
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence."""

    text: str


Block = Facts | Rows | Line
Plain = dict[str, Any]

_STATE_STYLES = {
    "passed": "green",
    "confirmed": "green",
    "satisfied": "green",
    "failed": "red",
    "violated": "red",
    "quarantined": "red",
    "open": "red",
    "indeterminate": "yellow",
    "undetermined": "yellow",
    "waiting": "yellow",
    "proposed": "yellow",
}
"""Colour only repeats what the word says."""


class Chosen:
    """The format of the running command, so that an error is told in it too."""

    format: Output = Output.TABLE


def indented(plain: Any) -> str:
    """JSON as it is printed: ASCII alone, so that nothing hostile in it reaches a terminal."""
    return json.dumps(plain, indent=2)


def show(
    output: Output,
    plain: Any,
    blocks: Callable[[], Sequence[Block]],
    *,
    written: Callable[[Any], str] = indented,
) -> None:
    """Prints one answer on stdout: as JSON, as tables on a terminal, as plain lines anywhere else."""
    if output is Output.JSON:
        sys.stdout.write(written(plain) + "\n")
    elif sys.stdout.isatty():
        _draw(blocks())
    else:
        sys.stdout.write("".join(line + "\n" for block in blocks() for line in plain_lines(block)))


def tell(text: str) -> None:
    """Progress and remarks, on stderr."""
    sys.stderr.write(harmless(text) + "\n")
    sys.stderr.flush()


def tell_error(error: Mapping[str, Any], message: str) -> None:
    """An error: for people on stderr, and as JSON on stdout when JSON was asked for."""
    if Chosen.format is Output.JSON:
        sys.stdout.write(indented(error) + "\n")
    for line in message.split("\n"):
        sys.stderr.write(harmless(line) + "\n")
    sys.stderr.flush()


def plain_lines(block: Block) -> list[str]:
    """Without a terminal: ``name: value`` lines and tab-separated rows under a heading, nothing cut or wrapped."""
    match block:
        case Line(text):
            return [harmless(text)]
        case Facts(pairs):
            return [f"{name}: {harmless(value)}" for name, value in pairs if value]
        case Rows(columns, rows, _, empty):
            if not rows:
                return [empty] if empty else []
            return ["\t".join(columns), *("\t".join(harmless(cell or "-") for cell in row) for row in rows)]


def _draw(blocks: Sequence[Block]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(
        highlight=False, markup=False, emoji=False, no_color=True if "NO_COLOR" in os.environ else None
    )

    def cell(value: str | None) -> Text:
        return Text(harmless(value or "-"), style=_STATE_STYLES.get(value or "", ""))

    for block in blocks:
        match block:
            case Line(text):
                console.print(Text(harmless(text)))
            case Facts(pairs):
                grid = Table.grid(padding=(0, 2))
                for name, value in pairs:
                    if value:
                        grid.add_row(Text(name, style="bold"), cell(value))
                console.print(grid)
            case Rows(columns, rows, title, empty):
                if rows:
                    table = Table(title=title or None, title_justify="left", title_style="bold")
                    for column in columns:
                        table.add_column(column, overflow="fold")
                    for row in rows:
                        table.add_row(*(cell(value) for value in row))
                    console.print(table)
                elif empty:
                    console.print(Text(empty))
