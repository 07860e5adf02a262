"""Starting quickly: what a command does not need is not loaded on behalf of what it needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(module: str) -> Iterator[None]:
    """Inside, an optional dependency counts as absent; nothing happens when it is loaded already."""
    if module in sys.modules:
        yield
        return
    # None is Python's own mark of a module that must not be imported (the import system, "The module cache").
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]
