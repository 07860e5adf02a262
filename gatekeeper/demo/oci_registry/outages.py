"""Faults that keep an answer from the client."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

from gatekeeper.demo.oci_registry.faults import Moment
from gatekeeper.demo.oci_registry.wire import Answer, RefusedError


@dataclass(frozen=True, slots=True)
class Stall:
    """Wait for ``release`` before the request is served; ``arrived`` tells that it waits."""

    release: Event
    arrived: Event = field(default_factory=Event)

    def apply(self, moment: Moment) -> Answer:
        self.arrived.set()
        moment.wait(self.release)
        return moment.proceed()


@dataclass(frozen=True, slots=True)
class StallAnswer:
    """Serve the request, then keep the answer back until ``release``."""

    release: Event
    arrived: Event = field(default_factory=Event)

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        self.arrived.set()
        moment.wait(self.release)
        return answer


@dataclass(frozen=True, slots=True)
class StallBody:
    """Send the head at once, the body after ``release``."""

    release: Event

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.hold = self.release
        return answer


@dataclass(frozen=True, slots=True)
class SlowDrip:
    """The true body in small pieces, ``pause`` seconds apart."""

    piece: int = 1
    pause: float = 0.05

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.piece, answer.pause = self.piece, self.pause
        return answer


@dataclass(frozen=True, slots=True)
class Status:
    """An error instead of the service; nothing is done. 404 makes a flicker, 401 for ever, 5xx an outage."""

    status: int = 503
    code: str = "UNKNOWN"
    retry_after: str | None = None
    challenge: str | None = None
    """The WWW-Authenticate header; for 401 without one, Basic."""

    def apply(self, _moment: Moment) -> Answer:
        answer = RefusedError(self.status, self.code, f"injected {self.status}").answer()
        answer.set("Retry-After", self.retry_after)
        challenge = self.challenge or ('Basic realm="injected"' if self.status == 401 else None)
        return answer.set("WWW-Authenticate", challenge)


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection before the request is served."""

    reset: bool = False

    def apply(self, _moment: Moment) -> Answer:
        return Answer(drop=True, reset=self.reset)


@dataclass(frozen=True, slots=True)
class LoseAnswer:
    """Serve the request, then close the connection: done, but the client cannot know."""

    reset: bool = False

    def apply(self, moment: Moment) -> Answer:
        moment.proceed()
        return Answer(drop=True, reset=self.reset)


@dataclass(frozen=True, slots=True)
class PretendSuccess:
    """A success status without doing anything: the write that only a read-back finds out."""

    status: int = 201
    headers: tuple[tuple[str, str], ...] = ()

    def apply(self, _moment: Moment) -> Answer:
        return Answer(self.status, dict(self.headers))


@dataclass(frozen=True, slots=True)
class RawBytes:
    """These bytes instead of an HTTP answer, then the end of the connection."""

    raw: bytes = b"\x16\x03\x01 this is not HTTP\r\n\r\n"

    def apply(self, _moment: Moment) -> Answer:
        return Answer(raw=self.raw)
