"""Every error is a problem document, whatever provoked it, and none of them tells what it should not."""

from __future__ import annotations

import http.client
import json
import logging
from urllib.parse import urlsplit

import pytest

from gatekeeper.database import Database
from gatekeeper.ports import TokenScope
from gatekeeper.web.frame import BODY_CAP
from tests.integration.web.site import Reply, Site

ZERO = f"sha256:{'0' * 64}"
HOSTILE = "\u202e<script>alert(1)</script>\"'; DROP TABLE api_token; -- {{7*7}} %s %(x)s \\x1b[2J"


def checked(reply: Reply, status: int, reason_code: str) -> dict[str, object]:
    assert reply.status == status, reply.raw
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    found: dict[str, object] = reply.json
    assert isinstance(found["detail"], str)
    assert found["detail"]
    assert found["reason_code"] == found["title"] == reason_code
    assert (found["status"], found["state"]) == (status, "error")
    assert isinstance(found["exit_code"], int)
    assert found["exit_code"] != 0
    return found


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason_code"),
    [
        ("GET", "/nowhere", None, 404, "no-such-path"),
        ("GET", "/v1/quarantine/", None, 404, "no-such-path"),
        ("GET", "/v1/quarantine/none", None, 404, "case-unknown"),
        ("GET", f"/v1/verdicts/{ZERO}?repository=a.example.com/b", None, 404, "verdict-unknown"),
        ("DELETE", "/v1/tokens/none", None, 404, "token-unknown"),
        ("PUT", "/v1/tokens", None, 405, "method-not-allowed"),
        ("POST", "/v1/status", None, 405, "method-not-allowed"),
        ("GET", "/v1/status?image=a.example.com//b", None, 400, "path-segment-empty"),
        ("GET", "/v1/status", None, 400, "image-missing"),
        ("GET", "/v1/status?image=127.0.0.1:1/a:1", None, 422, "registry-not-configured"),
        ("GET", "/v1/images?after=nonsense", None, 400, "cursor-malformed"),
        ("GET", "/v1/images?limit=0", None, 422, "request-malformed"),
        ("GET", "/v1/images?repository=%00", None, 422, "request-malformed"),
        ("GET", "/v1/images?repository=" + "**a" * 5, None, 422, "request-malformed"),
        ("GET", "/v1/quarantine?state=gone", None, 422, "request-malformed"),
        ("POST", "/v1/hold/on", b"{", 422, "request-malformed"),
        ("POST", "/v1/hold/on", {"reason": ""}, 422, "request-malformed"),
        ("POST", "/v1/hold/on", {"reason": "   "}, 422, "request-malformed"),
        ("POST", "/v1/hold/on", {"reason": "nul \x00"}, 422, "request-malformed"),
        ("POST", "/v1/hold/on", b'{"reason": "lone \\ud800"}', 422, "request-malformed"),
        ("POST", "/v1/hold/on", {"reason": "why", "more": 1}, 422, "request-malformed"),
        ("POST", "/v1/hold/on", {"reason": "x" * (BODY_CAP + 1)}, 413, "body-too-large"),
        ("POST", "/v1/breaker/close", {"reason": "it is not open"}, 409, "breaker-not-open"),
        ("POST", "/v1/quarantine/none/accept", {"reason": "what"}, 422, "request-malformed"),
    ],
)
def test_each_fault_has_its_document(
    site: Site, method: str, path: str, body: object, status: int, reason_code: str
) -> None:
    checked(site.ask(method, path, body=body), status, reason_code)


@pytest.mark.parametrize(
    "token",
    [
        {"scopes": []},
        {"scopes": ["root"]},
        {"repositories": []},
        {"repositories": ["*a*a*a*a*a"]},
        {"name": "line\nbreak"},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2030-01-01T00:00:00"},
        {"expires_at": "9999-12-31T23:59:59-23:59"},
        {"expires_at": "0001-01-01T00:00:00+23:59"},
        {"one_use": True},
    ],
)
def test_a_token_that_could_never_be_used_is_not_made(site: Site, token: dict[str, object]) -> None:
    before = len(site.world.app.room.store.tokens())
    whole = {"name": "t", "scopes": ["read"], "repositories": ["**"], **token}
    assert site.ask("POST", "/v1/tokens", body=whole).status in (400, 422)
    assert len(site.world.app.room.store.tokens()) == before


def test_a_body_without_a_length_is_cut_at_the_cap(site: Site) -> None:
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=60)
    try:
        connection.request(
            "POST",
            "/v1/hold/on",
            body=iter([b" " * 16_384] * 8),
            headers={"Authorization": f"Bearer {site.admin}", "Content-Type": "application/json"},
            encode_chunked=True,
        )
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["reason_code"]) == (413, "body-too-large")
    finally:
        connection.close()
    assert site.get("/v1/hold").json["brakes"] == []


def test_an_internal_error_tells_nothing_but_an_incident(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> object:
        raise RuntimeError("secret-detail")

    monkeypatch.setattr(Database, "tokens", broken)
    ours = logging.getLogger("gatekeeper")
    watching = [handler for handler in ours.handlers if type(handler).__name__ == "Defects"]
    for handler in watching:
        ours.removeHandler(handler)
    with caplog.at_level(logging.ERROR, "gatekeeper.web"):
        reply = site.get("/v1/tokens")
    for handler in watching:
        ours.addHandler(handler)
    found = checked(reply, 500, "internal-error")
    assert found["exit_code"] == 70
    assert b"secret-detail" not in reply.raw
    assert b"Traceback" not in reply.raw
    assert str(found["incident"]) in str(found["detail"])
    assert str(found["incident"]) in caplog.text
    assert "secret-detail" in caplog.text
    assert 'route="/v1/tokens",status="500"' in site.get("/metrics", "").raw.decode()


def test_hostile_text_stays_text(site: Site) -> None:
    site.world.push("app/bad", "1.0", user="0", text=HOSTILE)
    site.world.rounds(3)
    case = site.world.case().id
    reviewer = site.token(TokenScope.REVIEW, TokenScope.READ)
    decided = site.ask("POST", f"/v1/quarantine/{case}/keep", token=reviewer, body={"reason": HOSTILE})
    assert decided.status == 200
    row = site.get(f"/v1/quarantine/{case}", reviewer)
    assert row.json["history"][-1]["reason"] == HOSTILE
    assert row.json["history"][-1]["actor"].startswith("token:")
    assert row.headers["content-type"] == "application/json"
    assert row.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in row.headers["content-security-policy"]
    assert site.get("/v1/tokens").status == 200
    for path in (f"/v1/quarantine/{'%3Cscript%3E'}", "/v1/status?image=%3Cscript%3E", "/%3Cscript%3E"):
        reply = site.get(path)
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.headers["x-content-type-options"] == "nosniff"


def test_every_answer_names_no_software_and_is_kept_nowhere(site: Site) -> None:
    name = site.passed("app/web")
    for reply in (site.get("/v1/images"), site.get("/healthz", ""), site.get("/v1/tokens")):
        assert "server" not in reply.headers
        assert reply.headers["cache-control"] == "no-store"
    for _ in range(2):
        assert site.status(name).headers["cache-control"] == "private, no-cache"
        assert site.status(name).headers["x-content-type-options"] == "nosniff"
