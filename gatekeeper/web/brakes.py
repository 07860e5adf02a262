"""Hold and breaker."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import Response

from gatekeeper.ports import TokenScope
from gatekeeper.web.auth import Caller
from gatekeeper.web.desk import WebDesk, answered, route
from gatekeeper.web.inputs import ReasonBody
from gatekeeper.workflow import hold
from gatekeeper.workflow.brakes import summary


def router(desk: WebDesk) -> APIRouter:
    """``/v1/hold`` and ``/v1/breaker``: they concern every repository, so the token must too."""
    api = APIRouter(prefix="/v1", tags=["brakes"])
    room, calling = desk.room, Depends(desk.caller)

    def brakes() -> dict[str, object]:
        held, breaker = hold.brakes(room)
        found = summary(room)
        return {"hold": held, "breaker": breaker, "brakes": found.brakes, "caps": found.caps}

    @api.get("/hold", **route(TokenScope.READ, "Brakes"))
    def shown(caller: Caller = calling) -> Response:
        """Everything that keeps us from writing now: hold, breaker, doubted registries, a policy change that waits,
        caps that are used up.
        """
        caller.must(TokenScope.READ, None)
        return answered(brakes())

    @api.post("/hold/on", **route(TokenScope.ADMIN, "Brakes"))
    def hold_on(body: ReasonBody, caller: Caller = calling) -> Response:
        """Stops every registry write at once. On twice keeps the first."""
        caller.must(TokenScope.ADMIN, None)
        hold.hold_on(room, actor=caller.actor, reason=body.reason)
        return desk.changed(brakes())

    @api.post("/hold/off", **route(TokenScope.ADMIN, "Brakes"))
    def hold_off(body: ReasonBody, caller: Caller = calling) -> Response:
        """Lets registry writes go on."""
        caller.must(TokenScope.ADMIN, None)
        hold.hold_off(room, actor=caller.actor, reason=body.reason)
        return desk.changed(brakes())

    @api.post("/breaker/close", **route(TokenScope.ADMIN, "Brakes"))
    def breaker_close(body: ReasonBody, caller: Caller = calling) -> Response:
        """Lets enforcement act again. 409 when the breaker is not open."""
        caller.must(TokenScope.ADMIN, None)
        hold.close_breaker(room, actor=caller.actor, reason=body.reason)
        return desk.changed(brakes())

    return api
