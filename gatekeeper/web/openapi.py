"""The OpenAPI document: FastAPI's, with the answers of our own types, the status route, scopes and problems."""

from __future__ import annotations

import copy
from typing import Any

from fastapi import FastAPI

from gatekeeper.core.lifecycle import Case
from gatekeeper.core.verdict import Verdict
from gatekeeper.ports import ApiToken, CaseRow, DeadLetter, RegistryRow
from gatekeeper.web import problem, status
from gatekeeper.web.answers import BRAKES, EVENTS, NEW_TOKEN, POLICY_IN_FORCE, RESENT, ListedImage, PageOf
from gatekeeper.web.scanner import openapi as scanner
from gatekeeper.web.schemas import Schemas
from gatekeeper.workflow.affected import Affected
from gatekeeper.workflow.answer import Answer
from gatekeeper.workflow.explain import Explanation
from gatekeeper.workflow.promote import Promotion
from gatekeeper.workflow.waive import ListedWaiver

Document = dict[str, Any]
ANSWERS: dict[str, object] = {
    "Affected": Affected,
    "Answer": Answer,
    "ApiTokenPage": PageOf(ApiToken),
    "Brakes": BRAKES,
    "Case": Case,
    "CasePage": PageOf(Case),
    "CaseRow": CaseRow,
    "DeadLetterPage": PageOf(DeadLetter),
    "Events": EVENTS,
    "Explanation": Explanation,
    "ListedImagePage": PageOf(ListedImage),
    "NewToken": NEW_TOKEN,
    "PolicyInForce": POLICY_IN_FORCE,
    "Promotion": Promotion,
    "RegistryRowPage": PageOf(RegistryRow),
    "Resent": RESENT,
    "Verdict": Verdict,
    "ListedWaiver": ListedWaiver,
    "ListedWaiverPage": PageOf(ListedWaiver),
}
PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "for people"},
        "state": {"const": "error"},
        "reason_code": {"type": "string", "description": "stable, for machines"},
        "exit_code": {"type": "integer", "enum": [1, 2, 3, 4, 5, 6, 70]},
        "incident": {"type": "string", "description": "only with status 500: finds it in the server's log"},
    },
    "required": ["type", "title", "status", "detail", "state", "reason_code", "exit_code"],
}
FAULTS = {
    "400": "A value cannot be read",
    "401": "No token, or one that is not known, revoked or expired",
    "403": "The token lacks the scope here, or policy or hold refuse the act",
    "404": "There is no such thing",
    "409": "Not possible in this state; somebody was faster",
    "413": "The body is too large",
    "422": "A parameter or the body breaks its schema; the registry is not configured or lacks the capability",
    "500": "An internal error, with an incident id",
    "503": "Database or registry cannot be asked now",
}
STATUS: Document = {
    "tags": ["images"],
    "summary": "Status",
    "description": (
        "The recorded verdict of an image; a tag is resolved at the moment of asking. With `wait`, answers as soon as "
        "there is an answer that waiting cannot change, at the latest after so many seconds. `ETag` and "
        "`If-None-Match` are honoured. Branch on `exit_code`."
    ),
    "operationId": "status",
    "x-token-scope": "read",
    "x-answer": "Answer",
    "parameters": [
        {
            "name": "image",
            "in": "query",
            "required": True,
            "description": "REGISTRY/REPOSITORY@DIGEST or :TAG",
            "schema": {"type": "string", "minLength": 1, "maxLength": 1024},
        },
        {
            "name": "wait",
            "in": "query",
            "required": False,
            "description": "seconds",
            "schema": {"type": "number", "minimum": 0, "maximum": status.MAX_WAIT_SECONDS, "default": 0},
        },
        {
            "name": "If-None-Match",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "pattern": "^[ -~]*$"},
        },
    ],
    "responses": {"200": {}, "304": {"description": "The answer is still the one with this ETag"}},
}


def describe(app: FastAPI) -> None:
    """Builds the document once; the application serves it at ``/openapi.json``."""
    built = app.openapi()
    built["paths"][status.PATH] = {"get": {**STATUS, "responses": dict(STATUS["responses"])}}
    schemas = Schemas()
    for operations in built["paths"].values():
        for operation in operations.values():
            _complete(operation, schemas)
    # Somebody else's specification: it says itself what it answers.
    built["paths"].update(copy.deepcopy(scanner.PATHS))
    kept = built["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        kept.pop(unused, None)
    built["components"]["schemas"] = dict(
        sorted({**kept, **schemas.components, **scanner.SCHEMAS, "Problem": PROBLEM}.items())
    )
    built["components"]["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "`gk_…`, made by `gatekeeper token create`",
        },
        **scanner.SECURITY_SCHEMES,
    }
    built["paths"] = dict(sorted(built["paths"].items()))
    app.openapi_schema = built


def _complete(operation: Document, schemas: Schemas) -> None:
    answer = operation.pop("x-answer", None)
    operation["security"] = [{"token": []}]
    responses = operation["responses"]
    (code,) = (found for found in responses if found in ("200", "201", "204"))
    responses[code] = {"description": "Done" if answer is None else "The answer"}
    if answer is not None:
        responses[code]["content"] = {"application/json": {"schema": schemas.of(ANSWERS[answer])}}
    fault = {problem.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status_code, meaning in FAULTS.items():
        responses[status_code] = {"description": meaning, "content": fault}
