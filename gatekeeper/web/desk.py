"""What every route of ``/v1`` works with, and how it is declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import anyio.to_thread
from fastapi import Request
from starlette.responses import Response

from gatekeeper.core.canonical import canonical_bytes
from gatekeeper.ports import TokenScope
from gatekeeper.web.auth import Authenticator, Caller, presented
from gatekeeper.web.generation import Generation
from gatekeeper.web.threads import Threads
from gatekeeper.workflow.workroom import Workroom


@dataclass(frozen=True, slots=True)
class WebDesk:
    """The use cases, who may ask for them, and the threads they run on."""

    room: Workroom
    authenticator: Authenticator
    generation: Generation
    threads: Threads

    async def caller(self, request: Request) -> Caller:
        """Who sent this request. Raises UnauthenticatedError."""
        header = presented(request.headers.get("authorization"))
        makes_tokens = request.method == "POST" and request.scope["path"] == "/v1/tokens"
        return await self.caller_by(header, makes_tokens=makes_tokens)

    async def caller_by(self, header: str, *, makes_tokens: bool = False) -> Caller:
        """Who presents this Authorization header. Raises UnauthenticatedError."""
        known = self.authenticator.cached(header)
        if known is not None:
            return known
        return await anyio.to_thread.run_sync(
            lambda: self.authenticator.caller(header, makes_tokens=makes_tokens)
        )

    def changed(self, value: object, code: int = 200) -> Response:
        """The answer to an act: what this process answers from memory is dropped before it is sent."""
        self.generation.moved()
        return answered(value, code)


def answered(value: object, code: int = 200) -> Response:
    """The canonical JSON of a value: the same bytes as ``--output json`` prints of it."""
    return Response(canonical_bytes(value), code, media_type="application/json")


def route(scope: TokenScope, answer: str | None, *, code: int = 200) -> dict[str, Any]:
    """Keyword arguments of a FastAPI route: the token scope it needs, and its answer by its name in ``openapi``."""
    return {
        "status_code": code,
        "response_model": None,
        "response_class": Response,
        "openapi_extra": {"x-token-scope": str(scope), "x-answer": answer},
    }
