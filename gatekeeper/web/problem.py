"""Errors as ``application/problem+json`` (RFC 9457), with our ``reason_code`` and ``exit_code`` members."""

from __future__ import annotations

import json
import re

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gatekeeper.core.errors import (
    Cause,
    ConfigurationError,
    ConflictError,
    DeniedError,
    GatekeeperError,
    MalformedError,
    NotFoundError,
    NotKnownNowError,
    NotOfferedError,
    UnavailableError,
)
from gatekeeper.core.exit_codes import ExitCode, exit_code_of
from gatekeeper.web.auth import UnauthenticatedError

MEDIA_TYPE = "application/problem+json"


_REASONS = {404: "no-such-path", 405: "method-not-allowed", 413: "body-too-large"}
MAX_FAULTS = 10
MAX_DETAIL = 4000


def problem(
    status: int,
    *,
    reason_code: str,
    detail: str,
    exit_code: int,
    headers: dict[str, str] | None = None,
    **members: str,
) -> Response:
    """A problem document. ``title`` is the reason code; ``detail`` is for people."""
    body = {
        "type": "about:blank",
        "title": reason_code,
        "status": status,
        "detail": detail[:MAX_DETAIL],
        "state": "error",
        "reason_code": reason_code,
        "exit_code": int(exit_code),
        **members,
    }
    return Response(json.dumps(body), status, headers=headers, media_type=MEDIA_TYPE)


def answer_for(error: GatekeeperError, *, asking: bool = False) -> Response:
    """The problem document of one of our errors. ``asking``: to a question, which a store that is away leaves open."""
    if asking and isinstance(error, UnavailableError) and error.cause is Cause.STORE:
        error = NotKnownNowError.of(error)
    headers: dict[str, str] = {}
    match error:
        case UnauthenticatedError():
            status = 401
            headers["WWW-Authenticate"] = 'Bearer realm="gatekeeper"'
        case DeniedError():
            status = 403
        case MalformedError():
            status = 400
        case NotFoundError():
            status = 404
        case ConflictError():
            status = 409
        case NotOfferedError() | ConfigurationError():
            status = 422
        case UnavailableError():
            status = 503
            headers["Retry-After"] = str(max(1, round(error.retry_after or 5)))
        case _:
            status = 500
    return problem(
        status,
        reason_code=error.reason_code,
        detail=error.message,
        exit_code=exit_code_of(error),
        headers=headers,
    )


def install(app: FastAPI) -> None:
    """Every error leaves as a problem document; ``frame`` does the same for those that nobody foresaw."""

    @app.exception_handler(GatekeeperError)
    def _ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, GatekeeperError)
        return answer_for(error, asking=request.method in ("GET", "HEAD"))

    @app.exception_handler(RequestValidationError)
    def _malformed(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        faults = [
            f"{'.'.join(str(part)[:100] for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()[:MAX_FAULTS]
        ]
        return problem(
            422, reason_code="request-malformed", detail="; ".join(faults), exit_code=ExitCode.USAGE
        )

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(_allowed(app, request.url.path, headers.get("Allow", "")))
        reason = _REASONS.get(error.status_code, "request-refused")
        return problem(
            error.status_code,
            reason_code=reason,
            detail=str(error.detail),
            exit_code=ExitCode.USAGE,
            headers=headers,
        )


def _allowed(app: FastAPI, path: str, named: str) -> list[str]:
    """Every method of this path: the router names only those of the first route that has it."""
    methods = set(named.split(", ")) - {""}
    for template, operations in app.openapi()["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path):
            methods.update(method.upper() for method in operations)
    return sorted(methods)
