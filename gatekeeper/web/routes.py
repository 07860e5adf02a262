"""The routes of ``/v1`` beside status. Each names its token scope; a test tries every scope on every route."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Path, Query, Request

from gatekeeper.core.canonical import to_plain
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError, NotFoundError
from gatekeeper.core.lifecycle import CaseState, Decision
from gatekeeper.core.reference import parse_reference, parse_repository
from gatekeeper.core.verdict import State
from gatekeeper.ports import ApiToken, Page, StatusRow, TokenScope
from gatekeeper.web.auth import Authenticator, Caller
from gatekeeper.web.shapes import Listing, PromotionBody, ReasonBody, TokenBody
from gatekeeper.workflow import hold, tokens
from gatekeeper.workflow.explain import explain as explain_image
from gatekeeper.workflow.promote import promote
from gatekeeper.workflow.review import review
from gatekeeper.workflow.workroom import Workroom

Limit = Annotated[int, Query(ge=1, le=1000)]
After = Annotated[str | None, Query(max_length=400)]
Image = Annotated[str, Query(min_length=1, max_length=1024)]
CaseId = Annotated[str, Path(min_length=1, max_length=100)]
Plain = dict[str, Any]


def router(room: Workroom, authenticator: Authenticator) -> APIRouter:
    """Every route, bound to these use cases."""
    api = APIRouter(prefix="/v1")

    def caller(request: Request) -> Caller:
        header = request.headers.get("authorization")
        return authenticator.caller(header, makes_tokens=request.url.path == "/v1/tokens")

    calling = Depends(caller)
    _images(api, room, calling)
    _quarantine(api, room, calling)
    _actions(api, room, calling)
    _tokens(api, room, calling)
    return api


def _plain(value: object) -> Plain:
    return cast("Plain", to_plain(value))


def _plain_or_none(value: object) -> Plain | None:
    return None if value is None else _plain(value)


def _images(api: APIRouter, room: Workroom, calling: Any) -> None:
    @api.get("/explain", openapi_extra={"x-token-scope": "read"})
    def explain(image: Image, caller: Caller = calling) -> Plain:
        """The recorded answer with the evidence it rests on."""
        caller.must(TokenScope.READ, parse_reference(image).repository)
        return _plain(explain_image(room, parse_reference(image)))

    @api.get("/images", openapi_extra={"x-token-scope": "read"})
    def images(
        caller: Caller = calling,
        repository: Annotated[str, Query(max_length=400)] = "**",
        state: State | None = None,
        limit: Limit = 100,
        after: After = None,
    ) -> Listing:
        """Judged digests with their newest verdict; only repositories that the token may read."""
        rows, cursor = room.store.images(
            repositories=_readable(caller.token, repository), state=state, page=Page(limit, after)
        )
        return Listing(items=[_image(row) for row in rows if caller.sees(row.repository)], next=cursor)

    @api.get("/verdicts/{digest}", openapi_extra={"x-token-scope": "read"})
    def verdict(
        digest: Annotated[str, Path(max_length=200)],
        repository: Annotated[str, Query(min_length=1, max_length=400)],
        caller: Caller = calling,
    ) -> Plain:
        """The newest verdict of one digest in one repository, whole."""
        where = parse_repository(repository)
        caller.must(TokenScope.READ, where)
        row = room.store.status(where, Digest.parse(digest), now=room.clock.now())
        if row is None or row.verdict is None:
            raise NotFoundError(f"{where}@{digest} has no verdict", reason_code="verdict-unknown")
        return _plain(row.verdict)


def _quarantine(api: APIRouter, room: Workroom, calling: Any) -> None:
    @api.get("/quarantine", openapi_extra={"x-token-scope": "read"})
    def cases(
        caller: Caller = calling,
        state: Annotated[list[CaseState] | None, Query()] = None,
        repository: Annotated[str, Query(max_length=400)] = "**",
        limit: Limit = 100,
        after: After = None,
    ) -> Listing:
        """Cases, newest first; without ``state`` those that wait for a person."""
        wanted = frozenset(state or (CaseState.PROPOSED, CaseState.OPEN, CaseState.KEPT))
        found, cursor = room.store.cases(
            states=wanted, repositories=_readable(caller.token, repository), page=Page(limit, after)
        )
        return Listing(items=[_plain(case) for case in found if caller.sees(case.repository)], next=cursor)

    @api.get("/quarantine/{case}", openapi_extra={"x-token-scope": "read"})
    def shown(case: CaseId, caller: Caller = calling) -> Plain:
        """One case with its findings, intents and history."""
        row = room.store.case(case)
        caller.must(TokenScope.READ, row.case.repository)
        return _plain(row)

    @api.post("/quarantine/{case}/{decision}", openapi_extra={"x-token-scope": "review"})
    def decided(case: CaseId, decision: Decision, body: ReasonBody, caller: Caller = calling) -> Plain:
        """Release, keep or restore; the reason goes into the audit trail under the token's name."""
        caller.must(TokenScope.REVIEW, room.store.case(case).case.repository)
        return _plain(review(room, case, decision, actor=caller.actor, reason=body.reason))


def _actions(api: APIRouter, room: Workroom, calling: Any) -> None:
    @api.post("/promotions", openapi_extra={"x-token-scope": "promote"})
    def promoted(body: PromotionBody, caller: Caller = calling) -> Plain:
        """Copies the image to the target by digest if and only if it passed."""
        image, target = parse_reference(body.image), parse_reference(body.target)
        caller.must(TokenScope.PROMOTE, image.repository)
        caller.must(TokenScope.PROMOTE, target.repository)
        return _plain(promote(room, image, target, actor=caller.actor, reason=body.reason))

    def brakes() -> Plain:
        held, breaker = hold.brakes(room)
        return {"hold": _plain_or_none(held), "breaker": _plain_or_none(breaker)}

    @api.get("/hold", openapi_extra={"x-token-scope": "read"})
    def hold_show(caller: Caller = calling) -> Plain:
        """Whether registry writes are stopped, by whom and since when; and the breaker."""
        caller.must(TokenScope.READ, None)
        return brakes()

    @api.put("/hold", openapi_extra={"x-token-scope": "admin"})
    def hold_on(body: ReasonBody, caller: Caller = calling) -> Plain:
        """Stops every registry write at once."""
        caller.must(TokenScope.ADMIN, None)
        hold.hold_on(room, actor=caller.actor, reason=body.reason)
        return brakes()

    @api.delete("/hold", openapi_extra={"x-token-scope": "admin"})
    def hold_off(body: ReasonBody, caller: Caller = calling) -> Plain:
        """Lets writes go on."""
        caller.must(TokenScope.ADMIN, None)
        hold.hold_off(room, actor=caller.actor, reason=body.reason)
        return brakes()

    @api.delete("/breaker", openapi_extra={"x-token-scope": "admin"})
    def breaker_close(body: ReasonBody, caller: Caller = calling) -> Plain:
        """Closes the breaker: enforcement goes on."""
        caller.must(TokenScope.ADMIN, None)
        hold.close_breaker(room, actor=caller.actor, reason=body.reason)
        return brakes()


def _tokens(api: APIRouter, room: Workroom, calling: Any) -> None:
    @api.get("/tokens", openapi_extra={"x-token-scope": "admin"})
    def listed(caller: Caller = calling) -> Listing:
        """Every token; secrets are not stored, so none can be shown."""
        caller.must(TokenScope.ADMIN, None)
        return Listing(items=[_plain(token) for token in room.store.tokens()], next=None)

    @api.post("/tokens", status_code=201, openapi_extra={"x-token-scope": "admin"})
    def make(body: TokenBody, caller: Caller = calling) -> Plain:
        """Makes a token; its text is in this answer and nowhere else. A one-use token ends here."""
        caller.must(TokenScope.ADMIN, None)
        if body.expires_at is not None and body.expires_at.tzinfo is None:
            raise MalformedError("expires_at needs a time zone, such as Z", reason_code="time-zone-missing")
        now = room.clock.now()
        made = tokens.create(
            room.store,
            name=body.name,
            scopes=frozenset(body.scopes),
            repositories=tuple(body.repositories),
            expires_at=body.expires_at,
            now=now,
            actor=caller.actor,
        )
        if caller.token.one_use:
            room.store.revoke_token(caller.token.id, actor=caller.actor, now=now)
        return {"token": _plain(made.token), "text": made.text}

    @api.delete("/tokens/{token_id}", status_code=204, openapi_extra={"x-token-scope": "admin"})
    def revoke(token_id: Annotated[str, Path(max_length=100)], caller: Caller = calling) -> None:
        """Revokes a token."""
        caller.must(TokenScope.ADMIN, None)
        room.store.revoke_token(token_id, actor=caller.actor, now=room.clock.now())


def _readable(token: ApiToken, glob: str) -> tuple[str, ...]:
    """The asked glob, or the token's own where everything was asked for: pages stay full for narrow tokens."""
    return token.repositories if glob == "**" else (glob,)


def _image(row: StatusRow) -> Plain:
    verdict = row.verdict
    return {
        "repository": str(row.repository),
        "digest": str(row.digest),
        "tags": list(row.tags),
        "first_seen": to_plain(row.first_seen),
        "due": row.due,
        "state": str(verdict.state) if verdict else None,
        "reason_code": verdict.reason_code if verdict else None,
        "decided_at": to_plain(verdict.decided_at) if verdict else None,
        "case": row.case.id if row.case else None,
    }
