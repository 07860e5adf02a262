"""How hard and how often a registry is asked: requests at once, requests a second, pauses it asked for."""

from __future__ import annotations

import email.utils
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock, Semaphore

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.registry.settings import Pace
from gatekeeper.transport.message import HeaderFields

RETRIED = frozenset({429, 502, 503, 504})
_COUNT = re.compile(r"\s*(\d{1,12})\s*(?:[;,]|$)")
_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,6})?")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What the registry last said of its own limit; None for what it did not say."""

    limit: int | None
    remaining: int | None


class Pacer:
    """One registry's patience, shared by every thread that asks it."""

    def __init__(
        self,
        host: str,
        pace: Pace,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.pace = pace
        self.rate_limit: RateLimit | None = None
        self._host = host
        self._monotonic = monotonic
        self._wall = wall
        self._sleep = sleep
        self._slots = Semaphore(pace.concurrency)
        # Streams have slots of their own: one that waits for an upload would else keep the upload from starting.
        self._streams = Semaphore(pace.concurrency)
        self._lock = Lock()
        self._paused_until = 0.0
        self._tokens = float(pace.burst)
        self._counted_at = monotonic()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """One of the requests at the same time, admitted by the rate. Raises UnavailableError(RATE_LIMITED)."""
        self._admit()
        with self._slots:
            yield

    def open_stream(self) -> Callable[[], None]:
        """A slot for a streamed blob, admitted by the rate; call the answer to give it back."""
        self._admit()
        self._streams.acquire()
        return self._streams.release

    def note(self, headers: HeaderFields) -> None:
        """Learn from ``RateLimit-*`` (Docker Hub and IETF spelling)."""
        said = headers.get("RateLimit-Remaining") or headers.get("X-RateLimit-Remaining")
        if said is None:
            return
        remaining = _count(said)
        self.rate_limit = RateLimit(_count(headers.get("RateLimit-Limit")), remaining)
        reset = _count(headers.get("RateLimit-Reset"))
        if remaining == 0 and reset is not None and reset < self._wall() / 2:
            self.pause(float(reset))

    def pause(self, seconds: float) -> None:
        """Nobody asks before this many seconds have passed."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._monotonic() + seconds)

    def before_retry(self, attempt: int, headers: HeaderFields | None, waited: float) -> float | None:
        """Wait before another attempt; gives the seconds waited in all, None when there is to be none.

        ``attempt`` counts the attempts made, ``waited`` the seconds spent so far.
        """
        if attempt >= self.pace.attempts:
            return None
        asked = self.retry_after(headers)
        seconds = asked if asked is not None else self.pace.backoff * 2 ** (attempt - 1)
        if asked is None:
            seconds *= 0.75 + random.random() / 2  # noqa: S311 - spreads attempts, guards nothing
        if waited + seconds > self.pace.ceiling:
            return None
        self._sleep(seconds)
        return waited + seconds

    def retry_after(self, headers: HeaderFields | None) -> float | None:
        """Seconds of a Retry-After field (RFC 9110 section 10.2.3), which may be a date."""
        text = headers.get("Retry-After") if headers is not None else None
        if text is None:
            return None
        if _SECONDS.fullmatch(text.strip()):
            return float(text)
        try:
            return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - self._wall())
        except (ValueError, TypeError, OverflowError):
            return None

    def _admit(self) -> None:
        if self.pace.per_second is None and self._paused_until == 0.0:
            return
        with self._lock:
            now = self._monotonic()
            wait = max(0.0, self._paused_until - now)
            if self.pace.per_second is not None:
                earned = (now - self._counted_at) * self.pace.per_second
                self._tokens = min(float(self.pace.burst), self._tokens + earned)
                self._counted_at = now
                self._tokens -= 1
                wait = max(wait, -self._tokens / self.pace.per_second)
            if wait > self.pace.ceiling:
                if self.pace.per_second is not None:
                    self._tokens += 1
                raise UnavailableError(
                    f"registry {self._host} asked us to wait {wait:.0f} s",
                    cause=Cause.RATE_LIMITED,
                    retry_after=wait,
                )
        if wait > 0:
            self._sleep(wait)


def _count(text: str | None) -> int | None:
    match = _COUNT.match(text) if text is not None else None
    return int(match.group(1)) if match is not None else None
