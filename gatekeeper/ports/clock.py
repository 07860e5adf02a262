"""The clock."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only way to the time. Always timezone-aware UTC."""

    def now(self) -> datetime:
        """The current moment."""
        ...
