"""``/healthz``, ``/readyz``, ``/metrics``, ``/signing-keys``: for everybody, without a token; no word about images."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import anyio.to_thread
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.responses import Response

from gatekeeper import __version__
from gatekeeper.core.canonical import to_plain
from gatekeeper.core.errors import UnavailableError
from gatekeeper.web.metrics import Metrics
from gatekeeper.web.threads import Threads
from gatekeeper.workflow.brakes import Summary
from gatekeeper.workflow.published import PublishedKey

PROBE_SECONDS = 5.0
"""A database that stalls longer than this keeps us from our work."""


def router(
    missing: Callable[[], tuple[str, ...]],
    summary: Callable[[], Summary],
    metrics: Metrics,
    threads: Threads,
    keys: Callable[[], tuple[PublishedKey, ...]],
) -> APIRouter:
    """The four routes. ``missing`` says what keeps the process from its work, ``summary`` what is braked or unread.

    ``keys`` are those we attest with.
    """
    api = APIRouter(include_in_schema=False)

    def told() -> dict[str, object]:
        try:
            lacks = missing()
            found = summary()
        except UnavailableError as error:
            # The message may name hosts; whoever probes has shown no token.
            return _told((error.reason_code,))
        return _told(lacks, found)

    @api.get("/healthz")
    async def healthz() -> Response:
        """The process answers."""
        return JSONResponse({"state": "alive", "version": __version__})

    @api.get("/readyz")
    async def readyz() -> Response:
        """The process can do its work; otherwise 503 and what is missing. Brakes and unread repositories are told with
        200: answering goes on, and taking the process out of service would end that too.
        """
        said = _told(("database-stalled",))
        with anyio.move_on_after(PROBE_SECONDS):
            said = await anyio.to_thread.run_sync(told, limiter=threads.probes, abandon_on_cancel=True)
        return JSONResponse(said, 503 if said["missing"] else 200)

    @api.get("/metrics")
    async def exposition() -> Response:
        """Prometheus text."""
        text = await anyio.to_thread.run_sync(metrics.text, limiter=threads.probes)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    @api.get("/signing-keys")
    async def signing_keys() -> Response:
        """The public keys of our attestations, the retired ones too."""
        found = await anyio.to_thread.run_sync(keys, limiter=threads.probes)
        return JSONResponse({"items": [to_plain(key) for key in found], "next": None})

    return api


def _told(missing: tuple[str, ...], found: Summary | None = None) -> dict[str, object]:
    brakes = () if found is None else found.brakes
    blind = () if found is None else found.blind
    state = "not-ready" if missing else "degraded" if brakes or blind else "ready"
    return {
        "state": state,
        "missing": list(missing),
        "brakes": to_plain(brakes),
        "protected": to_plain(() if found is None else found.protections),
        "blind": [
            {
                "registry": row.host,
                "repositories": row.blind,
                "since": to_plain(row.blind_since or row.unlisted_since),
            }
            for row in blind
        ],
    }
