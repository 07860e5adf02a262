"""What the scheduler needs of an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Work = Callable[[], None]


class Engine(Protocol):
    """Carries out work, bounded for each registry: one that stalls never blocks another."""

    def free(self, registry: str) -> int:
        """How many more pieces of work this registry can take now; 0 while draining."""
        ...

    def submit(self, registry: str, work: Work) -> None:
        """Carries it out soon. What the work raises is reported, never raised here."""
        ...

    def when_idle(self, refill: Callable[[str], None]) -> None:
        """Sets what is called, on a worker's thread, when a registry has run out of waiting work."""
        ...

    def drain(self, timeout: float) -> bool:
        """Takes no more work and waits for what is under way, at most ``timeout`` seconds. True when all ended."""
        ...
