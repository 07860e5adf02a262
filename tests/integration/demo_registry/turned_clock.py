"""A clock for registries that a test turns."""

from __future__ import annotations


class TurnedClock:
    """Stands still until ``now`` is changed."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now
