"""Events to follow, and messages that no webhook took."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import Response

from gatekeeper.ports import TokenScope
from gatekeeper.web.auth import Caller
from gatekeeper.web.desk import WebDesk, answered, route
from gatekeeper.web.inputs import EventId, Limit, ResendBody
from gatekeeper.workflow import notify


def router(desk: WebDesk) -> APIRouter:
    """``/v1/events`` and ``/v1/dead-letters``: they concern every repository, so the token must too."""
    api = APIRouter(prefix="/v1", tags=["events"])
    room, calling = desk.room, Depends(desk.caller)

    @api.get("/events", **route(TokenScope.READ, "Events"))
    def events(caller: Caller = calling, after: EventId = 0, limit: Limit = 100) -> Response:
        """What happened, oldest first. Ask again with `after` set to the last `id`; `newest` is where it ends now."""
        caller.must(TokenScope.READ, None)
        return answered(notify.follow(room, after=after, limit=limit))

    @api.get("/dead-letters", **route(TokenScope.ADMIN, "DeadLetterPage"))
    def dead_letters(caller: Caller = calling) -> Response:
        """Messages that a webhook did not take for so long that they were given up."""
        caller.must(TokenScope.ADMIN, None)
        return answered({"items": room.store.dead_letters(), "next": None})

    @api.post("/dead-letters/resend", **route(TokenScope.ADMIN, "Resent"))
    def resend(body: ResendBody, caller: Caller = calling) -> Response:
        """Sends dead letters again: those of `ids`, or all of them."""
        caller.must(TokenScope.ADMIN, None)
        count = notify.resend(room, body.ids, actor=caller.actor, reason=body.reason)
        return desk.changed({"resent": count})

    return api
