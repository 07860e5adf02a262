"""Figures of one run: interleaved rounds, medians, ratios against a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TypeVar

Measured = TypeVar("Measured")


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure is held to. ``at_least`` False: the figure must stay at or below the bound."""

    what: str
    value: float
    bound: float
    at_least: bool = True
    unit: str = "x"

    @property
    def reached(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def line(self) -> str:
        sign = ">=" if self.at_least else "<="
        verdict = "reached" if self.reached else "NOT REACHED"
        return f"  {verdict:<12} {self.what}: {self.value:.2f} {self.unit} (target {sign} {self.bound:g})"


@dataclass(slots=True)
class Report:
    """What one benchmark found: a table and its targets."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def row(self, *cells: object) -> None:
        """One line of the table; floats are shortened."""
        self.rows.append(tuple(_cell(cell) for cell in cells))

    def text(self) -> str:
        """The report for a terminal."""
        table = [self.columns, *self.rows]
        widths = [max(len(line[column]) for line in table) for column in range(len(self.columns))]
        lines = [f"== {self.title}"]
        for line in table:
            first = line[0].ljust(widths[0])
            rest = (cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
            lines.append("  " + "  ".join((first, *rest)).rstrip())
        lines += [target.line() for target in self.targets]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)


def interleaved(rounds: int, runs: Mapping[str, Callable[[], Measured]]) -> dict[str, list[Measured]]:
    """Every run once a round, each round beginning with another one, so that a slow minute hits all alike."""
    found: dict[str, list[Measured]] = {name: [] for name in runs}
    names = list(runs)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            found[name].append(runs[name]())
    return found


def middle(values: Sequence[float]) -> float:
    """The median."""
    return float(median(values))


def _cell(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.2f}" if abs(cell) >= 0.1 else f"{cell:.3f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
