"""Numbered points at which a process may die: after everything that leaves a trace outside of it.

Dying before the next trace leaves the same world as dying right after the last one, so one point for each is enough.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

CRASHED = 137

REGISTRY_WRITES = frozenset({
    "put_manifest", "put_blob", "attach", "detach", "rewrite", "copy_closure", "delete_tag", "delete_manifest",
})  # fmt: skip
COMMITS = frozenset({
    "add_repositories", "claim", "claim_intent", "release", "record_round", "mark_due", "mark_policy", "record",
    "drop_subject", "add_intents", "advance", "add_tags", "drop_tags", "review", "append", "observe_own",
})  # fmt: skip


class Points:
    """Counts the points that are passed, and dies at one of them."""

    def __init__(self, crash_at: int | None) -> None:
        self._crash_at = crash_at
        self.passed: list[str] = []

    def reach(self, name: str) -> None:
        """One point. ``os._exit``: no handler, no flush, no rollback of ours runs."""
        self.passed.append(name)
        if len(self.passed) == self._crash_at:
            os._exit(CRASHED)


class Watched:
    """Delegates everything to a port; after each of the named methods there is a point."""

    def __init__(self, port: object, points: Points, kind: str, names: frozenset[str]) -> None:
        self._port = port
        self._points = points
        self._kind = kind
        self._names = names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return self._point(name, found) if name in self._names else found

    def _point(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def crossed(*arguments: Any, **named: Any) -> Any:
            result = call(*arguments, **named)
            self._points.reach(f"{self._kind}.{name}")
            return result

        return crossed


class WatchedRegistries:
    """``ports.Registries`` whose registries are watched."""

    def __init__(self, registries: Any, points: Points) -> None:
        self._registries = registries
        self._points = points

    def get(self, host: str) -> Any:
        """A watched registry."""
        return Watched(self._registries.get(host), self._points, "registry", REGISTRY_WRITES)

    def hosts(self) -> tuple[str, ...]:
        """As configured."""
        hosts: tuple[str, ...] = self._registries.hosts()
        return hosts
