"""``GET /v1/status``: the one hot route, answered from memory when nothing has changed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import parse_qs

import anyio.to_thread
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from gatekeeper.core.canonical import canonical_bytes
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, GatekeeperError, MalformedError, UnavailableError
from gatekeeper.core.policy import Policy
from gatekeeper.core.reference import Reference, parse_reference
from gatekeeper.ports import TokenScope
from gatekeeper.web.auth import Authenticator, Caller, presented
from gatekeeper.web.cache import GenerationCache
from gatekeeper.web.generation import Generation
from gatekeeper.web.problem import answer_for
from gatekeeper.web.threads import Threads
from gatekeeper.workflow.answer import Answer
from gatekeeper.workflow.status import again, status
from gatekeeper.workflow.workroom import Workroom

PATH = "/v1/status"
MAX_WAIT_SECONDS = 600.0
MAX_WAITING = 200
MAX_QUERY_BYTES = 4096
LOOK_SECONDS = 1.0
"""A wait looks again this often even when nothing has changed: time alone ends ``settle``."""
CALM_SECONDS = 10.0
"""After so long a wait looks at most once every ``LOOK_SECONDS``, however much changes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the query asks for."""

    reference: Reference
    wait: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Ready:
    """An answer as it goes over the wire, and what it rests on."""

    etag: bytes
    messages: tuple[Message, Message]
    """200 with the body."""
    unchanged: tuple[Message, Message]
    """304."""
    policy: Policy | None
    """The policy in force when it was made."""

    def to(self, known: bytes) -> tuple[Message, Message]:
        """304 when the caller's If-None-Match names this answer."""
        if known and (known == self.etag or self.etag in _etags(known)):
            return self.unchanged
        return self.messages


class StatusRoute:
    """An ASGI application. Final answers for digests are kept for one generation; a tag is resolved at the moment of
    asking, always.
    """

    def __init__(
        self, room: Workroom, authenticator: Authenticator, generation: Generation, threads: Threads
    ) -> None:
        self._room = room
        self._authenticator = authenticator
        self._generation = generation
        self._threads = threads
        self._waiting = 0
        self._kept: GenerationCache[tuple[bytes, bytes], Ready] = GenerationCache(generation, room.clock.now)

    def warm(self, scope: Scope) -> tuple[Message, Message] | None:
        """The answer to exactly this caller and query, if it is in memory: no thread, no parsing, no permissions."""
        authorization = known = b""
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
            elif name == b"if-none-match":
                known = value
        ready = self._kept.get((authorization, scope["query_string"]))
        if ready is None or ready.policy is not self._room.policy():
            return None
        return ready.to(known)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """200 with the answer, 304 for a known ETag, or a problem document."""
        try:
            messages = await self._answered(scope, receive, send)
        except GatekeeperError as error:
            await answer_for(error, asking=True)(scope, receive, send)
            return
        for message in messages:
            await send(message)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> tuple[Message, Message]:
        authorization, known = _header(scope, b"authorization"), _header(scope, b"if-none-match")
        generation = self._generation.current
        caller = await self._caller(authorization)
        asked = read_query(scope["query_string"])
        caller.must(TokenScope.READ, asked.reference.repository)
        policy = self._room.policy()
        answer = await self._threads.asking_registry(
            asked.reference.repository.registry, lambda: status(self._room, asked.reference)
        )
        if asked.wait and not answer.state.final:
            generation, policy, answer = await self._wait(Request(scope, receive, send), asked, answer)
        ready = ready_of(answer, policy)
        if asked.reference.digest is not None and answer.state.final:
            self._kept.put(
                (authorization, scope["query_string"]),
                ready,
                generation=generation,
                ends_at=_sooner(caller.token.expires_at, answer),
                weight=len(ready.messages[1]["body"]),
            )
        return ready.to(known)

    async def _caller(self, authorization: bytes) -> Caller:
        header = presented(authorization.decode("latin-1"))
        caller = self._authenticator.cached(header)
        if caller is not None:
            return caller
        return await anyio.to_thread.run_sync(self._authenticator.caller, header)

    async def _wait(self, request: Request, asked: Asked, answer: Answer) -> tuple[int, Policy, Answer]:
        """Holds no thread: a waiting pipeline costs one coroutine. The registry is not asked again."""
        if self._waiting >= MAX_WAITING:
            raise UnavailableError(
                f"{MAX_WAITING} requests wait already; ask again later",
                cause=Cause.RATE_LIMITED,
                reason_code="too-many-waiting",
            )
        self._waiting += 1
        try:
            return await self._looked(request, asked, answer)
        finally:
            self._waiting -= 1

    async def _looked(self, request: Request, asked: Asked, answer: Answer) -> tuple[int, Policy, Answer]:
        room, generation = self._room, self._generation
        began = time.monotonic()
        seen, policy = generation.current, room.policy()
        while not answer.state.final and not generation.ending:
            waited = time.monotonic() - began
            left = asked.wait - waited
            if left <= 0 or await request.is_disconnected():
                break
            if waited > CALM_SECONDS:
                await anyio.sleep(min(LOOK_SECONDS, left))
            await generation.change(seen, min(LOOK_SECONDS, left))
            seen, policy = generation.current, room.policy()
            answer = await anyio.to_thread.run_sync(again, room, asked.reference, answer)
        return seen, policy, answer


def ready_of(answer: Answer, policy: Policy | None) -> Ready:
    """The answer as bytes, with both ways it may be sent."""
    body = canonical_bytes(answer)
    etag = f'"{Digest.of(body).encoded[:32]}"'.encode()
    headers = [(b"etag", etag), (b"cache-control", b"private, no-cache")]
    full = [*headers, (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    return Ready(etag, (_start(200, full), _body(body)), (_start(304, headers), _body(b"")), policy)


def _start(code: int, headers: list[tuple[bytes, bytes]]) -> Message:
    return {"type": "http.response.start", "status": code, "headers": headers}


def _body(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body}


def _etags(known: bytes) -> set[bytes]:
    """The entity tags of an If-None-Match; weak comparison (RFC 9110, 13.1.2)."""
    return {tag.strip().removeprefix(b"W/") for tag in known.split(b",")}


def _header(scope: Scope, wanted: bytes) -> bytes:
    """The last of this name, empty when there is none: the same that ``warm`` takes."""
    found = b""
    for name, value in scope["headers"]:
        if name == wanted:
            found = value
    return found


def _sooner(expires_at: datetime | None, answer: Answer) -> datetime | None:
    ends = [moment for moment in (expires_at, answer.verdict and answer.verdict.recheck_at) if moment]
    return min(ends, default=None)


@lru_cache(maxsize=4096)
def read_query(query: bytes) -> Asked:
    """``image=…&wait=…``. Raises MalformedError."""
    if len(query) > MAX_QUERY_BYTES:
        raise MalformedError(
            f"the query is longer than {MAX_QUERY_BYTES} bytes", reason_code="query-too-long"
        )
    try:
        found = parse_qs(query.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise MalformedError("the query has too many fields", reason_code="query-too-long") from error
    images = found.get("image", [])
    if len(images) != 1 or not images[0]:
        raise MalformedError(
            "the query needs exactly one image=REGISTRY/REPOSITORY@DIGEST or :TAG",
            reason_code="image-missing",
        )
    return Asked(parse_reference(images[0]), _seconds(found.get("wait", ["0"])))


def _seconds(texts: list[str]) -> float:
    try:
        (text,) = texts
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds <= MAX_WAIT_SECONDS:
        raise MalformedError(
            f"wait must be seconds between 0 and {MAX_WAIT_SECONDS:.0f}, written once",
            reason_code="wait-malformed",
        )
    return seconds
