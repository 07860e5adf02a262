"""``/scanner/api/v1``: metadata, scan, report. Harbor is given ``https://HOST/scanner`` and adds the rest.

Errors leave as the specification's error object, with our ``reason_code`` and ``exit_code`` beside it.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import quote

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi import Path as InPath
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gatekeeper.core.errors import (
    ConfigurationError,
    DeniedError,
    GatekeeperError,
    MalformedError,
    NotFoundError,
    NotOfferedError,
    UnavailableError,
)
from gatekeeper.core.exit_codes import ExitCode, exit_code_of
from gatekeeper.core.scan_request import ScanRequest, parse_scan_id, scan_id
from gatekeeper.ports import TokenScope
from gatekeeper.web.auth import Caller, UnauthenticatedError, presented
from gatekeeper.web.desk import WebDesk
from gatekeeper.web.problem import MAX_DETAIL
from gatekeeper.web.scanner.bodies import BodyError, read_body
from gatekeeper.web.scanner.documents import (
    Document,
    metadata_document,
    sbom_document,
    vulnerability_document,
)
from gatekeeper.web.scanner.media_types import (
    CYCLONEDX,
    ERROR,
    SBOM_REPORT,
    SBOM_TYPES,
    SCAN_RESPONSE,
    SPDX,
    NotCapableError,
    accepted_metadata,
    accepted_report,
)
from gatekeeper.workflow import scanner_reports
from gatekeeper.workflow.scan_requests import accept, registry_at
from gatekeeper.workflow.scanner_reports import NotJudged, SbomReport, VulnerabilityReport, Waiting

PREFIX = "/scanner/api/v1"
API_KEY = "x-scanneradapter-api-key"
"""The third way in which Harbor signs in to a scanner."""
CHALLENGE = 'Bearer realm="gatekeeper", Basic realm="gatekeeper", charset="UTF-8"'


def router(desk: WebDesk) -> APIRouter:
    """The three routes. ``web.scanner.openapi`` describes them."""
    api = APIRouter(prefix=PREFIX, include_in_schema=False)
    room = desk.room

    @api.get("/metadata")
    async def metadata(request: Request) -> Response:
        """What we are and what we make."""

        async def told() -> Response:
            caller = await _caller(desk, request)
            caller.must_anywhere(TokenScope.READ)
            mime = accepted_metadata(request.headers.get("accept", ""))
            feeds = await anyio.to_thread.run_sync(room.store.feeds)
            return _json(200, metadata_document(mime, feeds), mime)

        return await _said(told)

    @api.post("/scan")
    async def scan(request: Request) -> Response:
        """Takes a request; the id in the answer is all there is of it."""

        async def told() -> Response:
            caller = await _caller(desk, request)
            caller.must_anywhere(TokenScope.READ)
            asked = read_body(await request.body())
            wanted = asked.request(registry_at(room, asked.url), room.clock.now())
            caller.must(TokenScope.READ, wanted.repository)
            await desk.threads.asking_registry(wanted.repository.registry, lambda: accept(room, wanted))
            desk.generation.moved()
            return _json(202, {"id": scan_id(wanted)}, SCAN_RESPONSE)

        return await _said(told, malformed=422, missing=422)

    @api.get("/scan/{scan_request_id}/report")
    async def report(request: Request, scan_request_id: Annotated[str, InPath()]) -> Response:
        """The report, 302 while there is none yet, or why there is none."""

        async def told() -> Response:
            caller = await _caller(desk, request)
            caller.must_anywhere(TokenScope.READ)
            wanted = _request(scan_request_id)
            caller.must(TokenScope.READ, wanted.repository)
            media_type = request.query_params.get("sbom_media_type")
            mime = accepted_report(request.headers.get("accept", ""), sbom=media_type is not None)
            found: VulnerabilityReport | SbomReport | Waiting | NotJudged
            if mime == SBOM_REPORT:
                spdx = _chosen(media_type) == SPDX
                found = await anyio.to_thread.run_sync(lambda: scanner_reports.sbom(room, wanted, spdx=spdx))
            else:
                found = await anyio.to_thread.run_sync(lambda: scanner_reports.vulnerabilities(room, wanted))
            return await anyio.to_thread.run_sync(_answer, found, mime, media_type or "", request)

        return await _said(told)

    return api


def _answer(
    found: VulnerabilityReport | SbomReport | Waiting | NotJudged,
    mime: str,
    media_type: str,
    request: Request,
) -> Response:
    match found:
        case VulnerabilityReport():
            return _json(200, vulnerability_document(found), mime)
        case SbomReport():
            return _json(200, sbom_document(found, media_type), mime)
        case Waiting(seconds=seconds):
            # The specification's header is Refresh-After, its README's Retry-After.
            after = {"Refresh-After": str(seconds), "Retry-After": str(seconds)}
            return Response(status_code=302, headers={"Location": _itself(request), **after})
        case NotJudged(reason_code, message):
            return error(500, message, reason_code, ExitCode.INDETERMINATE)


def _itself(request: Request) -> str:
    """The same question again, as a path: whoever follows it instead of waiting asks what it asked."""
    path = quote(request.url.path, safe="/-_~.")
    return f"{path}?{request.url.query}" if request.url.query else path


def _request(text: str) -> ScanRequest:
    try:
        return parse_scan_id(text)
    except MalformedError as malformed:
        raise NotFoundError(malformed.message, reason_code=malformed.reason_code) from malformed


def _chosen(media_type: str | None) -> str:
    if media_type not in SBOM_TYPES:
        raise MalformedError(
            f"an SBOM needs the parameter sbom_media_type, {SPDX} or {CYCLONEDX}",
            reason_code="sbom-media-type-malformed",
        )
    return media_type


async def _caller(desk: WebDesk, request: Request) -> Caller:
    return await desk.caller_by(_header(request))


def _header(request: Request) -> str:
    """What Harbor can send of one of our tokens, as the Authorization header of a bearer (RFC 6750).

    A bearer token; an API key; or Basic (RFC 7617), whose password is the token and whose user name says nothing.
    """
    key = request.headers.get(API_KEY)
    if key:
        return f"Bearer {key.strip()}"
    header = presented(request.headers.get("authorization"))
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic":
        return header
    try:
        signed_in = base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        signed_in = ""
    password = signed_in.partition(":")[2]
    if not password:
        raise UnauthenticatedError(
            "Basic needs a token of Gatekeeper as the password; the user name may be anything",
            reason_code="token-missing",
        )
    return f"Bearer {password}"


async def _said(
    tell: Callable[[], Awaitable[Response]], *, malformed: int = 400, missing: int = 404
) -> Response:
    """The answer, or the error object. ``malformed`` and ``missing``: where the specification has codes of its own."""
    try:
        return await tell()
    except GatekeeperError as caught:
        return _refused(caught, malformed, missing)
    except HTTPException as caught:
        # The cap on bodies.
        return error(caught.status_code, str(caught.detail), "body-too-large", ExitCode.USAGE)


def _refused(caught: GatekeeperError, malformed: int, missing: int) -> Response:
    headers: dict[str, str] = {}
    match caught:
        case UnauthenticatedError():
            status = 401
            headers["WWW-Authenticate"] = CHALLENGE
        case DeniedError():
            status = 403
        case BodyError():
            status = 400
        case MalformedError():
            status = malformed
        case NotFoundError():
            status = missing
        case NotCapableError():
            status = 501
        case NotOfferedError() | ConfigurationError():
            status = 422
        case UnavailableError():
            status = 503
            headers["Retry-After"] = str(max(1, round(caught.retry_after or 5)))
        case _:
            status = 500
    return error(status, caught.message, caught.reason_code, exit_code_of(caught), headers)


def error(
    status: int, message: str, reason_code: str, exit_code: int, headers: dict[str, str] | None = None
) -> Response:
    """``ErrorResponse``; Harbor shows the message."""
    body = {
        "error": {"message": message[:MAX_DETAIL]},
        "state": "error",
        "reason_code": reason_code,
        "exit_code": int(exit_code),
    }
    return _json(status, body, ERROR, headers)


def _json(status: int, body: Document, mime: str, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body), status, headers=headers, media_type=mime)
