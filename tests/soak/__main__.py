"""``python3 dev.py soak [--kills 200] [--seed N] [--database sqlite|postgres] [--minutes 30]``."""

from __future__ import annotations

import argparse
import random
import sys
from contextlib import ExitStack

import pytest

from tests.judges.servers import postgres
from tests.soak.run import Soak, SoakError, soak


def main(arguments: list[str] | None = None) -> int:
    """0 when nothing was lost, 1 when something was, 2 when a part is absent. Progress goes to standard error."""
    parser = argparse.ArgumentParser(prog="dev.py soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--minutes", type=float, default=30.0, help="kill no more after this long")
    given = parser.parse_args(arguments)
    sys.stdout.write(f"soak: {given.kills} kills on {given.database}, seed {given.seed}\n")
    sys.stdout.flush()
    with ExitStack() as stack:
        url = None
        if given.database == "postgres":
            try:
                url = stack.enter_context(stack.enter_context(postgres()).database())
            except pytest.skip.Exception as absent:
                sys.stderr.write(f"{absent}\n")
                return 2
        try:
            done = soak(given.kills, given.seed, _progress, database_url=url, minutes=given.minutes)
        except SoakError as error:
            sys.stderr.write(f"seed {given.seed}: {error}\n")
            return 1
    sys.stdout.write(f"{summary(done)}\nnothing was lost\n")
    return 0


def summary(done: Soak) -> str:
    """What happened, in one line."""
    counted = ", ".join(f"{count} {what}" for what, count in sorted(done.people.counts.items()))
    windows = f"{len(done.check.windows)} pushes inside the window of a tag write"
    return f"{done.kills} kills; {counted}; {windows}; {len(done.left_behind)} tags of ours left behind"


def _progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
