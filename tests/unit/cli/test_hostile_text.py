from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.cli.output import Facts, Line, Rows, plain_lines
from gatekeeper.cli.text import harmless


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, äöü 中", "plain text, äöü 中"),
        ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        ("a\nb\rc\td", "a\\x0ab\\x0dc\\x09d"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x9b31m", "\\x9b31m"),
        ("\u2028line", "\\u2028line"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_a_terminal_would_obey_is_shown(text: str, shown: str) -> None:
    assert harmless(text) == shown


@given(st.text())
def test_nothing_unprintable_ever_comes_out(text: str) -> None:
    assert harmless(text).isprintable()


@given(st.text(), st.text())
def test_a_value_never_makes_a_line_or_a_column_of_its_own(first: str, second: str) -> None:
    rows = plain_lines(Rows(["a", "b"], [[first, second]]))
    assert len(rows) == 2
    assert rows[1].count("\t") == 1
    assert all(
        "\n" not in line for line in (*rows, *plain_lines(Line(first)), *plain_lines(Facts([("x", first)])))
    )
