"""Programs beside us: the pinned judges, our own Go programs, and children that answer lines with JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.judges.install import judges_folder
from tests.judges.tools import look_up

ROOT = Path(__file__).resolve().parent.parent
_GO = Path(__file__).resolve().parent / "go"
_WAIT = 900.0


class AbsentError(Exception):
    """A peer is not installed; the text says how to get it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that has ended: wall and processor seconds, greatest resident memory in MiB."""

    seconds: float
    cpu: float
    memory: float
    code: int


def judge(name: str) -> Path:
    """A pinned judge. Raises AbsentError."""
    found = look_up(name)
    if found is None:
        raise AbsentError(f"{name} is absent: python3 -m tests.judges.install {name}")
    return found


def go_program(name: str) -> Path:
    """One of ours under ``benchmarks/go``, built into the judges' cache. Raises AbsentError."""
    go = shutil.which("go")
    if go is None:
        raise AbsentError("Go is absent: install Go 1.26 or later")
    program = judges_folder().parent / "benchmarks" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    # Go's own cache makes a second build a matter of milliseconds.
    subprocess.run(
        [go, "build", "-mod=readonly", "-o", str(program), f"./{name}"],
        cwd=_GO,
        env={**os.environ, "GOWORK": "off"},
        check=True,
    )
    return program


def run_all(commands: Sequence[Sequence[str | Path]], environment: Mapping[str, str] | None = None) -> Ended:
    """Run programs side by side until the last has ended; processor time and memory are added up.

    Python may keep what it compiled, as every installation has it compiled: the first run is for that.
    """
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    asked = {
        "commands": [[str(word) for word in command] for command in commands],
        "environment": {**kept, **(environment or {})},
        "folder": str(ROOT),
    }
    with child(ours("starter"), greets=False) as starter:
        return Ended(**starter.ask(json.dumps(asked)))


class Child:
    """A program that prints one line when it is ready, then one line of JSON for each line it reads."""

    def __init__(self, command: Sequence[str | Path], *, greets: bool = True) -> None:
        self._running = subprocess.Popen(
            [str(word) for word in command],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.greeting = self._line() if greets else ""

    @property
    def pid(self) -> int:
        return self._running.pid

    def tell(self, words: str = "go") -> None:
        """Send a line and do not wait."""
        assert self._running.stdin is not None
        self._running.stdin.write(f"{words}\n")
        self._running.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """The next answer."""
        answer: dict[str, Any] = json.loads(self._line())
        return answer

    def ask(self, words: str = "go") -> dict[str, Any]:
        """Send a line, return the answer."""
        self.tell(words)
        return self.hear()

    def stop(self) -> None:
        """Close its input, which ends it; by its process id when that does not."""
        assert self._running.stdin is not None
        self._running.stdin.close()
        try:
            self._running.wait(10)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()

    def _line(self) -> str:
        assert self._running.stdout is not None
        line = self._running.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._running.args!r} ended with {self._running.wait(_WAIT)}")
        return line.strip()


@contextmanager
def child(command: Sequence[str | Path], *, greets: bool = True) -> Iterator[Child]:
    """A child until the block ends."""
    running = Child(command, greets=greets)
    try:
        yield running
    finally:
        running.stop()


def ours(module: str, *arguments: str | Path) -> list[str | Path]:
    """The command of one of our own children."""
    return [sys.executable, "-m", f"benchmarks.children.{module}", *arguments]
