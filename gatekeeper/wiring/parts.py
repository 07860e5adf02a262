"""What may be replaced when an application is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatekeeper.ports import Clock, Notifier, Registries, Store


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """The current moment."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Parts:
    """What may be replaced when an application is built: the demo and tests bring their own."""

    clock: Clock | None = None
    store: Store | None = None
    registries: Registries | None = None
    nonce: Callable[[], str] | None = None
    pause: Callable[[float], None] | None = None
    spread: Callable[[], float] | None = None
    notifier: Notifier | None = None
