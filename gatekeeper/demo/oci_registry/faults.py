"""The fault injector: which requests go wrong, and in what order the faults wrap the true answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Protocol

from gatekeeper.demo.oci_registry.wire import Answer, Request


@dataclass(frozen=True, slots=True)
class Match:
    """Which requests: all conditions must hold; ``skip``, ``every`` and ``times`` count those that match."""

    method: str | None = None
    """One or more methods: ``"GET"``, ``"GET|HEAD"``; None is all."""
    path: str = ""
    """A pattern searched for in the target (path and query as sent)."""
    skip: int = 0
    """Leave the first so many alone: ``skip=2, times=1`` is the third occurrence only."""
    times: int | None = None
    """Strike at most so often; None is for ever."""
    every: int = 1
    """Strike at each so-manieth of the rest: ``every=2`` flickers, beginning with the first."""
    when: Callable[[Request], bool] | None = None
    """Any further condition."""

    def concerns(self, request: Request) -> bool:
        """True when the conditions hold (the counting is the injector's)."""
        if self.method is not None and request.method not in self.method.split("|"):
            return False
        if re.search(self.path, request.target) is None:
            return False
        return self.when is None or self.when(request)


@dataclass(frozen=True, slots=True)
class Moment:
    """What a fault sees. ``proceed()`` lets the registry do what was asked and gives the true answer."""

    request: Request
    proceed: Callable[[], Answer]
    stopping: Event
    """Set when the registry stops; whoever waits must wake."""
    hit: int
    """How often this fault struck before: 0 at first."""

    def wait(self, event: Event) -> None:
        """Wait for an event, or for the registry's stop."""
        while not event.wait(0.02):
            if self.stopping.is_set():
                return


class Fault(Protocol):
    """One way to go wrong."""

    def apply(self, moment: Moment, /) -> Answer:
        """The answer to send instead of, or after, ``moment.proceed()``."""
        ...


@dataclass(slots=True, eq=False)
class Injection:
    """A set of faults in force; counts its hits."""

    match: Match
    faults: tuple[Fault, ...]
    seen: int = 0
    hits: int = 0
    _lock: Lock = field(default_factory=Lock)

    def strikes(self, request: Request) -> int | None:
        """The number of this hit, or None when this request is left alone."""
        match = self.match
        if not match.concerns(request):
            return None
        with self._lock:
            turn = self.seen - match.skip
            self.seen += 1
            if turn < 0 or turn % match.every or (match.times is not None and self.hits >= match.times):
                return None
            self.hits += 1
            return self.hits - 1


class Faults:
    """The faults of one registry; thread-safe, changed at run time."""

    def __init__(self) -> None:
        self._injections: tuple[Injection, ...] = ()
        self._lock = Lock()

    def add(self, match: Match, *faults: Fault) -> Injection:
        """Put faults in force; the first given is the outermost (it changes the answer last)."""
        injection = Injection(match, faults)
        with self._lock:
            self._injections = (*self._injections, injection)
        return injection

    def remove(self, injection: Injection) -> None:
        """End one injection; harmless when it ended before."""
        with self._lock:
            self._injections = tuple(one for one in self._injections if one is not injection)

    def clear(self) -> None:
        """End every injection."""
        with self._lock:
            self._injections = ()

    def answer(self, request: Request, proceed: Callable[[], Answer], stopping: Event) -> Answer:
        """The answer through every fault that strikes this request."""
        for injection in reversed(self._injections):
            hit = injection.strikes(request)
            if hit is None:
                continue
            for fault in reversed(injection.faults):
                proceed = _wrapped(fault, Moment(request, proceed, stopping, hit))
        return proceed()


def _wrapped(fault: Fault, moment: Moment) -> Callable[[], Answer]:
    return lambda: fault.apply(moment)
