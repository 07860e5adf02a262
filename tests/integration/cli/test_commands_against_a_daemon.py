from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatekeeper.cli import main
from tests.integration.cli.conftest import Gate

Typed = Callable[..., tuple[int, Any]]


def test_status_answers_for_exactly_one_digest(gate: Gate, typed: Typed) -> None:
    digest = gate.world.good("app/web", "1.0")
    gate.world.rounds(3)
    code, answer = typed("status", gate.image("app/web:1.0"))
    assert code == answer["exit_code"] == 0
    assert answer["subject"] == gate.image(f"app/web@{digest}")
    assert (answer["state"], answer["reason_code"]) == ("passed", "passed")


@pytest.mark.parametrize(
    ("image", "code", "state", "reason_code"),
    [
        ("app/bad:1.0", 1, "quarantined", None),
        ("app/none:1", 5, "error", None),
        ("quarantine/x:1", 4, "not-covered", "quarantine-repository"),
        ("App/web:1", 2, "error", None),
    ],
)
def test_each_answer_has_its_exit_code(
    gate: Gate, typed: Typed, image: str, code: int, state: str, reason_code: str | None
) -> None:
    gate.world.push("app/bad", "1.0", user="0")
    gate.world.rounds(3)
    found, answer = typed("status", gate.image(image))
    assert (found, answer["state"], answer["exit_code"]) == (code, state, code)
    assert answer["reason_code"] == (reason_code or answer["reason_code"])


def test_a_case_is_reviewed_from_the_command_line(gate: Gate, typed: Typed) -> None:
    bad = gate.world.push("app/bad", "1.0", user="0")
    gate.world.rounds(3)
    code, listing = typed("quarantine", "list")
    assert code == 0
    (case,) = listing["items"]
    assert case["digest"] == str(bad)
    code, row = typed("quarantine", "show", case["id"])
    assert row["case"] == case
    assert {finding["rule"] for finding in row["verdict"]["findings"]} >= {"user-root"}
    code, decided = typed("quarantine", "release", case["id"], "--reason", "known and accepted")
    assert (code, decided["state"]) == (0, "released")
    code, error = typed("quarantine", "release", case["id"], "--reason", "too late")
    assert (code, error["state"]) == (1, "error")
    assert typed("quarantine", "list")[1]["items"] == []
    gate.world.rounds(2)
    assert typed("status", gate.image("app/bad:1.0"))[0] == 0


def test_hold_and_breaker(typed: Typed) -> None:
    code, shown = typed("hold", "show")
    assert (code, shown["hold"], shown["brakes"]) == (0, None, [])
    code, brakes = typed("hold", "on", "--reason", "fire drill")
    assert (code, brakes["hold"]["reason"]) == (0, "fire drill")
    assert typed("hold", "off", "--reason", "over")[1]["hold"] is None
    assert typed("breaker", "show")[1]["breaker"] is None
    assert typed("breaker", "close", "--reason", "nothing to close")[0] == 1


def test_explain_and_promote(gate: Gate, typed: Typed) -> None:
    gate.world.good("app/web", "1.0")
    gate.world.rounds(3)
    code, tree = typed("explain", gate.image("app/web:1.0"))
    assert code == 0
    assert {rule["rule"] for rule in tree["rules"]} == {"signature-missing", "user-root"}
    code, promotion = typed("promote", gate.image("app/web:1.0"), gate.image("prod/web:1.0"))
    assert (code, promotion["state"]) == (0, "confirmed")
    assert typed("promote", gate.image("app/web:1.0"), gate.image("other/web:1.0"))[0] == 6


@pytest.mark.parametrize("command", ["status", "explain"])
def test_without_a_terminal_lines_are_plain(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    gate.world.push("app/bad", "1.0", user="0")
    gate.world.rounds(3)
    monkeypatch.setenv("GATEKEEPER_TOKEN", gate.token())
    assert main([command, gate.image("app/bad:1.0"), "--server", gate.url]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "state: quarantined" in lines
    assert any(line.startswith("rule\t") for line in lines)
    assert all(line.isprintable() or "\t" in line for line in lines)
