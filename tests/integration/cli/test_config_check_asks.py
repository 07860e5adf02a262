from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import main
from gatekeeper.database import Database
from gatekeeper.demo.oci_registry.behaviour import Behaviour, Catalog
from gatekeeper.demo.registry import EmbeddedRegistry
from tests.contract.store.samples import APP, quarantined

POLICY = (
    '[policies.p]\nrules = ["user-root"]\n[[scopes]]\nname = "all"\nrepositories = ["**"]\npolicy = "p"\n'
)


def check(tmp_path: Path, host: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, str]]:
    (tmp_path / "policy.toml").write_text(POLICY)
    config = tmp_path / "config.toml"
    config.write_text(
        f'[[registries]]\nhost = "{host}"\nplain_http = true\n[registries.pace]\nattempts = 1\n'
    )
    code = main(["config", "check", "--ask", "--config", str(config), "-o", "json"])
    (registry,) = json.loads(capsys.readouterr().out)["registries"]
    return code, registry


def test_a_registry_that_answers_is_reachable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedRegistry() as registry:
        code, found = check(tmp_path, registry.host, capsys)
        assert {request.method for request in registry.requests} <= {"GET", "HEAD"}
    assert (code, found["state"]) == (0, "reachable")


def test_a_registry_without_a_catalog_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedRegistry(Behaviour(catalog=Catalog.MISSING)) as registry:
        code, found = check(tmp_path, registry.host, capsys)
    assert (code, found["state"]) == (0, "no-catalog")
    assert "without a wildcard" in found["message"]


def test_a_registry_that_is_not_there_ends_with_5(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = check(tmp_path, "127.0.0.1:1", capsys)
    assert (code, found["state"]) == (5, "unavailable")


def test_cases_that_these_files_leave_out_are_warnings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[[registries]]\nhost = "{APP.registry}"\n')

    def checked(glob: str) -> tuple[int, dict[str, Any]]:
        (tmp_path / "policy.toml").write_text(POLICY.replace("**", glob))
        capsys.readouterr()
        code = main(["config", "check", "--config", str(config), "-o", "json"])
        return code, json.loads(capsys.readouterr().out)

    code, found = checked(f"{APP.registry}/other/**")
    assert (code, found["cases_left_out"], found["warnings"]) == (0, [], [])
    assert not (tmp_path / "gatekeeper.db").exists(), "checking makes no database"
    assert main(["migrate", "--config", str(config)]) == 0
    store = Database.open(f"sqlite:///{tmp_path / 'gatekeeper.db'}")
    quarantined(store)
    store.close()
    code, found = checked(f"{APP.registry}/other/**")
    assert (code, found["cases_left_out"]) == (0, [{"repository": str(APP), "cases": 1}])
    (warning,) = found["warnings"]
    assert warning.startswith(f"1 cases wait in {APP}, which is left out: release or restore them")
    assert checked(f"{APP.registry}/**")[1]["warnings"] == []
    config.write_text("")
    assert checked(f"{APP.registry}/**")[1]["cases_left_out"] != [], "its registry is configured no more"


def test_a_database_that_is_away_is_said_and_fails_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    config = tmp_path / "config.toml"
    config.write_text('[database]\nurl = "postgresql://gatekeeper@127.0.0.1:1/gatekeeper"\n')
    assert main(["config", "check", "--config", str(config), "-o", "json"]) == 0
    (warning,) = json.loads(capsys.readouterr().out)["warnings"]
    assert warning.startswith("whether cases are left out could not be asked: ")
