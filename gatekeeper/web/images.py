"""Images, verdicts and explanations: reading."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import Response

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import NotFoundError
from gatekeeper.core.reference import parse_reference, parse_repository
from gatekeeper.core.verdict import State
from gatekeeper.ports import ApiToken, Page, TokenScope
from gatekeeper.web.answers import ListedImage
from gatekeeper.web.auth import Caller
from gatekeeper.web.desk import WebDesk, answered, route
from gatekeeper.web.inputs import After, DigestText, Image, Limit, RepositoryGlob, RepositoryName
from gatekeeper.workflow.explain import explain


def router(desk: WebDesk) -> APIRouter:
    """``/v1/explain``, ``/v1/images``, ``/v1/verdicts``."""
    api = APIRouter(prefix="/v1", tags=["images"])
    room, calling = desk.room, Depends(desk.caller)

    @api.get("/explain", **route(TokenScope.READ, "Explanation"))
    async def explained(image: Image, caller: Caller = calling) -> Response:
        """The recorded answer with the tree below it: rule, evidence, remedy."""
        reference = parse_reference(image)
        caller.must(TokenScope.READ, reference.repository)
        found = await desk.threads.asking_registry(
            reference.repository.registry, lambda: explain(room, reference)
        )
        return answered(found)

    @api.get("/images", **route(TokenScope.READ, "ListedImagePage"))
    def images(
        caller: Caller = calling,
        repository: RepositoryGlob = "**",
        state: State | None = None,
        limit: Limit = 100,
        after: After = None,
    ) -> Response:
        """Judged digests with their newest verdict, newest first; only repositories that the token may read."""
        caller.must_anywhere(TokenScope.READ)
        rows, cursor = room.store.images(
            repositories=readable(caller.token, repository), state=state, page=Page(limit, after)
        )
        items = [ListedImage.of(row) for row in rows if caller.sees(row.repository)]
        return answered({"items": items, "next": cursor})

    @api.get("/verdicts/{digest}", **route(TokenScope.READ, "Verdict"))
    def verdict(digest: DigestText, repository: RepositoryName, caller: Caller = calling) -> Response:
        """The newest verdict of one digest in one repository, whole. Good until its `recheck_at`: `/v1/status` asks."""
        where = parse_repository(repository)
        caller.must(TokenScope.READ, where)
        row = room.store.status(where, Digest.parse(digest), now=room.clock.now())
        if row is None or row.verdict is None:
            raise NotFoundError(f"{where}@{digest} has no verdict", reason_code="verdict-unknown")
        return answered(row.verdict)

    return api


def readable(token: ApiToken, glob: str) -> tuple[str, ...]:
    """The asked glob, or the token's own where everything was asked for: pages stay full for narrow tokens."""
    return token.repositories if glob == "**" else (glob,)
