"""Around every request: body cap, security headers, counters, and what is answered when we ourselves fail.

Pure ASGI, outside of routing, so that a warm status costs neither.
"""

from __future__ import annotations

import logging
import secrets
import time

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatekeeper.core.exit_codes import ExitCode
from gatekeeper.web import status
from gatekeeper.web.metrics import Metrics
from gatekeeper.web.problem import problem

BODY_CAP = 64 * 1024
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
]
_NO_STORE = (b"cache-control", b"no-store")

logger = logging.getLogger(__name__)


class BodyTooLargeError(HTTPException):
    """The body is over the cap. An HTTPException, because FastAPI relabels every other error met while reading."""

    def __init__(self) -> None:
        super().__init__(413, f"a request body has at most {BODY_CAP} bytes")


class Frame:
    """The outermost of our own layers."""

    def __init__(self, app: ASGIApp, metrics: Metrics, route: status.StatusRoute) -> None:
        self._app = app
        self._metrics = metrics
        self._status = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        if scope["path"] == status.PATH and scope["method"] == "GET":
            warm = self._status.warm(scope)
            if warm is not None:
                start, body = warm
                self._metrics.answered(status.PATH, start["status"], time.perf_counter() - started)
                await send({**start, "headers": start["headers"] + SECURITY_HEADERS})
                await send(body)
                return
        await self._framed(scope, receive, send, started)

    async def _framed(self, scope: Scope, receive: Receive, send: Send, started: float) -> None:
        seen = 0
        answered = 0

        async def capped() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > BODY_CAP:
                raise BodyTooLargeError
            return message

        async def framed(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = message["status"]
                # Counted before it is sent: whoever has the answer finds it in the metrics.
                self._metrics.answered(_route(scope), answered, time.perf_counter() - started)
                message = {**message, "headers": _with_ours(message.get("headers", []))}
            await send(message)

        try:
            await self._app(scope, capped, framed)
        except Exception:
            # The border of HTTP: nothing of an internal error leaves but an id that finds it in the log.
            incident = secrets.token_hex(8)
            logger.exception("incident %s in %s %s", incident, scope["method"], ascii(scope["path"]))
            if answered:
                raise
            await problem(
                500,
                reason_code="internal-error",
                detail=f"an internal error; the server's log has it as incident {incident}",
                exit_code=ExitCode.INTERNAL,
                incident=incident,
            )(scope, receive, framed)


def _with_ours(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    kept = any(name == b"cache-control" for name, _ in headers)
    return [*headers, *SECURITY_HEADERS] if kept else [*headers, *SECURITY_HEADERS, _NO_STORE]


def _route(scope: Scope) -> str:
    """The route's template, never the path: paths hold digests."""
    if scope["path"] == status.PATH:
        return status.PATH
    return str(getattr(scope.get("route"), "path", "none"))
