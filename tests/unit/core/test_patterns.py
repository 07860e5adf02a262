"""Texts of a policy: exact, glob, regular expression; each matches whole texts, in linear time."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.linear_regexp import Program, regexp
from gatekeeper.core.patterns import Pattern, PatternKind

_ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "[a-c]", r"\d", r"\w", r"\.", "/", "-", "(?:a|b)"])
_SIGNS = st.sampled_from(["", "*", "+", "?", "{2}", "{0,2}", "{1,}"])
_PARTS = st.tuples(_ATOMS, _SIGNS).map("".join)
_BRANCHES = st.lists(_PARTS, max_size=4).map("".join)
_FLAT = st.lists(_BRANCHES, min_size=1, max_size=3).map("|".join)
_GROUPED = st.tuples(_FLAT, st.sampled_from(["", "?", "{2}"])).map(lambda both: f"({both[0]}){both[1]}")
EXPRESSIONS = st.lists(st.one_of(_PARTS, _GROUPED), max_size=4).map("".join)
TEXTS = st.text("abc1./-@", max_size=12)


@given(EXPRESSIONS, TEXTS)
def test_it_matches_what_the_standard_library_matches_as_a_whole(expression: str, text: str) -> None:
    assert regexp(expression).matches(text) == (re.fullmatch(expression, text) is not None)


class Counted(list[Any]):
    """Counts how often an automaton looks at a state."""

    looks = 0

    def __getitem__(self, index: Any) -> Any:
        self.looks += 1
        return super().__getitem__(index)


@pytest.mark.parametrize(
    "expression", ["a*a*a*a*a*b", "(a|a)*b", "(a|aa|aaa)+b", "(.|a|b)*c", "a{0,50}a{50}b"]
)
@pytest.mark.parametrize("length", [10, 100, 1000])
def test_expressions_that_ruin_backtracking_take_linear_time(expression: str, length: int) -> None:
    _looks_are_linear(expression, "a" * length)


@given(EXPRESSIONS, TEXTS, st.integers(1, 20))
def test_every_accepted_expression_takes_linear_time(expression: str, text: str, times: int) -> None:
    _looks_are_linear(expression, text * times)


def _looks_are_linear(expression: str, text: str) -> None:
    program = Program.__new__(Program)
    program.__dict__.update(regexp(expression).__dict__)
    counted = program.__dict__["_tests"] = Counted(program.__dict__["_tests"])
    program.matches(text)
    assert counted.looks <= 2 * program.states * (len(text) + 1)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("(a+)+", "repeats without bound"),
        ("(a*b?)*", "repeats without bound"),
        ("((a|b*)c)+", "repeats without bound"),
        ("(x+x+)+y", "repeats without bound"),
        ("(a{1,})*", "repeats without bound"),
        (r"(a)\1", "back reference"),
        ("(?=a)a", "look-around"),
        ("(?<=a)a", "look-around"),
        ("(?i)a", "inline flags"),
        ("(?P=name)", "not understood"),
        ("a**", "two repetitions"),
        ("*a", "nothing to repeat"),
        ("(a", "never closed"),
        ("a)", "closes nothing"),
        ("[a", "never closed"),
        ("[z-a]", "no"),
        ("a{2,1}", "no range"),
        ("a{5000}", "no range"),
        ("a{x}", "begins no repetition"),
        ("(a{500}){500}", "too large"),
        ("(" * 60 + ")" * 60, "deeper"),
        ("a^b", "in its middle"),
        (r"\p{L}", "unknown escape"),
        ("\\", "unknown escape"),
        ("a" * 2001, "longer than"),
    ],
)
def test_what_is_refused_says_why_and_where(expression: str, why: str) -> None:
    with pytest.raises(MalformedError, match=re.escape(why)) as caught:
        Pattern(PatternKind.REGEXP, expression)
    assert caught.value.reason_code == "regular-expression-refused"


@given(st.text("ab|*+?()[]{}^$\\.,1-<>=!:P", max_size=12))
def test_nothing_but_a_typed_refusal_comes_out(expression: str) -> None:
    with contextlib.suppress(MalformedError):
        regexp(expression).matches("ab")


def test_anchors_at_the_ends_change_nothing_and_nothing_matches_a_part() -> None:
    for expression in ("https://github.com/good", "^https://github.com/good$", "^https://github.com/good"):
        pattern = Pattern(PatternKind.REGEXP, expression)
        assert pattern.matches("https://github.com/good")
        assert not pattern.matches("https://github.com/good-org-evil")
        assert not pattern.matches("https://evil.test/?https://github.com/good")


_ORG = "https://github.com/org/*"
_DEEP = "https://github.com/org/**"
_MAIN = "https://github.com/org/**@refs/heads/main"
_RUN = "https://github.com/org/app/.github/workflows/release.yml@refs/heads/main"


@pytest.mark.parametrize(
    ("glob", "text", "matches"),
    [
        (_ORG, "https://github.com/org/app", True),
        (_ORG, "https://github.com/org-evil/app", False),
        (_ORG, "https://evil.test/?https://github.com/org/app", False),
        (_ORG, _RUN, False),
        (_DEEP, _RUN, True),
        (_DEEP, "https://github.com/org-evil/app", False),
        (_MAIN, _RUN, True),
        (_MAIN, _RUN.replace("main", "x@refs/heads/main"), False),
        ("*@example.com", "ann@example.com", True),
        ("*@example.com", "ann@evil.test@example.com", False),
        ("*@example.com", "ann@example.com.evil.test", False),
        ("v?", "v1", True),
        ("v?", "v/", False),
        ("a.c", "abc", False),
        ("**", "a\nb", False),
    ],
)
def test_globs_mean_path_segments(glob: str, text: str, matches: bool) -> None:
    assert Pattern(PatternKind.GLOB, glob).matches(text) is matches


@given(st.text(max_size=20), st.text(max_size=20))
def test_an_exact_pattern_names_one_text(text: str, other: str) -> None:
    pattern = Pattern(PatternKind.EXACT, text)
    assert pattern.matches(text)
    assert pattern.matches(other) == (text == other)
