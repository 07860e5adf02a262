"""``GET /v1/status``: the one hot route, plain Starlette, answered from memory when nothing has changed."""

from __future__ import annotations

import time
from dataclasses import dataclass

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from gatekeeper.core.canonical import canonical_bytes
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import GatekeeperError, MalformedError
from gatekeeper.core.reference import Reference, parse_reference
from gatekeeper.ports import TokenScope
from gatekeeper.web.auth import Authenticator, Caller
from gatekeeper.web.cache import GenerationCache
from gatekeeper.web.generation import POLL_SECONDS, Generation
from gatekeeper.web.problem import answer_for
from gatekeeper.workflow.answer import Answer
from gatekeeper.workflow.status import status
from gatekeeper.workflow.workroom import Workroom

MAX_WAIT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class _Ready:
    """An answer as it goes over the wire."""

    body: bytes
    etag: str


class StatusRoute:
    """Answers for digests are kept for one generation; a tag is resolved at the moment of asking, always."""

    def __init__(self, room: Workroom, authenticator: Authenticator, generation: Generation) -> None:
        self._room = room
        self._authenticator = authenticator
        self._generation = generation
        self._parsed: dict[str, Reference] = {}
        self._ready: GenerationCache[Reference, _Ready] = GenerationCache(generation, room.clock.now)

    async def __call__(self, request: Request) -> Response:
        """200 with the answer, 304 for a known ETag, or a problem document."""
        try:
            header = request.headers.get("authorization")
            caller = self._authenticator.cached(header)
            if caller is None:
                caller = await anyio.to_thread.run_sync(self._authenticator.caller, header)
            ready = await self._answer(caller, request)
        except GatekeeperError as error:
            return answer_for(error)
        headers = {"etag": ready.etag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == ready.etag:
            return Response(None, 304, headers)
        return Response(ready.body, 200, headers, "application/json")

    async def _answer(self, caller: Caller, request: Request) -> _Ready:
        image = request.query_params.get("image", "")
        reference = self._reference(image)
        caller.must(TokenScope.READ, reference.repository)
        wait = _seconds(request.query_params.get("wait"))
        if reference.digest is not None:
            known = self._ready.get(reference)
            if known is not None:
                return known
        deadline = time.monotonic() + wait
        while True:
            generation = self._generation.current
            answer = await anyio.to_thread.run_sync(status, self._room, reference)
            if answer.state.final or time.monotonic() >= deadline:
                return self._keep(reference, answer, generation)
            await self._until_changed(generation, deadline)

    async def _until_changed(self, generation: int, deadline: float) -> None:
        """Holds no thread: a waiting pipeline costs one coroutine. Asks again each second even without a change."""
        ask_again = min(deadline, time.monotonic() + 1.0)
        while self._generation.current == generation and time.monotonic() < ask_again:  # noqa: ASYNC110 - a thread sees it
            await anyio.sleep(POLL_SECONDS / 5)

    def _keep(self, reference: Reference, answer: Answer, generation: int) -> _Ready:
        body = canonical_bytes(answer)
        ready = _Ready(body, f'"{Digest.of(body).encoded[:32]}"')
        if reference.digest is not None and answer.state.final:
            self._ready.put(
                reference,
                ready,
                generation=generation,
                ends_at=answer.verdict.recheck_at if answer.verdict is not None else None,
            )
        return ready

    def _reference(self, image: str) -> Reference:
        known = self._parsed.get(image)
        if known is None:
            if not image:
                raise MalformedError(
                    "the query needs image=REGISTRY/REPOSITORY@DIGEST or :TAG", reason_code="image-missing"
                )
            known = parse_reference(image)
            if len(self._parsed) >= 10_000:
                self._parsed.clear()
            self._parsed[image] = known
        return known


def _seconds(text: str | None) -> float:
    """``wait`` in seconds, at most 600. Raises MalformedError."""
    if text is None:
        return 0.0
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds <= MAX_WAIT_SECONDS:
        raise MalformedError(
            f"wait must be seconds between 0 and {MAX_WAIT_SECONDS:.0f}", reason_code="wait-malformed"
        )
    return seconds
