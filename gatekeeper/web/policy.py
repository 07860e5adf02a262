"""The policy in force, and whether what it changed is accepted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from gatekeeper.ports import TokenScope
from gatekeeper.web.auth import Caller
from gatekeeper.web.desk import WebDesk, answered, route
from gatekeeper.web.inputs import ReasonBody
from gatekeeper.workflow import policy_change

Revision = Annotated[str, Path(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$", description="sha256:…")]


def router(desk: WebDesk) -> APIRouter:
    """``/v1/policy``: it concerns every repository, so the token must too."""
    api = APIRouter(prefix="/v1/policy", tags=["policy"])
    room, calling = desk.room, Depends(desk.caller)

    @api.get("", **route(TokenScope.READ, "PolicyInForce"))
    def shown(caller: Caller = calling) -> Response:
        """The policy in force, how many digests it turned from passed to failed, and who accepted that."""
        caller.must(TokenScope.READ, None)
        return answered({"change": policy_change.change(room)})

    @api.post("/{revision}/accept", **route(TokenScope.ADMIN, "PolicyInForce"))
    def accepted(revision: Revision, body: ReasonBody, caller: Caller = calling) -> Response:
        """Lets what this revision turned be acted on, within caps and brakes. 404 when it is not in force, 409 when it
        was accepted already.
        """
        caller.must(TokenScope.ADMIN, None)
        change = policy_change.accept(room, revision, actor=caller.actor, reason=body.reason)
        return desk.changed({"change": change})

    return api
