from __future__ import annotations

import contextlib
import io
import re

import pytest

from gatekeeper.cli.output import Block, Facts, Line, Output, Rows, show


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    return Terminal()


BLOCKS: list[Block] = [
    Facts([("state", "failed"), ("message", "[red]a\x1b[2Jb[/red] :smile:"), ("empty", None)]),
    Rows(["rule", "digest"], [["user-root", "sha256:" + "a" * 64], ["tag\nlatest", None]], title="findings"),
    Rows(["x"], [], empty="nothing"),
    Line("done"),
]


def test_a_terminal_gets_tables_with_every_character(terminal: Terminal) -> None:
    with contextlib.redirect_stdout(terminal):
        show(Output.TABLE, {}, lambda: BLOCKS)
    drawn = terminal.getvalue()
    assert "\x1b[31m" in drawn, "the state is coloured"
    bare = re.sub(r"\x1b\[[0-9;]*m", "", drawn)
    assert "\x1b" not in bare, "nothing but colours of ours"
    assert "[red]a\\x1b[2Jb[/red] :smile:" in bare, "markup of others is shown as it is"
    assert "a" * 64 in bare
    assert "tag\\x0alatest" in bare
    assert "empty" not in bare
    assert "nothing" in bare


def test_no_color_is_obeyed(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with contextlib.redirect_stdout(terminal):
        show(Output.TABLE, {}, lambda: BLOCKS)
    assert not re.search(r"\x1b\[(3|4|9|10)[0-9;]*m", terminal.getvalue())


def test_json_is_never_drawn(terminal: Terminal) -> None:
    with contextlib.redirect_stdout(terminal):
        show(Output.JSON, {"message": "a\x1b[2Jb\u202e"}, lambda: BLOCKS)
    assert terminal.getvalue() == '{\n  "message": "a\\u001b[2Jb\\u202e"\n}\n'


def test_without_a_terminal_nothing_is_cut_or_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    show(Output.TABLE, {}, lambda: [Rows(["a", "b"], [["x" * 500, None]]), Facts([("name", "y" * 500)])])
    assert capsys.readouterr().out == f"a\tb\n{'x' * 500}\t-\nname: {'y' * 500}\n"
