"""Writes the expected half of every golden anew: ``python -m tests.golden.regenerate``, then read the difference.

The inputs (``evidence.json``, ``policy.json``, ``request.json``, and everything but ``checks`` in a rule's fixture)
are written by hand and never touched.
"""

from __future__ import annotations

import sys

from gatekeeper.core.canonical import to_plain
from tests.golden.reading import RULE_FIXTURES, cases, dump, judge, load, run_fixture


def main() -> int:
    """Regenerates all; returns the exit code."""
    for case in cases():
        dump(case / "verdict.json", to_plain(judge(case)))
    for path in sorted(RULE_FIXTURES.glob("*/*.json")):
        fixture = load(path)
        dump(path, {**fixture, "checks": run_fixture(fixture)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
