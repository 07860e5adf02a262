"""Waivers: listed, added, revoked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from gatekeeper.ports import TokenScope
from gatekeeper.web.auth import Caller
from gatekeeper.web.desk import WebDesk, answered, route
from gatekeeper.web.inputs import ReasonBody, WaiverBody, WaiverId, utc
from gatekeeper.workflow import waive


def router(desk: WebDesk) -> APIRouter:
    """``/v1/waivers``."""
    api = APIRouter(prefix="/v1/waivers", tags=["waivers"])
    room, calling = desk.room, Depends(desk.caller)

    @api.get("", **route(TokenScope.READ, "ListedWaiverPage"))
    def listed(
        caller: Caller = calling,
        ended: Annotated[bool, Query(description="also those that have ended or were revoked")] = False,
    ) -> Response:
        """Waivers and releases, newest first; only those that concern what the token may read."""
        caller.must_anywhere(TokenScope.READ)
        found = waive.listing(room, ended=ended)
        return answered({"items": [one for one in found if caller.sees_any(one.repositories)], "next": None})

    @api.post("", **route(TokenScope.REVIEW, "ListedWaiver", code=201))
    def add(body: WaiverBody, caller: Caller = calling) -> Response:
        """Accepts the findings of one rule until `expires_at`. The token must be bound to no less than the glob."""
        caller.must_for(TokenScope.REVIEW, body.repositories or "**")
        made = waive.add(
            room,
            rule=body.rule,
            digest=body.digest,
            repositories=body.repositories,
            reason=body.reason,
            owner=body.owner,
            expires_at=utc(body.expires_at),
            actor=caller.actor,
        )
        return desk.changed(made, 201)

    @api.post("/{waiver}/revoke", **route(TokenScope.REVIEW, "ListedWaiver"))
    def revoked(waiver: WaiverId, body: ReasonBody, caller: Caller = calling) -> Response:
        """Ends it now. 409 when it was revoked already."""
        caller.must_anywhere(TokenScope.REVIEW)
        caller.must_for(TokenScope.REVIEW, waive.shown(room, waiver).repositories)
        return desk.changed(waive.revoke(room, waiver, actor=caller.actor, reason=body.reason))

    return api
