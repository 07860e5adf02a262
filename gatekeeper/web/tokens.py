"""API tokens: made, listed, revoked by administrators of every repository."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Depends
from starlette.responses import Response

from gatekeeper.ports import TokenScope
from gatekeeper.web.auth import Caller
from gatekeeper.web.desk import WebDesk, answered, route
from gatekeeper.web.inputs import TokenBody, TokenId, utc
from gatekeeper.workflow import tokens

DEFAULT_LIFE = timedelta(days=90)


def router(desk: WebDesk) -> APIRouter:
    """``/v1/tokens``."""
    api = APIRouter(prefix="/v1/tokens", tags=["tokens"])
    room, calling = desk.room, Depends(desk.caller)

    @api.get("", **route(TokenScope.ADMIN, "ApiTokenPage"))
    def listed(caller: Caller = calling) -> Response:
        """Every token; secrets are not stored, so none can be shown."""
        caller.must(TokenScope.ADMIN, None)
        return answered({"items": room.store.tokens(), "next": None})

    @api.post("", **route(TokenScope.ADMIN, "NewToken", code=201))
    def make(body: TokenBody, caller: Caller = calling) -> Response:
        """Makes a token; its text is in this answer and nowhere else. A one-use token is spent by it."""
        caller.must(TokenScope.ADMIN, None)
        now = room.clock.now()
        made = tokens.create(
            room.store,
            name=body.name,
            scopes=frozenset(body.scopes),
            repositories=tuple(body.repositories),
            expires_at=now + DEFAULT_LIFE if body.expires_at is None else utc(body.expires_at),
            now=now,
            actor=caller.actor,
            spends=caller.token if caller.token.one_use else None,
        )
        return desk.changed({"token": made.token, "text": made.text}, 201)

    @api.delete("/{token_id}", **route(TokenScope.ADMIN, None, code=204))
    def revoke(token_id: TokenId, caller: Caller = calling) -> Response:
        """Ends a token now. Ending it twice is no error."""
        caller.must(TokenScope.ADMIN, None)
        room.store.revoke_token(token_id, actor=caller.actor, now=room.clock.now())
        desk.generation.moved()
        return Response(status_code=204)

    return api
