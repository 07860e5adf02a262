"""What a vulnerability concerns."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import Response

from gatekeeper.ports import TokenScope
from gatekeeper.web.auth import Caller
from gatekeeper.web.desk import WebDesk, answered, route
from gatekeeper.web.images import readable
from gatekeeper.web.inputs import Limit, RepositoryGlob, VulnerabilityId
from gatekeeper.workflow.affected import affected


def router(desk: WebDesk) -> APIRouter:
    """``/v1/affected``."""
    api = APIRouter(prefix="/v1", tags=["vulnerabilities"])
    room, calling = desk.room, Depends(desk.caller)

    @api.get("/affected/{vulnerability}", **route(TokenScope.READ, "Affected"))
    def concerned(
        vulnerability: VulnerabilityId,
        caller: Caller = calling,
        repository: RepositoryGlob = "**",
        limit: Limit = 1000,
    ) -> Response:
        """Images, tags and promotions that a vulnerability concerns, and how many nobody could judge.

        Only of repositories that the token may read. `images` holds the first, what was promoted first; `image_count`
        counts all.
        """
        caller.must_anywhere(TokenScope.READ)
        if repository != "**":
            caller.must_for(TokenScope.READ, repository)
        found = affected(room, vulnerability, repositories=readable(caller.token, repository), limit=limit)
        return answered(found)

    return api
