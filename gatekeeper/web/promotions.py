"""Promotions: copied if and only if passed."""

from __future__ import annotations

import anyio.to_thread
from fastapi import APIRouter, Depends
from starlette.responses import Response

from gatekeeper.core.reference import parse_reference
from gatekeeper.ports import TokenScope
from gatekeeper.web.auth import Caller
from gatekeeper.web.desk import WebDesk, route
from gatekeeper.web.inputs import PromotionBody
from gatekeeper.workflow.promote import promote


def router(desk: WebDesk) -> APIRouter:
    """``/v1/promotions``."""
    api = APIRouter(prefix="/v1/promotions", tags=["promotions"])

    @api.post("", **route(TokenScope.PROMOTE, "Promotion"))
    async def promoted(body: PromotionBody, caller: Caller = Depends(desk.caller)) -> Response:
        """Copies the image with its referrers to the target by digest if and only if it passed; answers when it is
        done. A refusal is an answer (200) too: branch on `exit_code`. Needs the scope for source and target.
        """
        image, target = parse_reference(body.image), parse_reference(body.target)
        caller.must(TokenScope.PROMOTE, image.repository)
        caller.must(TokenScope.PROMOTE, target.repository)
        done = await anyio.to_thread.run_sync(
            lambda: promote(desk.room, image, target, actor=caller.actor, reason=body.reason),
            limiter=desk.threads.promotions,
        )
        return desk.changed(done)

    return api
