"""Every answer is as the OpenAPI document describes it, to questions that make sense and to those that do not.

schemathesis runs as a program: its pytest plugin is switched off (it would import half of itself into every run).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gatekeeper.web.reference import document
from tests.integration.web.site import Site, a_site, a_site_on_postgres

EXAMPLES = 20
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "unsupported_method,allow_header_conformance,ignored_auth"
)
EXPECTED = """
[[operations]]
include-path-regex = "^/scanner/"
checks.not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "501"]
"""
"""Harbor's specification answers 501 to a MIME type that is not made."""
REASON = {"reason": "asked by a test"}


def test_real_answers_fit_their_schemas(site: Site) -> None:
    good = site.passed("app/good")
    site.world.push("app/bad", "1.0", user="0")
    site.world.rounds(3)
    case = site.world.case().id
    site.ask("POST", "/v1/hold/on", body=REASON)
    site.ask("POST", "/v1/hold/off", body=REASON)
    _give_up_a_message(site)
    repository, _, digest = good.partition("@")
    token = {"name": "made", "scopes": ["read"], "repositories": ["**"]}
    waiver = {
        "rule": "user-root",
        "reason": "known",
        "expires_at": site.later,
        "repositories": site.image("app/bad"),
    }
    made = site.ask("POST", "/v1/waivers", body=waiver).json["id"]
    promotion = {"image": site.image(good), "target": site.image("prod/good:1")}
    asked: list[tuple[str, str, str, dict[str, str], object]] = [
        ("GET", "/v1/status", "/v1/status", {"image": site.image(good)}, None),
        ("GET", "/v1/status", "/v1/status", {"image": site.image("app/bad:1.0")}, None),
        ("GET", "/v1/explain", "/v1/explain", {"image": site.image("app/bad:1.0")}, None),
        ("GET", "/v1/images", "/v1/images", {}, None),
        (
            "GET",
            f"/v1/verdicts/{digest}",
            "/v1/verdicts/{digest}",
            {"repository": site.image(repository)},
            None,
        ),
        ("GET", "/v1/quarantine", "/v1/quarantine", {}, None),
        ("GET", f"/v1/quarantine/{case}", "/v1/quarantine/{case}", {}, None),
        ("POST", f"/v1/quarantine/{case}/keep", "/v1/quarantine/{case}/{decision}", {}, REASON),
        ("POST", "/v1/promotions", "/v1/promotions", {}, promotion),
        ("POST", "/v1/hold/on", "/v1/hold/on", {}, REASON),
        ("GET", "/v1/hold", "/v1/hold", {}, None),
        ("POST", "/v1/hold/off", "/v1/hold/off", {}, REASON),
        ("POST", "/v1/breaker/close", "/v1/breaker/close", {}, REASON),
        ("GET", "/v1/policy", "/v1/policy", {}, None),
        ("GET", "/v1/events", "/v1/events", {}, None),
        ("GET", "/v1/dead-letters", "/v1/dead-letters", {}, None),
        ("POST", "/v1/dead-letters/resend", "/v1/dead-letters/resend", {}, REASON),
        ("GET", "/v1/affected/CVE-2026-1", "/v1/affected/{vulnerability}", {}, None),
        ("POST", f"/v1/policy/{site.revision}/accept", "/v1/policy/{revision}/accept", {}, REASON),
        ("GET", "/v1/registries", "/v1/registries", {}, None),
        ("POST", "/v1/registries/none/accept", "/v1/registries/{host}/accept", {}, REASON),
        ("POST", "/v1/waivers", "/v1/waivers", {}, waiver),
        ("GET", "/v1/waivers", "/v1/waivers", {"ended": "true"}, None),
        ("POST", f"/v1/waivers/{made}/revoke", "/v1/waivers/{waiver}/revoke", {}, REASON),
        ("POST", "/v1/tokens", "/v1/tokens", {}, token),
        ("GET", "/v1/tokens", "/v1/tokens", {}, None),
    ]
    described = site.get("/openapi.json", "").json
    assert described == document()
    for method, path, template, query, body in asked:
        reply = site.ask(method, path, query=query, body=body)
        fits(described, template, method, reply.status, reply.json)
        if "items" in reply.json:
            assert reply.json["items"], path
    tried = {(method.lower(), template) for method, _, template, _, _ in asked}
    assert tried | {("delete", "/v1/tokens/{token_id}")} == {
        (method, path)
        for path, operations in described["paths"].items()
        for method in operations
        if not path.startswith("/scanner/")
    }, "a Harbor's every question checks those (tests/integration/web/harbor.py)"


def _give_up_a_message(site: Site) -> None:
    room = site.world.app.room
    now = room.clock.now()
    room.store.append(actor="a", action="hold-on", subject="hold", reason="r", detail={}, now=now)
    room.store.address_events({"ops": ("hold-on",)}, now=now)
    delivery = room.store.claim_delivery("ops", now=now, lease_for=timedelta(minutes=1))
    assert delivery is not None
    room.store.not_delivered(delivery, error="status 410", now=now, retry_at=None)


def fits(described: dict[str, Any], path: str, method: str, status: int, answer: object) -> None:
    (content,) = described["paths"][path][method.lower()]["responses"][str(status)]["content"].values()
    schema = {**content["schema"], "components": described["components"]}
    Draft202012Validator(schema).validate(answer)


@pytest.fixture(params=["sqlite", "postgres"])
def any_site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """PostgreSQL refuses text that SQLite takes."""
    if request.param == "sqlite":
        with a_site(tmp_path) as started:
            yield started
    else:
        with a_site_on_postgres(tmp_path, request.getfixturevalue("postgres_url")) as started:
            yield started


@pytest.mark.slow
def test_schemathesis_finds_no_fault(any_site: Site, tmp_path: Path) -> None:
    site = any_site
    site.passed("app/web")
    site.world.push("app/bad", "1.0", user="0")
    site.world.rounds(3)
    program = Path(sys.executable).with_name("schemathesis")
    (tmp_path / "schemathesis.toml").write_text(EXPECTED)
    command = [
        str(program), "--config-file", str(tmp_path / "schemathesis.toml"),
        "run", f"{site.url}/openapi.json", "--header", f"Authorization: Bearer {site.admin}",
        "--checks", CHECKS, "--mode", "all", "--max-examples", str(EXAMPLES), "--seed", "1", "--no-shrink",
        "--request-timeout", "60", "--generation-database", "none", "--suppress-health-check", "all",
        "--phases", "coverage,fuzzing", "--continue-on-failure",
    ]  # fmt: skip
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=280, cwd=tmp_path, env=environment, check=False
    )
    assert ended.returncode == 0, ended.stdout[-12_000:] + ended.stderr[-2_000:]
    generated = re.search(r"(\d+) generated", ended.stdout)
    assert generated is not None, ended.stdout[-3_000:]
    assert int(generated[1]) > 200
