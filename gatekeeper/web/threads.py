"""Where blocking work runs: a bounded number of threads for each thing that may stall.

The use cases are synchronous (one concurrency colour); the event loop never waits for a database or a registry. A
registry that stalls fills its own share of threads and no other's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from gatekeeper.ports import Registries

DATABASE = 24
"""AnyIO's default pool: requests that only ask the database. Fewer than the database's pool has connections."""
EACH_REGISTRY = 16
PROMOTIONS = 4
"""A promotion may copy for minutes."""
PROBES = 2

Result = TypeVar("Result")


class Threads:
    """Made once for an application."""

    def __init__(self, registries: Registries) -> None:
        self._registries = registries
        self._of_registry: dict[str, anyio.CapacityLimiter] = {}
        self.promotions = anyio.CapacityLimiter(PROMOTIONS)
        self.probes = anyio.CapacityLimiter(PROBES)

    def bound_database(self) -> None:
        """Sizes AnyIO's default pool; called in the event loop."""
        anyio.to_thread.current_default_thread_limiter().total_tokens = DATABASE

    async def asking_registry(self, host: str, ask: Callable[[], Result]) -> Result:
        """Runs what may ask this registry."""
        return await anyio.to_thread.run_sync(ask, limiter=self._limiter(host))

    def _limiter(self, host: str) -> anyio.CapacityLimiter | None:
        """None, the default pool, for hosts that are not configured: they are never contacted, and are without end."""
        limiter = self._of_registry.get(host)
        if limiter is None and host in self._registries.hosts():
            limiter = self._of_registry[host] = anyio.CapacityLimiter(EACH_REGISTRY)
        return limiter
