from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatekeeper.cli import main
from gatekeeper.demo.oci_registry.behaviour import Behaviour, Catalog
from gatekeeper.demo.registry import EmbeddedRegistry

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
