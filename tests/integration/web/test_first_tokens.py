"""There is no default password: the first token is in a file, works once, and only for making another one."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest

from gatekeeper.cli.daemon import write_first_token
from gatekeeper.config.settings import ServerSettings
from gatekeeper.core.errors import ConfigurationError
from tests.integration.web.site import Reply, Site, serving
from tests.integration.workflow.world import a_world

BODY = {"name": "ci", "scopes": ["read"], "repositories": ["**"]}


def test_the_first_token_makes_the_second_and_ends(tmp_path: Path) -> None:
    place = ServerSettings(bootstrap_token_file=tmp_path / "first")
    with a_world(tmp_path) as world:
        world.clock.moment = datetime.now(UTC)
        write_first_token(world.app.room.store, place)
        assert stat.S_IMODE((tmp_path / "first").stat().st_mode) == 0o600
        text = (tmp_path / "first").read_text().strip()
        (token,) = world.app.room.store.tokens()
        assert token.one_use
        assert token.expires_at is not None
        secret = text.split("_", 2)[2].encode()
        assert all(secret not in file.read_bytes() for file in tmp_path.glob("gatekeeper.db*"))
        with serving(world) as site:
            made = site.ask("POST", "/v1/tokens", token=text, body=BODY)
            assert made.status == 201
            again = site.ask("POST", "/v1/tokens", token=text, body=BODY)
            assert (again.status, again.json["reason_code"]) == (401, "token-revoked")
            assert site.get("/v1/images", made.json["text"]).status == 200


def test_a_database_with_a_token_gets_no_first_one(tmp_path: Path) -> None:
    with a_world(tmp_path) as world, serving(world):
        write_first_token(world.app.room.store, ServerSettings(bootstrap_token_file=tmp_path / "first"))
    assert not (tmp_path / "first").exists()


def test_a_file_in_the_way_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "first").write_text("mine")
    with a_world(tmp_path) as world:
        with pytest.raises(ConfigurationError):
            write_first_token(world.app.room.store, ServerSettings(bootstrap_token_file=tmp_path / "first"))
        assert list(world.app.room.store.tokens()) == []
    assert (tmp_path / "first").read_text() == "mine"


def test_of_two_who_use_it_at_once_one_gets_a_token(site: Site) -> None:
    once = site.token(one_use=True)
    before = len(site.world.app.room.store.tokens())
    barrier = Barrier(8)

    def use(_number: int) -> Reply:
        barrier.wait(60)
        return site.ask("POST", "/v1/tokens", token=once, body=BODY)

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(use, range(8)))
    assert {reply.status for reply in replies} <= {201, 401, 409}
    assert sum(reply.status == 201 for reply in replies) == 1
    assert len(site.world.app.room.store.tokens()) == before + 1


def test_the_audit_trail_names_who_made_and_who_ended_a_token(site: Site) -> None:
    made = site.ask("POST", "/v1/tokens", body=BODY).json
    assert made["token"]["expires_at"] is not None
    assert "secret" not in made["token"]
    assert site.ask("DELETE", f"/v1/tokens/{made['token']['id']}").status == 204
    assert site.ask("DELETE", f"/v1/tokens/{made['token']['id']}").status == 204
    rows = site.world.app.room.store.rows(after=0, limit=1000)
    acts = [(row.action, row.actor) for row in rows if row.subject == f"token {made['token']['id']}"]
    who = f"token:{site.admin.split('_')[1]}/tester"
    assert acts == [("token-created", who), ("token-revoked", who)]
