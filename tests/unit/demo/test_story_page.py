"""What the demo prints: plain for programs, coloured for people, aligned for both."""

from __future__ import annotations

import io

import pytest

from gatekeeper.demo.story_page import Page


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def tell(stream: io.StringIO) -> str:
    page = Page(stream)
    page.title("A title")
    page.section("First")
    page.table(
        ("image", "answer", "why"), [("shop/web:1.0", "passed", "all good"), ("a:1", "quarantined", "-")]
    )
    page.section("Second")
    page.typed("gatekeeper status a:1")
    page.say("a sentence")
    return stream.getvalue()


def test_plain_where_nobody_looks() -> None:
    assert tell(io.StringIO()).splitlines() == [
        "A title",
        "",
        "1. First",
        "   image         answer       why",
        "   shop/web:1.0  passed       all good",
        "   a:1           quarantined  -",
        "",
        "2. Second",
        "   $ gatekeeper status a:1",
        "   a sentence",
    ]


def test_colours_on_a_terminal_repeat_what_the_words_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    drawn = tell(Terminal())
    assert "\x1b[32mpassed\x1b[0m" in drawn
    assert "\x1b[31mquarantined\x1b[0m" in drawn
    monkeypatch.setenv("NO_COLOR", "1")
    assert tell(Terminal()) == tell(io.StringIO())
