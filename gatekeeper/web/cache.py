"""A bounded cache whose entries live for one generation and at most until a moment of their own."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

from gatekeeper.web.generation import Generation

Key = TypeVar("Key")
Value = TypeVar("Value")


class GenerationCache(Generic[Key, Value]):
    """Least recently used out first. Thread-safe."""

    def __init__(self, generation: Generation, now: Callable[[], datetime], *, size: int = 10_000) -> None:
        self._generation = generation
        self._now = now
        self._size = size
        self._lock = threading.Lock()
        self._entries: OrderedDict[Key, tuple[int, datetime | None, Value]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """The entry, if it is of this generation and has not ended."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            generation, ends_at, value = entry
            if generation != self._generation.current or (ends_at is not None and self._now() >= ends_at):
                del self._entries[key]
                return None
            self._entries.move_to_end(key)
            return value

    def put(self, key: Key, value: Value, *, generation: int, ends_at: datetime | None) -> None:
        """Stores what was read while ``generation`` was current: a change in between makes it worthless at once."""
        with self._lock:
            self._entries[key] = (generation, ends_at, value)
            self._entries.move_to_end(key)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)
