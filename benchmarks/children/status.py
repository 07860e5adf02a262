"""A server in a process of its own. ``ours FOLDER IMAGES`` or ``bare BYTES``: prints where it listens, serves until its
input ends.

``ours`` is the application of ``gatekeeper run`` over a database whose images a daemon's round has judged; ``bare`` is
one Starlette route that answers with as many bytes. Both run in ``gatekeeper.web.server``.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.children.daemon import POLICY, bench
from benchmarks.population import images
from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.ports import TokenScope
from gatekeeper.web.app import create_app
from gatekeeper.web.server import Server, ServerSettings
from gatekeeper.wiring import build, settle_memory
from gatekeeper.workflow import tokens

PATH = "team/app"


def main() -> None:
    if sys.argv[1] == "bare":
        _serve(_bare(int(sys.argv[2])), {})
        return
    with EmbeddedRegistry() as registry:
        stock = images(int(sys.argv[3]), own=True)
        for number, built in enumerate(stock):
            built.store_in(registry.store, PATH, f"v{number}")
        running = bench(registry.host, [PATH], Path(sys.argv[2]), 8)
        running.prepare()
        running.app.close()
    application = build(running.app.settings, lambda: POLICY)
    made = tokens.create(
        application.room.store,
        name="benchmark",
        scopes=frozenset({TokenScope.READ}),
        repositories=("**",),
        expires_at=None,
        now=datetime.now(UTC),
    )
    names = [f"{registry.host}/{PATH}@{built.digest}" for built in stock]
    _serve(create_app(application.room, missing=tuple), {"token": made.text, "images": names})
    application.close()


def _bare(size: int) -> Starlette:
    body = b"x" * size

    async def answer(_request: Request) -> Response:
        return Response(body, 200, {"cache-control": "no-cache"}, "application/json")

    return Starlette(routes=[Route("/v1/status", answer)])


def _serve(app: Any, told: dict[str, object]) -> None:
    settle_memory()
    server = Server(cast("FastAPI", app), ServerSettings(port=0))
    url = server.start()
    print(json.dumps({"host": url.partition("://")[2], **told}), flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
