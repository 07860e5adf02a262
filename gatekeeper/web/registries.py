"""Whole registries: whether they could be read lately, and whether they are believed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from gatekeeper.ports import TokenScope
from gatekeeper.web.auth import Caller
from gatekeeper.web.desk import WebDesk, answered, route
from gatekeeper.web.inputs import ReasonBody
from gatekeeper.workflow import brakes, doubt

Host = Annotated[str, Path(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]


def router(desk: WebDesk) -> APIRouter:
    """``/v1/registries``: it concerns every repository of one, so the token must be for all."""
    api = APIRouter(prefix="/v1/registries", tags=["registries"])
    room, calling = desk.room, Depends(desk.caller)

    def rows() -> dict[str, object]:
        return {"items": tuple(brakes.registries(room)), "next": None}

    @api.get("", **route(TokenScope.READ, "RegistryRowPage"))
    def listed(caller: Caller = calling) -> Response:
        """Each registry: repositories, those that could not be read for too long, and whether it is doubted."""
        caller.must(TokenScope.READ, None)
        return answered(rows())

    @api.post("/{host}/accept", **route(TokenScope.ADMIN, "RegistryRowPage"))
    def accepted(host: Host, body: ReasonBody, caller: Caller = calling) -> Response:
        """Believes a doubted registry: what its tags show now is recorded and judged. 404 when it is not doubted."""
        caller.must(TokenScope.ADMIN, None)
        doubt.accept(room, host, actor=caller.actor, reason=body.reason)
        return desk.changed(rows())

    return api
