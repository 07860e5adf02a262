"""Engines of one process: bounded threads per registry, or the caller's own thread."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition, Thread
from uuid import uuid4

from gatekeeper.core.errors import ConflictError, GatekeeperError
from gatekeeper.ports.engine import Work

_log = logging.getLogger(__name__)


def report(work: Work) -> None:
    """Carries out one piece of work; errors end here. An unfinished lease runs out and the work comes back."""
    try:
        work()
    except ConflictError as error:
        _log.info("work given up: %s", ascii(error.message))
    except GatekeeperError as error:
        _log.warning("work failed: %s: %s", error.reason_code, ascii(error.message))
    except Exception:  # noqa: BLE001 - a worker's thread ends here, and must not
        _log.exception("internal error, incident %s", uuid4().hex[:12])


class InlineEngine:
    """Carries work out at once, on the caller's thread: the demo, tests and single rounds."""

    def free(self, registry: str) -> int:  # noqa: ARG002 - every registry has room
        """Always some."""
        return 32

    def submit(self, registry: str, work: Work) -> None:  # noqa: ARG002
        """Returns when the work has ended."""
        report(work)

    def when_idle(self, refill: Callable[[str], None]) -> None:
        """Nothing waits here, so nothing is ever refilled."""

    def drain(self, timeout: float) -> bool:  # noqa: ARG002
        """Nothing is ever under way."""
        return True


@dataclass(slots=True)
class _Pool:
    waiting: deque[Work] = field(default_factory=deque)
    busy: int = 0
    threads: int = 0


class LocalEngine:
    """A pool of threads for each registry, started as they are needed. Thread-safe."""

    def __init__(self, workers_per_registry: int = 8) -> None:
        self._workers = workers_per_registry
        self._room = workers_per_registry * 4
        self._changed = Condition()
        self._pools: dict[str, _Pool] = {}
        self._draining = False
        self._refill: Callable[[str], None] = lambda _registry: None

    def free(self, registry: str) -> int:
        """Waiting and running work together stay below four times the workers."""
        with self._changed:
            if self._draining:
                return 0
            pool = self._pools.setdefault(registry, _Pool())
            return max(self._room - len(pool.waiting) - pool.busy, 0)

    def submit(self, registry: str, work: Work) -> None:
        """Dropped while draining: its lease runs out and the work comes back after the restart."""
        with self._changed:
            if self._draining:
                return
            pool = self._pools.setdefault(registry, _Pool())
            pool.waiting.append(work)
            if pool.threads < self._workers and pool.threads - pool.busy < len(pool.waiting):
                pool.threads += 1
                Thread(target=self._run, args=(registry, pool), name=f"work {registry}", daemon=True).start()
            self._changed.notify_all()

    def when_idle(self, refill: Callable[[str], None]) -> None:
        """Called outside of every lock."""
        self._refill = refill

    def drain(self, timeout: float) -> bool:
        """Waiting work is dropped; what is running may end in time."""
        deadline = time.monotonic() + timeout
        with self._changed:
            self._draining = True
            for pool in self._pools.values():
                pool.waiting.clear()
            self._changed.notify_all()
            while any(pool.busy for pool in self._pools.values()):
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def _run(self, registry: str, pool: _Pool) -> None:
        while True:
            with self._changed:
                while not pool.waiting and not self._draining:
                    self._changed.wait()
                if self._draining:
                    pool.threads -= 1
                    return
                work = pool.waiting.popleft()
                pool.busy += 1
            report(work)
            with self._changed:
                idle = not pool.waiting and not self._draining
            if idle:
                report(lambda: self._refill(registry))
            with self._changed:
                pool.busy -= 1
                self._changed.notify_all()
