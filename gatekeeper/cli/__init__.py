"""The command line. Nothing heavy is imported before a command needs it (``--help`` within 0.25 s)."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code is the design's (section 8), 70 for our own faults."""
    from gatekeeper.cli.border import guarded

    return guarded(arguments)
