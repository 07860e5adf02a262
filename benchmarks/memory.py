"""Resident memory of ``gatekeeper run`` that watches 10,000 images."""

from __future__ import annotations

import re
import signal
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import configuration, population, servers
from benchmarks.figures import Report, Target
from benchmarks.machine import greatest, resident
from benchmarks.programs import ROOT
from tests.judges.servers import free_port, scratch, serve

TAGS = 50
PATIENCE = 900.0
_PASSED = re.compile(r'^gatekeeper_rows\{.*state="passed".*\} (\d+)', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    repositories: int = 200
    sweeps: float = 30.0
    """Seconds of sweeps after all is judged; a sweep is due every 5 s."""


QUICK = Sizes(10, 6.0)


def measure(sizes: Sizes) -> Iterator[Report]:
    """The real program, from an empty database: every image seen, judged, then watched."""
    count = sizes.repositories * TAGS
    with servers.registry("distribution3") as host, scratch() as folder:
        population.push_tags(host, population.paths("team", sizes.repositories), TAGS, count)
        port = free_port()
        config = configuration.write(folder, host, port)
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "gatekeeper",
            "run",
            "--config",
            config,
            "--migrate",
        ]
        begin = time.perf_counter()
        source = {"PYTHONPATH": str(ROOT)}  # it runs in another folder
        with serve(command, folder, environment=source, stop=signal.SIGTERM) as running:
            running.answering(f"127.0.0.1:{port}")
            idle = resident(running.pid)
            _until_judged(port, count)
            judged = time.perf_counter() - begin
            time.sleep(sizes.sweeps)
            now, peak = resident(running.pid), greatest(running.pid)
    report = Report(f"memory of `gatekeeper run`, {count:,} images", ("moment", "resident MiB"))
    report.row("started", idle)
    report.row("every image judged and swept again", now)
    report.row("greatest at any moment", peak)
    report.targets.append(Target("greatest resident memory", peak, 200.0, at_least=False, unit="MiB"))
    report.notes.append(f"from an empty database to {count:,} verdicts in {judged:,.0f} s")
    yield report


def _until_judged(port: int, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    seen = 0
    while seen < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{seen} of {count} images judged in {PATIENCE} s")
        time.sleep(1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            found = _PASSED.search(answer.read().decode())
        seen = int(found.group(1)) if found else 0
