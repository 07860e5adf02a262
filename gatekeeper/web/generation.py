"""One number that rises whenever any process changed what an answer rests on.

Caches in this process are good for one generation. A thread asks the database's change counter several times a second,
so a quarantine written by another process drops every cached answer within a second. A generation is fresh only for
a second after the counter was last read: while the database stalls or is away, nothing is answered from memory.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable

POLL_SECONDS = 0.25
FRESH_SECONDS = 1.0
_JOIN_SECONDS = 2.0

logger = logging.getLogger(__name__)


class Generation:
    """Thread-safe. Reading ``current`` costs an attribute look-up."""

    def __init__(
        self, change_counter: Callable[[], int], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._change_counter = change_counter
        self._monotonic = monotonic
        self._seen: int | None = None
        self._fresh_until = float("-inf")
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._moved = asyncio.Event()
        self.current = 0
        self.ending = False
        """True once the server is about to stop: nobody waits any longer."""

    def fresh(self) -> bool:
        """True while ``current`` was compared with the database less than a second ago."""
        return self._monotonic() < self._fresh_until

    def poll(self) -> None:
        """Asks once; raises the generation when the counter has moved."""
        asked = self._monotonic()
        try:
            counter = self._change_counter()
        except Exception as error:  # noqa: BLE001 - a thread's border: whatever it is, it must ask again
            logger.warning("the change counter cannot be read: %s", ascii(str(error)))
            return
        self._fresh_until = asked + FRESH_SECONDS
        if counter != self._seen:
            self._seen = counter
            self.moved()

    def moved(self) -> None:
        """Raises the generation now: this process itself has just changed something."""
        with self._lock:
            self.current += 1
            self._wake()

    def end_waits(self) -> None:
        """Whoever waits is answered with what there is."""
        with self._lock:
            self.ending = True
            self._wake()

    async def change(self, seen: int, seconds: float) -> None:
        """Returns when the generation is another than ``seen``, or after that many seconds. Holds no thread."""
        if self.current != seen or self.ending:
            return
        try:
            await asyncio.wait_for(self._moved.wait(), seconds)
        except TimeoutError:
            return

    def start(self) -> None:
        """Polls in a daemon thread until ``stop``. Called in the event loop whose coroutines wait for changes."""
        self._loop = asyncio.get_running_loop()
        self._moved = asyncio.Event()
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="change-counter", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; one that is stuck in the database is left behind."""
        self._stop.set()
        with self._lock:
            self._loop = None
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)
            self._thread = None

    def _wake(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._announce)

    def _announce(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def _run(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            self.poll()
