"""A clock that begins now and goes on when it is told to: ten minutes of settling take no time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class StoryClock:
    """The demo's time."""

    def __init__(self) -> None:
        self._moment = datetime.now(UTC).replace(microsecond=0)

    def now(self) -> datetime:
        """The current moment of the story."""
        return self._moment

    def advance(self, by: timedelta) -> None:
        """Time goes by."""
        self._moment += by

    def pause(self, seconds: float) -> None:
        """What waiting does."""
        self.advance(timedelta(seconds=seconds))
