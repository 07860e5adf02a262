"""One number that rises whenever any process changed what an answer rests on.

Caches in this process are good for one generation. A thread asks the database's change counter twice a second, so a
quarantine written by another process drops every cached answer within a second; while the database cannot be asked,
the generation rises with every attempt, so nothing old is served as if it were current.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from gatekeeper.core.errors import UnavailableError

POLL_SECONDS = 0.5


class Generation:
    """Thread-safe. Reading ``current`` costs an attribute look-up."""

    def __init__(self, change_counter: Callable[[], int]) -> None:
        self._change_counter = change_counter
        self._seen: int | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.current = 0

    def poll(self) -> None:
        """Asks once; raises the generation when the counter moved or could not be asked."""
        try:
            counter: int | None = self._change_counter()
        except UnavailableError:
            counter = None
        if counter is None or counter != self._seen:
            self._seen = counter
            self.current += 1

    def start(self) -> None:
        """Polls in a daemon thread until ``stop``."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="change-counter", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            self.poll()
