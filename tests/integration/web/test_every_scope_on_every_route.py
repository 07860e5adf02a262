"""Generated from the OpenAPI document: every kind of token on every route."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from gatekeeper.core.manifest import OCI_MANIFEST
from gatekeeper.ports import TokenScope
from gatekeeper.web.reference import document
from tests.integration.web.site import Reply, Site, a_site

OPERATIONS = [
    pytest.param(method.upper(), path, operation, id=f"{method} {path}")
    for path, operations in document()["paths"].items()
    for method, operation in operations.items()
]
FOREIGN = ("other.example.com/**",)
LISTINGS = {"/v1/images", "/v1/quarantine", "/v1/waivers"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A site with something to ask for."""

    site: Site
    names: dict[str, str]
    bodies: dict[str, dict[str, object]]

    def ask(self, method: str, path: str, operation: dict[str, Any], token: str, **headers: str) -> Reply:
        query = {}
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query" and parameter["required"]:
                query[parameter["name"]] = self.names[parameter["name"]]
        schema = ""
        if "requestBody" in operation:
            (content, *_) = operation["requestBody"]["content"].values()
            schema = content["schema"]["$ref"].rpartition("/")[2]
        return self.site.ask(
            method,
            path.format_map(self.names),
            token=token,
            query=query,
            body=self.bodies.get(schema),
            headers=headers,
        )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    with a_site(tmp_path_factory.mktemp("site")) as site:
        good = site.passed("app/good")
        site.world.push("app/bad", "1.0", user="0")
        site.world.rounds(3)
        waiver = {"rule": "user-root", "reason": "known", "expires_at": site.later}
        made = site.ask("POST", "/v1/waivers", body={**waiver, "repositories": site.image("app/good")}).json[
            "id"
        ]
        names = {
            "image": site.image(good),
            "repository": site.image("app/good"),
            "digest": good.partition("@")[2],
            "case": site.world.case().id,
            "decision": "keep",
            "host": "none.example.com",
            "revision": site.revision,
            "waiver": made,
            "vulnerability": "CVE-2026-1",
            "token_id": site.token().split("_")[1],
        }
        scan: dict[str, object] = {
            "registry": {"url": f"http://{site.world.registry.host}"},
            "artifact": {"repository": "app/good", "digest": names["digest"], "mime_type": OCI_MANIFEST},
        }
        names["scan_request_id"] = site.ask("POST", "/scanner/api/v1/scan", body=scan).json["id"]
        bodies: dict[str, dict[str, object]] = {
            "ReasonBody": {"reason": "tried by a test"},
            "ReviewBody": {"reason": "tried by a test"},
            "WaiverBody": {**waiver, "repositories": site.image("app/good")},
            "ResendBody": {"reason": "tried by a test"},
            "PromotionBody": {"image": site.image(good), "target": site.image("prod/good:1")},
            "TokenBody": {"name": "made", "scopes": ["read"], "repositories": ["**"]},
            "ScanRequest": scan,
        }
        yield Prepared(site, names, bodies)


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
@pytest.mark.parametrize("scope", TokenScope)
def test_a_token_may_do_what_its_scope_says_and_nothing_else(
    prepared: Prepared, method: str, path: str, operation: dict[str, Any], scope: TokenScope
) -> None:
    reply = prepared.ask(method, path, operation, prepared.site.token(scope))
    if scope in (operation["x-token-scope"], TokenScope.ADMIN):
        assert reply.status < 300 or reply.status in (302, 404, 409), reply.raw
    else:
        assert reply.status == 403
        assert (reply.json["reason_code"], reply.json["exit_code"]) == ("token-scope-missing", 6)


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_another_repositorys_token_sees_and_does_nothing(
    prepared: Prepared, method: str, path: str, operation: dict[str, Any]
) -> None:
    token = prepared.site.token(*TokenScope, repositories=FOREIGN)
    reply = prepared.ask(method, path, operation, token)
    if path in LISTINGS and method == "GET":
        assert (reply.status, reply.json) == (200, {"items": [], "next": None})
        everything = prepared.site.ask(method, path, token=token, query={"repository": "127.0.0.1*/**"})
        assert everything.json["items"] == []
    elif path == "/scanner/api/v1/metadata":
        assert reply.status == 200
        assert "app/" not in reply.raw.decode()
    elif path.startswith("/v1/affected/"):
        found = reply.json["answer"]
        assert (reply.status, found["images"], found["image_count"]) == (200, [], 0)
    else:
        assert (reply.status, reply.json["reason_code"]) == (403, "token-scope-missing")


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_without_a_living_token_there_is_no_answer(
    prepared: Prepared, method: str, path: str, operation: dict[str, Any]
) -> None:
    site = prepared.site
    store, now = site.world.app.room.store, site.world.clock.now()
    living, revoked = site.token(), site.token()
    store.revoke_token(revoked.split("_")[1], actor="tester", now=now)
    expired = site.token(expires_at=now + timedelta(seconds=1))
    site.world.clock.advance(timedelta(seconds=1))
    wrong_secret = living[:-1] + ("A" if living[-1] != "A" else "B")
    basic = {"Authorization": "Basic Z2s6Z2s="}
    scanner = path.startswith("/scanner/")
    attempts = {
        "token-missing": [{"token": ""}, *(() if scanner else (basic,))],
        "token-unknown": [
            {"token": "gk_nonsense"},
            {"token": f"gk_{'0' * 12}_{'a' * 43}"},
            {"token": wrong_secret},
            {"Authorization": "Bearer"},
            *((basic,) if scanner else ()),
        ],
        "token-revoked": [{"token": revoked}],
        "token-expired": [{"token": expired}],
    }
    for reason_code, variants in attempts.items():
        for variant in variants:
            reply = prepared.ask(method, path, operation, **{"token": "", **variant})
            assert (reply.status, reply.json["exit_code"]) == (401, 6), variant
            assert reply.json["reason_code"] == reason_code, variant
            assert reply.headers["www-authenticate"].startswith("Bearer")
    assert prepared.ask(method, path, operation, living).status != 401


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_a_one_use_token_makes_one_token(
    prepared: Prepared, method: str, path: str, operation: dict[str, Any]
) -> None:
    token = prepared.site.token(one_use=True)
    first = prepared.ask(method, path, operation, token)
    second = prepared.ask(method, path, operation, token)
    if (method, path) == ("POST", "/v1/tokens"):
        assert (first.status, second.status) == (201, 401)
        assert second.json["reason_code"] == "token-revoked"
        assert (
            prepared.site.get("/v1/status", first.json["text"], image=prepared.names["image"]).status == 200
        )
    else:
        for reply in (first, second):
            assert (reply.status, reply.json["reason_code"]) == (403, "token-one-use")


def test_everything_under_v1_wants_a_token(prepared: Prepared) -> None:
    for path in ("/v1/status", "/v1/explain", "/v1/tokens"):
        assert prepared.site.get(path, "").status == 401
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        assert prepared.site.get(path, "").status == 200
