"""The application: routes, limits, errors, in one place."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gatekeeper import __version__
from gatekeeper.core.errors import UnavailableError
from gatekeeper.core.exit_codes import ExitCode
from gatekeeper.web import problem, routes
from gatekeeper.web.auth import Authenticator
from gatekeeper.web.generation import Generation
from gatekeeper.web.metrics import Metrics
from gatekeeper.web.status import StatusRoute
from gatekeeper.workflow.workroom import Workroom

BODY_CAP = 64 * 1024
_SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
]


def create_app(room: Workroom, *, missing: Callable[[], tuple[str, ...]]) -> FastAPI:
    """The HTTP faces over these use cases. ``missing`` says what keeps the process from its work; empty: nothing."""
    generation = Generation(room.store.change_counter)
    authenticator = Authenticator(room.store, generation, room.clock.now)
    metrics = Metrics(room.store)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        generation.poll()
        generation.start()
        try:
            yield
        finally:
            generation.stop()

    app = FastAPI(
        title="Gatekeeper",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    problem.install(app)
    app.router.routes.append(
        Route("/v1/status", StatusRoute(room, authenticator, generation).__call__, methods=["GET"])
    )
    app.include_router(routes.router(room, authenticator))
    _health(app, missing, metrics)
    _describe(app)
    app.add_middleware(_Frame, metrics=metrics)
    return app


def _health(app: FastAPI, missing: Callable[[], tuple[str, ...]], metrics: Metrics) -> None:
    @app.get("/healthz", include_in_schema=False)
    def healthz() -> Response:
        """The process answers."""
        return JSONResponse({"state": "alive", "version": __version__})

    @app.get("/readyz", include_in_schema=False)
    def readyz() -> Response:
        """The process can do its work; otherwise 503 and what is missing."""
        try:
            lacks = missing()
        except UnavailableError as error:
            lacks = (error.message,)
        state = "not-ready" if lacks else "ready"
        return JSONResponse({"state": state, "missing": list(lacks)}, 503 if lacks else 200)

    @app.get("/metrics", include_in_schema=False)
    def exposition() -> Response:
        """Prometheus text."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _describe(app: FastAPI) -> None:
    """The status route is no FastAPI route, so its description is added by hand."""
    built = app.openapi()
    parameters = [
        {"name": "image", "in": "query", "required": True, "schema": {"type": "string", "minLength": 1}},
        {"name": "wait", "in": "query", "schema": {"type": "number", "minimum": 0, "maximum": 600}},
    ]
    built["paths"]["/v1/status"] = {
        "get": {
            "summary": "The recorded verdict of an image",
            "description": "Waits up to `wait` seconds for a verdict. ETag and If-None-Match are honoured.",
            "operationId": "status",
            "x-token-scope": "read",
            "parameters": parameters,
            "responses": {
                "200": {
                    "description": "The answer",
                    "content": {"application/json": {"schema": {"type": "object"}}},
                },
                "304": {"description": "Nothing has changed"},
            },
        }
    }
    built["components"].setdefault("securitySchemes", {})["token"] = {"type": "http", "scheme": "bearer"}
    fault = {
        "description": "A problem document",
        "content": {problem.MEDIA_TYPE: {"schema": {"type": "object"}}},
    }
    for operations in built["paths"].values():
        for operation in operations.values():
            operation["security"] = [{"token": []}]
            for status in ("400", "401", "403", "404", "409", "422", "503"):
                operation["responses"][status] = fault
    app.openapi_schema = built


class _Frame:
    """Around every request: body cap, security headers, counters. Pure ASGI, so that the hot route stays hot."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        seen = 0
        status = 500

        async def capped() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > BODY_CAP:
                raise _TooLargeError
            return message

        async def framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_SECURITY_HEADERS]
            await send(message)

        try:
            await self._app(scope, capped, framed)
        except _TooLargeError:
            refusal = problem.problem(
                413,
                reason_code="body-too-large",
                detail=f"at most {BODY_CAP} bytes",
                exit_code=ExitCode.USAGE,
            )
            await refusal(scope, receive, framed)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.requests.labels(route, str(status)).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - started)


class _TooLargeError(Exception):
    """The body is over the cap."""
