"""The reference of the HTTP API says what the routes do. `python -m gatekeeper.web.reference` writes it anew."""

from __future__ import annotations

import re

import pytest
from jsonschema import Draft202012Validator

from gatekeeper.database.connection import POOL_OVERFLOW, POOL_SIZE
from gatekeeper.ports import TokenScope
from gatekeeper.web import threads
from gatekeeper.web.reference import DOCS, api_markdown, document, openapi_json

OPERATIONS = [
    (method, path, operation)
    for path, operations in document()["paths"].items()
    for method, operation in operations.items()
]


def test_the_page_is_current() -> None:
    assert (DOCS / "api.md").read_text() == api_markdown()


def test_the_openapi_file_is_current() -> None:
    assert (DOCS / "openapi.json").read_text() == openapi_json()


def test_every_reason_code_of_the_api_is_explained() -> None:
    written = DOCS.parent / "gatekeeper"
    sources = [
        *(written / "web").rglob("*.py"),
        *(written / "workflow" / f"{name}.py" for name in ("tokens", "scan_requests", "scanner_reports")),
    ]
    codes = {code for file in sources for code in re.findall(r'reason_code="([a-z-]+)"', file.read_text())}
    explained = set(re.findall(r"`([a-z-]+)`", api_markdown().partition("## Reason codes")[2]))
    assert codes - explained == {"listen-failed", "tls-unusable"}, "told on the console, not over HTTP"


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=lambda value: str(value)[:40])
def test_every_operation_names_scope_answer_and_problems(
    method: str, path: str, operation: dict[str, object]
) -> None:
    responses = operation["responses"]
    assert isinstance(responses, dict)
    assert operation["x-token-scope"] in set(TokenScope)
    assert operation["description"]
    assert len({"200", "201", "202", "204"} & responses.keys()) == 1
    if path.startswith("/scanner/api/v1/"):
        assert operation["security"] == [{"token": []}, {"password": []}, {"key": []}]
        assert {"401", "403", "500", "503"} <= responses.keys()
        return
    assert path.startswith("/v1/")
    assert operation["security"] == [{"token": []}]
    assert {"401", "403", "422", "500", "503"} <= responses.keys()


def test_every_schema_is_a_schema_and_every_reference_leads_somewhere() -> None:
    found = document()
    for name, schema in found["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert re.fullmatch(r"[A-Za-z]+", name)
    named = set(re.findall(r'"#/components/schemas/(\w+)"', openapi_json()))
    assert named == set(found["components"]["schemas"])


def test_requests_never_starve_the_daemon_of_connections() -> None:
    assert threads.DATABASE < POOL_SIZE + POOL_OVERFLOW
