"""One configured webhook. Loads nothing: the configuration names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One configured webhook."""

    name: str
    url: str
    secrets: tuple[Callable[[], str], ...]
    """Asked anew for every message, so that changing one needs no restart. The first signs; a second one too, while
    receivers still know the old."""
    kinds: tuple[str, ...] = ("**",)
    networks: tuple[str, ...] = ()
    """Inner networks (CIDR) in which it may lie; it may always lie outside."""
    timeout: float = 10.0
    """Seconds for a whole exchange."""
    ca_file: str | None = None
    proxy: str | None = None
