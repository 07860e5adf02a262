"""How far long work is: a bar on a terminal, a line now and then elsewhere. Always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gatekeeper.cli.output import tell
from gatekeeper.ports.feeds import Progress

_QUIET_SECONDS = 10.0
"""Without a terminal: no more than one line in this time."""


@contextmanager
def progress() -> Iterator[Progress]:
    """Who is told; what it shows is gone at the end."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {}

        def told(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield told


def _lines() -> Progress:
    last = time.monotonic()

    def told(what: str, done: int, total: int | None) -> None:
        nonlocal last
        if time.monotonic() - last < _QUIET_SECONDS:
            return
        last = time.monotonic()
        tell(f"{what}: {done}" + (f" of {total}" if total is not None else ""))

    return told
