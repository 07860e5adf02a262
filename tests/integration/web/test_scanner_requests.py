"""Who may ask Gatekeeper to scan, for what, and how a request without sense is refused."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.ports import TokenScope
from gatekeeper.workflow.scan_requests import registry_at
from tests.integration.web.harbor import (
    API,
    REPORT_1_1,
    Harbor,
    a_harbor,
    fits,
)
from tests.integration.workflow.test_vulnerability_story import (
    LOG4J,
    advisory,
)

NOWHERE = Digest.of(b"nowhere")


@pytest.fixture
def harbor(tmp_path: Path) -> Iterator[Harbor]:
    with a_harbor(tmp_path) as started:
        yield started


def judged(harbor: Harbor) -> Digest:
    """An image with a signed SBOM that was judged with a feed."""
    harbor.estate.feed(advisory())
    digest = harbor.estate.push("app/web", "1.0", LOG4J)
    harbor.world.rounds(2)
    return digest


@pytest.mark.parametrize(
    ("status", "change"),
    [
        (400, b"no JSON"),
        (400, b"[]"),
        (400, b'{"registry": {"url": "http://a"}, "registry": {}}'),
        (400, {"registry": "http://a"}),
        (400, {"artifact": {"repository": 1}}),
        (400, {"enabled_capabilities": {}}),
        (422, {"registry": None}),
        (422, {"artifact": None}),
        (422, {"registry": {"url": ""}}),
        (422, {"registry": {"url": "ftp://harbor.example.com"}}),
        (422, {"registry": {"url": "https://[::1"}}),
        (422, {"registry": {"url": "https://user:secret@harbor.example.com"}}),
        (422, {"registry": {"url": "https://harbor.example.com/evil/path"}}),
        (422, {"registry": {"url": "http://169.254.169.254"}}),
        (422, {"artifact": {"repository": ""}}),
        (422, {"artifact": {"repository": "../up"}}),
        (422, {"artifact": {"repository": "App/Web"}}),
        (422, {"artifact": {"digest": ""}}),
        (422, {"artifact": {"digest": "sha256:0"}}),
        (422, {"artifact": {"digest": "latest"}}),
        (422, {"artifact": {"tag": "-no"}}),
        (422, {"artifact": {"mime_type": ""}}),
        (501, {"artifact": {"mime_type": "application/vnd.cncf.helm.config.v1+json"}}),
        (422, {"enabled_capabilities": [{"type": "malware"}]}),
        (501, {"enabled_capabilities": [{"type": "sbom", "produces_mime_types": ["text/html"]}]}),
        (
            422,
            {"enabled_capabilities": [{"type": "sbom", "parameters": {"sbom_media_types": ["text/html"]}}]},
        ),
        (422, {"artifact": {"digest": str(NOWHERE)}}),
    ],
    ids=repr,
)
def test_a_request_without_sense_is_refused_by_its_field(
    harbor: Harbor, status: int, change: bytes | dict[str, Any]
) -> None:
    body: Any = change
    if isinstance(change, dict):
        body = harbor.request("app/web", harbor.world.good("app/web", "1.0"))
        for name, value in change.items():
            body[name] = {**body[name], **value} if isinstance(value, dict) and name in body else value
    reply = harbor.post(body)
    assert reply.status == status, reply.raw
    assert "what-harbor-hands-over" not in reply.raw.decode()
    assert harbor.world.app.room.store.counts().get("subjects.unjudged", 0) == 0


def test_every_way_to_spell_our_registry_is_known_and_no_other(harbor: Harbor) -> None:
    digest = judged(harbor)
    host = harbor.world.registry.host
    body = harbor.request("app/web", digest)
    for url in (f"http://{host}/", f"https://{host}", f"http://{host}/v2/"):
        body["registry"] = {"url": url}
        assert harbor.post(body).status == 202, url
    body["registry"] = {"url": "http://core:8080"}
    refused = harbor.post(body)
    assert (refused.status, refused.json["reason_code"]) == (422, "registry-not-configured")
    assert "aliases" in refused.json["error"]["message"]
    settings = harbor.world.app.settings
    (entry,) = settings.registries
    aliased = dataclasses.replace(settings, registries=(dataclasses.replace(entry, aliases=("core:8080",)),))
    room = dataclasses.replace(harbor.world.app.room, aliases=aliased.aliases)
    assert registry_at(room, "http://core:8080") == host


def test_a_repository_that_no_scope_covers_is_refused_with_the_fix(harbor: Harbor) -> None:
    digest = harbor.world.good("app/web", "1.0")
    scope = dataclasses.replace(harbor.world.policy.scopes[0], repositories=("other.example.com/**",))
    harbor.world.policy = dataclasses.replace(harbor.world.policy, scopes=(scope,))
    reply = harbor.post(harbor.request("app/web", digest))
    assert (reply.status, reply.json["reason_code"]) == (422, "scope-missing")
    assert "add a scope" in reply.json["error"]["message"]


def test_reports_that_are_not_made_and_scans_that_are_not_known(harbor: Harbor) -> None:
    number = harbor.submit("app/web", judged(harbor))
    for accept in ("text/html", "application/vnd.scanner.adapter.vuln.report.raw", f"{REPORT_1_1[:-3]}9.9"):
        reply = harbor.report(number, accept)
        assert (reply.status, reply.json["reason_code"]) == (501, "report-not-made"), accept
    for unknown in ("nothing", number[:-1], f"{number}AAAA", "%20", "a" * 3000):
        reply = harbor.report(unknown)
        assert (reply.status, reply.json["reason_code"]) == (404, "scan-unknown"), unknown
    assert harbor.report(number, "text/html, */*;q=0.1").status == 200


def test_a_scan_of_a_database_that_was_lost_is_to_be_asked_for_again(harbor: Harbor, tmp_path: Path) -> None:
    number = harbor.submit("app/web", judged(harbor))
    (tmp_path / "other").mkdir()
    with a_harbor(tmp_path / "other") as fresh:
        fresh_number = fresh.submit("app/web", fresh.estate.push("app/web", "1.0", LOG4J))
        assert fresh.report(fresh_number).status == 302
        # The other world's registry is not this one's, and no repository of it was ever seen here.
        fresh.world.scope(repositories=("**",))
        assert fresh.report(number).json["reason_code"] == "scan-unknown"


def test_harbor_may_sign_in_in_every_way_it_can(harbor: Harbor) -> None:
    def basic(text: str) -> dict[str, str]:
        return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}

    def ask(headers: dict[str, str]) -> Any:
        return harbor.site.ask("GET", f"{API}/metadata", token="", headers=headers)

    token = harbor.token
    for headers in (
        {"Authorization": f"Bearer {token}"},
        {"Authorization": f"bearer {token}"},
        {"X-ScannerAdapter-API-Key": token},
        basic(f"harbor:{token}"),
        basic(f":{token}"),
    ):
        assert ask(headers).status == 200, headers
    for headers in (
        {},
        {"Authorization": token},
        {"X-ScannerAdapter-API-Key": "gk_nonsense"},
        basic(token),
        basic(f"{token}:"),
        basic("harbor:wrong"),
        {"Authorization": "Basic ???"},
    ):
        reply = ask(headers)
        assert reply.status == 401, headers
        fits("ErrorResponse", reply.json)
        assert "Bearer" in reply.headers["www-authenticate"]
        assert "Basic" in reply.headers["www-authenticate"]
    assert (
        harbor.site.ask("GET", "/v1/tokens", token="", headers=basic(f"a:{harbor.site.admin}")).status == 401
    )


def test_a_token_for_other_repositories_learns_nothing(harbor: Harbor) -> None:
    digest = judged(harbor)
    number = harbor.submit("app/web", digest)
    narrow = harbor.site.token(TokenScope.READ, repositories=("*/other/**",))
    narrowed = dataclasses.replace(harbor, token=narrow)
    assert narrowed.post(harbor.request("app/web", digest)).status == 403
    assert narrowed.report(number).status == 403
    promoting = dataclasses.replace(harbor, token=harbor.site.token(TokenScope.PROMOTE))
    assert promoting.report(number).status == 403


def test_a_body_that_is_too_large_is_refused_as_the_specification_shapes_errors(harbor: Harbor) -> None:
    reply = harbor.post(b" " * 70_000)
    assert (reply.status, reply.json["reason_code"]) == (413, "body-too-large")
