"""The application: every route, every layer, in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.routing import Route

from gatekeeper import __version__
from gatekeeper.web import (
    affected,
    brakes,
    events,
    health,
    images,
    policy,
    problem,
    promotions,
    quarantine,
    registries,
    status,
    tokens,
    waivers,
)
from gatekeeper.web.auth import Authenticator
from gatekeeper.web.desk import WebDesk
from gatekeeper.web.frame import Frame
from gatekeeper.web.generation import Generation
from gatekeeper.web.metrics import Metrics
from gatekeeper.web.openapi import describe
from gatekeeper.web.scanner import routes as scanner
from gatekeeper.web.threads import Threads
from gatekeeper.workflow.brakes import summary
from gatekeeper.workflow.published import published_keys
from gatekeeper.workflow.workroom import Workroom


def create_app(room: Workroom, *, missing: Callable[[], tuple[str, ...]]) -> FastAPI:
    """The HTTP faces over these use cases. ``missing`` says what keeps the process from its work; empty: nothing.

    ``app.state.end_waits`` (nothing given, nothing returned) answers every ``wait=`` with what there is.
    """
    generation = Generation(room.store.change_counter)
    authenticator = Authenticator(room.store, generation, room.clock.now)
    threads = Threads(room.registries)
    metrics = Metrics(room.store, lambda: summary(room))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        threads.bound_database()
        generation.start()
        try:
            yield
        finally:
            generation.stop()

    app = FastAPI(
        title="Gatekeeper",
        version=__version__,
        description="May this digest be used? Errors are problem documents (RFC 9457).",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.end_waits = generation.end_waits
    problem.install(app)
    status_route = status.StatusRoute(room, authenticator, generation, threads)
    app.router.routes.append(Route(status.PATH, status_route, methods=["GET"], name="status"))
    desk = WebDesk(room, authenticator, generation, threads)
    for noun in (
        images,
        affected,
        quarantine,
        promotions,
        brakes,
        policy,
        registries,
        waivers,
        events,
        tokens,
    ):
        app.include_router(noun.router(desk))
    app.include_router(scanner.router(desk))
    app.include_router(
        health.router(
            missing, lambda: summary(room), metrics, threads, lambda: published_keys(room.attesting)
        )
    )
    describe(app)
    app.add_middleware(Frame, metrics=metrics, route=status_route)
    return app
