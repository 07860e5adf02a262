"""A bounded cache whose entries live for one generation and at most until a moment of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

from gatekeeper.web.generation import Generation

Key = TypeVar("Key")
Value = TypeVar("Value")


class GenerationCache(Generic[Key, Value]):
    """Thread-safe. Entries die with their generation anyway, so a full cache is simply emptied."""

    def __init__(
        self,
        generation: Generation,
        now: Callable[[], datetime],
        *,
        entries: int = 10_000,
        weight: int = 32 * 1024 * 1024,
    ) -> None:
        self._generation = generation
        self._now = now
        self._limits = (entries, weight)
        self._lock = threading.Lock()
        self._weight = 0
        # One attribute, so that a reader without the lock never sees entries of one generation under another's number.
        self._held: tuple[int, dict[Key, tuple[datetime | None, Value]]] = (generation.current, {})

    def get(self, key: Key) -> Value | None:
        """The entry, if it is of this generation, the generation is fresh, and the entry has not ended."""
        held, entries = self._held
        if held != self._generation.current or not self._generation.fresh():
            return None
        entry = entries.get(key)
        if entry is None:
            return None
        ends_at, value = entry
        return value if ends_at is None or self._now() < ends_at else None

    def put(
        self, key: Key, value: Value, *, generation: int, ends_at: datetime | None, weight: int = 0
    ) -> None:
        """Keeps what was read while ``generation`` was current: a change in between makes it worthless at once."""
        with self._lock:
            if generation != self._generation.current:
                return
            most, heaviest = self._limits
            held, entries = self._held
            if held != generation or len(entries) >= most or self._weight + weight > heaviest:
                entries, self._weight = {}, 0
                self._held = (generation, entries)
            entries[key] = (ends_at, value)
            self._weight += weight
