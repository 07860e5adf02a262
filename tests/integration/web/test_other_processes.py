"""What another process writes is in the next answer, and nothing is invented while the database is away."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.core.lifecycle import CaseState
from gatekeeper.database import Database
from gatekeeper.ports import Store
from tests.integration.web.site import Site, eventually

REVIEW = """
import sys
from datetime import UTC, datetime
from gatekeeper.core.lifecycle import CaseState
from gatekeeper.database import Database
url, case = sys.argv[1:]
store = Database.open(url)
row = store.case(case)
store.review(row.case, CaseState.RESTORED, actor="other", reason="elsewhere", waiver=None, intents=(),
             now=datetime.now(UTC))
store.close()
"""


@pytest.fixture
def other(site: Site) -> Store:
    """The same database as another process has it open."""
    return Database.open(site.world.database)


def test_a_case_decided_elsewhere_changes_the_warm_answer(site: Site) -> None:
    digest = site.world.push("app/bad", "1.0", user="0")
    site.world.rounds(3)
    name = f"app/bad@{digest}"
    assert eventually(lambda: site.status(name), lambda reply: "etag" in reply.headers).json["state"] == (
        "quarantined"
    )
    command = [sys.executable, "-c", REVIEW, site.world.database, site.world.case().id]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[3], timeout=60)
    eventually(lambda: site.status(name).json["state"], lambda state: state == "waiting")


def test_a_token_revoked_elsewhere_is_refused(site: Site, other: Store) -> None:
    name = site.passed("app/web")
    token = site.token()
    assert site.status(name, token=token).status == 200
    other.revoke_token(token.split("_")[1], actor="other", now=site.world.clock.now())
    reply = eventually(lambda: site.status(name, token=token), lambda found: found.status != 200)
    assert (reply.status, reply.json["reason_code"]) == (401, "token-revoked")


def test_an_own_act_is_in_the_very_next_answer(site: Site) -> None:
    site.world.push("app/bad", "1.0", user="0")
    site.world.rounds(3)
    case = site.world.case()
    name = f"app/bad@{case.digest}"
    for _ in range(2):
        assert site.status(name).json["state"] == "quarantined"
    done = site.ask("POST", f"/v1/quarantine/{case.id}/restore", body={"reason": "undo it"})
    assert done.json["state"] == str(CaseState.RESTORED)
    assert site.status(name).json["state"] == "waiting"
    token = site.token()
    assert site.status(name, token=token).status == 200
    assert site.ask("DELETE", f"/v1/tokens/{token.split('_')[1]}").status == 204
    assert site.status(name, token=token).status == 401


def test_while_the_database_is_away_there_is_no_answer(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    name = site.passed("app/web")
    token = site.token()
    assert site.status(name, token=token).status == 200

    def gone(*_arguments: object, **_named: object) -> object:
        raise UnavailableError(
            "connection refused by db.internal", cause=Cause.STORE, reason_code="database-gone"
        )

    asks: Callable[..., object] = gone
    for method in ("change_counter", "status", "token", "counts"):
        monkeypatch.setattr(Database, method, asks)
    reply = eventually(lambda: site.status(name, token=token), lambda found: found.status != 200)
    assert (reply.status, reply.json["reason_code"], reply.json["exit_code"]) == (503, "database-gone", 4)
    assert int(reply.headers["retry-after"]) >= 1
    assert "gatekeeper_database_up 0.0" in site.get("/metrics", "").raw.decode()
    assert site.get("/healthz", "").status == 200
    monkeypatch.undo()
    eventually(lambda: site.status(name, token=token).status, lambda status: status == 200)
