"""Every way a command can end is one of the documented exit codes, whatever was raised inside it."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.cli import border
from gatekeeper.cli.app import command
from gatekeeper.cli.reference import commands
from gatekeeper.core.errors import (
    Cause,
    ConfigurationError,
    ConflictError,
    DeniedError,
    GatekeeperError,
    MalformedError,
    NotFoundError,
    NotOfferedError,
    UnavailableError,
)

Raising = Callable[[str, BaseException], list[str]]
ALL = {" ".join(path): node for path, node in commands(command())}
SAMPLES = {
    "IMAGE": "a.example.com/x:1",
    "FILE|IMAGE": "a.example.com/x:1",
    "TARGET": "a.example.com/y:1",
    "CASE": "c-1",
    "HOST": "a.example.com",
    "REVISION": "sha256:0",
    "NAME": "n",
    "ID": "i",
    "SBOM": "sbom.json",
    "FILE": "root.json",
    "PATH...": "osv.zip",
    "FEED": "npm",
    "KEY": "release",
}
OPTIONS = {
    "reason": ("--reason", "because"),
    "scope": ("--scope", "read"),
    "before": ("--before", "2026-01-01"),
    "to": ("--to", "archive.jsonl"),
    "rule": ("--rule", "user-root"),
    "key": ("--key", "signing.pem"),
    "expires": ("--expires", "1d"),
    "verifier_id": ("--verifier-id", "https://gatekeeper.example.test"),
}

ERRORS: list[tuple[GatekeeperError, int]] = [
    (ConflictError("x", reason_code="x"), 1),
    (MalformedError("x", reason_code="x"), 2),
    (ConfigurationError(("a:1:1: b: x", "a:2:1: c: y")), 3),
    (UnavailableError("x", cause=Cause.TIMEOUT), 5),
    (NotFoundError("x", reason_code="x"), 5),
    (NotOfferedError("x", reason_code="x"), 5),
    (DeniedError("x", reason_code="x"), 6),
]


def words(name: str) -> list[str]:
    """A command line that reaches the command's own code."""
    line = name.split()
    for parameter in ALL[name].params:
        if parameter.param_type_name == "argument" and parameter.required:
            line.append(SAMPLES[parameter.metavar.strip("{}")])
        elif parameter.required:
            line += OPTIONS[parameter.name]
    return line


@pytest.fixture
def raising(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Raising:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("GATEKEEPER_DEBUG", raising=False)

    def arrange(name: str, error: BaseException) -> list[str]:
        root = command()
        node = {" ".join(path): found for path, found in commands(root)}[name]

        def inside(**_: object) -> None:
            raise error

        monkeypatch.setattr(node, "callback", inside)
        monkeypatch.setattr("gatekeeper.cli.app.command", lambda _: root)
        return words(name)

    return arrange


@pytest.mark.parametrize("name", ALL)
def test_a_fault_of_ours_inside_any_command_is_an_incident(
    name: str, raising: Raising, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert border.guarded(raising(name, RuntimeError("the insides"))) == 70
    shown = capsys.readouterr()
    kept = list((tmp_path / "state" / "gatekeeper").iterdir())
    assert len(kept) == 1
    incident = kept[0].name.removeprefix("incident-").removesuffix(".txt")
    assert incident in shown.err
    assert "Traceback" not in shown.err
    assert "the insides" not in shown.err
    assert "the insides" in kept[0].read_text()
    assert stat.S_IMODE(kept[0].stat().st_mode) == 0o600


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("name", ["status", "quarantine release", "audit head"])
def test_each_family_of_errors_has_its_exit_code_and_no_traceback(
    name: str, error: GatekeeperError, code: int, raising: Raising, capsys: pytest.CaptureFixture[str]
) -> None:
    assert border.guarded(raising(name, error)) == code
    shown = capsys.readouterr()
    assert error.message in shown.err.replace("gatekeeper: ", "")
    assert "Traceback" not in shown.err
    assert shown.out == ""


@pytest.mark.parametrize(
    ("error", "code"), [*ERRORS, (RuntimeError("x"), 70)], ids=lambda value: type(value).__name__
)
def test_an_error_is_json_where_json_was_asked_for(
    error: Exception, code: int, raising: Raising, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*raising("status", error), "--output", "json"]
    assert border.guarded(arguments) == code
    told = json.loads(capsys.readouterr().out)
    assert told["state"] == "error"
    assert told["exit_code"] == code
    assert told["reason_code"]


def test_hostile_text_in_an_error_is_not_obeyed(raising: Raising, capsys: pytest.CaptureFixture[str]) -> None:
    border.guarded(raising("status", NotFoundError("\x1b[2Jgone", reason_code="x")))
    assert "\x1b" not in capsys.readouterr().err


def test_interruption_and_a_closed_pipe_are_no_verdicts(raising: Raising) -> None:
    assert border.guarded(raising("status", KeyboardInterrupt())) == 130


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["status"],
        ["status", "a", "b"],
        ["status", "a", "--output", "yaml"],
        ["status", "a", "--wait", "5"],
        ["status", "a", "--nonsense"],
        ["quarantine", "release", "c-1"],
        ["quarantine", "recover", "--accept"],
        ["token", "create", "n", "--scope", "everything"],
    ],
    ids=" ".join,
)
def test_a_line_that_cannot_be_read_is_a_usage_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert border.guarded(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err


def test_a_missing_configuration_is_code_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEKEEPER_CONFIG", raising=False)
    monkeypatch.delenv("GATEKEEPER_SERVER", raising=False)
    assert border.guarded(["config", "check"]) == 3
    assert "copy config.example.toml" in capsys.readouterr().err


def test_help_and_version_end_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert border.guarded(["--version"]) == 0
    assert border.guarded(["quarantine", "--help"]) == 0
    assert capsys.readouterr().out.startswith("gatekeeper ")
    assert command().name == "gatekeeper"
