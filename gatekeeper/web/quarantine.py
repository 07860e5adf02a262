"""Cases: listed, shown, decided."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import Response

from gatekeeper.core.lifecycle import CaseState, Decision
from gatekeeper.ports import Page, TokenScope
from gatekeeper.web.auth import Caller
from gatekeeper.web.desk import WebDesk, answered, route
from gatekeeper.web.images import readable
from gatekeeper.web.inputs import After, CaseId, CaseStates, Limit, RepositoryGlob, ReviewBody, utc
from gatekeeper.workflow.review import review

WAITING_FOR_PEOPLE = (CaseState.PROPOSED, CaseState.OPEN, CaseState.KEPT)


def router(desk: WebDesk) -> APIRouter:
    """``/v1/quarantine``."""
    api = APIRouter(prefix="/v1/quarantine", tags=["quarantine"])
    room, calling = desk.room, Depends(desk.caller)

    @api.get("", **route(TokenScope.READ, "CasePage"))
    def cases(
        caller: Caller = calling,
        state: CaseStates = None,
        repository: RepositoryGlob = "**",
        limit: Limit = 100,
        after: After = None,
    ) -> Response:
        """Cases, newest first; only of repositories that the token may read."""
        caller.must_anywhere(TokenScope.READ)
        found, cursor = room.store.cases(
            states=frozenset(state or WAITING_FOR_PEOPLE),
            repositories=readable(caller.token, repository),
            page=Page(limit, after),
        )
        return answered({"items": [case for case in found if caller.sees(case.repository)], "next": cursor})

    @api.get("/{case}", **route(TokenScope.READ, "CaseRow"))
    def shown(case: CaseId, caller: Caller = calling) -> Response:
        """One case with its verdict, intents and history."""
        caller.must_anywhere(TokenScope.READ)
        row = room.store.case(case)
        caller.must(TokenScope.READ, row.case.repository)
        return answered(row)

    @api.post("/{case}/{decision}", **route(TokenScope.REVIEW, "Case"))
    def decided(case: CaseId, decision: Decision, body: ReviewBody, caller: Caller = calling) -> Response:
        """Release, keep or restore. The reason goes into the audit trail under the token's name; the daemon carries out
        what follows. A release may end (`expires_at`): then it comes back as a proposal. 409 when the case does not
        allow it or another reviewer was faster.
        """
        caller.must_anywhere(TokenScope.REVIEW)
        caller.must(TokenScope.REVIEW, room.store.case(case).case.repository)
        end = None if body.expires_at is None else utc(body.expires_at)
        return desk.changed(
            review(room, case, decision, actor=caller.actor, reason=body.reason, expires_at=end)
        )

    return api
