from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from gatekeeper.cli import main

POLICY = (
    '[policies.p]\nrules = ["user-root"]\n[[scopes]]\nname = "all"\nrepositories = ["**"]\npolicy = "p"\n'
)
ROOT = Path(__file__).parents[3]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOKEN", "hunter2")
    path = tmp_path / "config.toml"
    path.write_text(
        '[[registries]]\nhost = "reg.example.com"\ncredentials = { username = "u", password = { env = "TOKEN" } }\n'
    )
    (tmp_path / "policy.toml").write_text(POLICY)
    return path


def test_check_says_what_was_read(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", "--config", str(config), "-o", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["state"] == "passed"
    assert found["registries"] == [{"host": "reg.example.com"}]
    assert [scope["name"] for scope in found["scopes"]] == ["all"]
    assert found["policy_revision"].startswith("sha256:")


def test_check_tells_every_problem_and_ends_with_3(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("[server]\nlistn = 1\nport = 2\n")
    assert main(["config", "check", "--config", str(config)]) == 3
    told = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1] for line in told] == ["server.listn", "server.port"]


def test_show_never_prints_a_secret_and_hides_where_it_is(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "show", "--config", str(config), "-o", "json"]) == 0
    hidden = capsys.readouterr().out
    assert main(["config", "show", "--places", "--config", str(config)]) == 0
    places = capsys.readouterr().out
    assert "hunter2" not in hidden + places
    assert json.loads(hidden)["registries"][0]["credentials"]["password"] == "[redacted]"
    assert "TOKEN" not in hidden
    assert "registries[0].credentials.password.env\tTOKEN" in places
    assert "caps.per_hour\t30" in places


def test_show_works_where_the_secrets_are_not(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TOKEN")
    assert main(["config", "show", "--config", str(config)]) == 0
    assert main(["config", "check", "--config", str(config)]) == 3
    assert "TOKEN is not set" in capsys.readouterr().err


@pytest.mark.parametrize("which", ["config", "policy"])
def test_the_schemas_accept_the_examples(which: str, capsys: pytest.CaptureFixture[str]) -> None:
    import tomllib

    assert main(["config", "schema", which]) == 0
    schema = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(schema)
    document = tomllib.loads((ROOT / f"{which}.example.toml").read_text())
    Draft202012Validator(schema).validate(document)
    assert not Draft202012Validator(schema).is_valid({**document, "nonsense": 1})
