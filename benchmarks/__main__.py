"""``python -m benchmarks [NAME ...] [--quick]``: run benchmarks and print their figures."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from benchmarks.machine import machine
from benchmarks.programs import AbsentError

NAMES = ("sweep", "verify", "notation", "status", "memory", "cold", "sboms", "match", "vulnerabilities")


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when everything that could be measured was; whether targets were reached is printed, never a failure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="little of everything: shows that it runs")
    options = parser.parse_args(arguments)
    wanted: list[str] = options.names or list(NAMES)
    unknown = sorted(set(wanted) - set(NAMES))
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)} (known: {', '.join(NAMES)})")
    print(f"machine: {machine()}\n", flush=True)
    reached = missed = 0
    for name in wanted:
        module = importlib.import_module(f"benchmarks.{name}")
        sizes = module.QUICK if options.quick else module.Sizes()
        try:
            for report in module.measure(sizes):
                print(report.text() + "\n", flush=True)
                reached += sum(target.reached for target in report.targets)
                missed += sum(not target.reached for target in report.targets)
        except AbsentError as error:
            print(f"== {name}: left out, {error}\n", flush=True)
    print(f"{reached} targets reached, {missed} not reached")
    return 0


if __name__ == "__main__":
    sys.exit(main())
