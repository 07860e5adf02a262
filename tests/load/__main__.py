"""``python3 dev.py load [--repositories 10000] [--seed N]``: 24 simulated hours."""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

from tests.load.run import Day, a_day

MEMORY = Path("/dev/shm")


def main(arguments: list[str] | None = None) -> int:
    """0 when nothing went wrong. Progress goes to standard error."""
    parser = argparse.ArgumentParser(prog="dev.py load", description=__doc__)
    parser.add_argument("--repositories", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument(
        "--directory",
        type=Path,
        default=MEMORY if MEMORY.is_dir() else None,
        help="where the SQLite file lies; by default in memory, so that no commit waits for a disk",
    )
    parser.add_argument("--postgresql", metavar="URL", help="an empty PostgreSQL database instead of SQLite")
    given = parser.parse_args(arguments)
    sys.stdout.write(f"load: {given.repositories} repositories, seed {given.seed}\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="gatekeeper-load-", dir=given.directory) as folder:
        day = a_day(Path(folder), given.repositories, given.seed, _progress, postgresql=given.postgresql)
    sys.stdout.write(f"{summary(day)}\n")
    for line in day.wrong[:20]:
        sys.stdout.write(f"wrong: {line}\n")
    return 1 if day.wrong else 0


def summary(day: Day) -> str:
    """The figures of docs/performance.md, in one line."""
    return (
        f"{day.repositories} repositories, {day.pieces} pieces of work, {day.requests} requests in "
        f"{day.seconds:.0f} s; {day.acted} acted on, at most {day.most_in_an_hour} within an hour; the breaker opened "
        f"{day.breakers} times, the registry was doubted for {day.doubted} hours and asked {day.asked_in_storm} times "
        f"in the storm of 429; {day.resident[5]} MiB after six hours, {day.resident[-1]} at the end, "
        f"{max(day.resident)} at most; load average {os.getloadavg()[2]:.1f}"
    )


def _progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
