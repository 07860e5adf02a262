"""From a request to its answer: log, rate limit, faults, routes; and the log that tests read."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from re import compile as compile_pattern
from threading import Condition, Event

from gatekeeper.demo.oci_registry.faults import Faults
from gatekeeper.demo.oci_registry.router import Router
from gatekeeper.demo.oci_registry.wire import Answer, RefusedError, Request

_KEPT = 500_000
_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class LoggedRequest:
    """One request as received; ``status`` comes when it is answered (None while it stalls, or was dropped)."""

    method: str
    target: str
    """Path and query as sent."""
    path: str
    """The decoded path alone."""
    headers: Mapping[str, str]
    """Names in lower case."""
    size: int
    """Bytes of the request's body."""
    status: int | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.target} -> {self.status}"


class RequestLog:
    """Every request, oldest first; the oldest of more than half a million are dropped."""

    def __init__(self) -> None:
        self._entries: deque[LoggedRequest] = deque(maxlen=_KEPT)
        self._changed = Condition()

    def add(self, request: Request) -> LoggedRequest:
        """Log one request at its arrival."""
        entry = LoggedRequest(
            request.method, request.target, request.path, request.headers, len(request.body)
        )
        with self._changed:
            self._entries.append(entry)
            self._changed.notify_all()
        return entry

    def snapshot(self) -> tuple[LoggedRequest, ...]:
        """What was received so far."""
        with self._changed:
            return tuple(self._entries)

    def clear(self) -> None:
        """Forget what was received so far."""
        with self._changed:
            self._entries.clear()

    def wait_for(self, method: str | None, path: str, count: int, timeout: float) -> bool:
        """True as soon as ``count`` requests of this method, whose target holds this pattern, have arrived."""
        pattern = compile_pattern(path)

        def arrived() -> bool:
            matching = (
                entry
                for entry in self._entries
                if method in (None, entry.method) and pattern.search(entry.target)
            )
            return sum(1 for _ in matching) >= count

        with self._changed:
            return self._changed.wait_for(arrived, timeout)


class Exchange:
    """Answers every request, whatever happens inside."""

    def __init__(self, router: Router, log: RequestLog, faults: Faults, stopping: Event) -> None:
        self._router = router
        self._log = log
        self._faults = faults
        self._stopping = stopping
        self.internal_errors: list[BaseException] = []

    def answer(self, request: Request) -> Answer:
        """The answer to one request; a defect of ours becomes a recorded 500."""
        entry = self._log.add(request)
        try:
            answer = self._faults.answer(request, lambda: self._served(request), self._stopping)
        except Exception as error:  # the HTTP border: a client must get an answer, a test must learn of it
            self.internal_errors.append(error)
            _logger.exception("embedded registry: internal error")
            answer = RefusedError(500, "UNKNOWN", "internal error of the embedded registry").answer()
        entry.status = None if answer.drop or answer.raw is not None else answer.status
        return answer

    def _served(self, request: Request) -> Answer:
        try:
            return self._router.route(request)
        except RefusedError as refusal:
            return refusal.answer()
