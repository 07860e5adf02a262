"""JSON from strangers has one reading, or none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.strict_json import check_spelling, loads, loads_object

REFUSED = [
    (b"", "json-malformed"),
    (b"{", "json-malformed"),
    (b"{} {}", "json-malformed"),
    (b"[1,]", "json-malformed"),
    (b"{'a': 1}", "json-malformed"),
    (b'"a\nb"', "json-malformed"),
    (b"\xef\xbb\xbf{}", "json-malformed"),
    (b"1" * 5000, "json-malformed"),
    (b'"\xff"', "json-not-utf8"),
    (b'"\xed\xa0\x80"', "json-not-utf8"),
    (b"\xff\xfe{\x00}\x00", "json-not-utf8"),
    (b'{"a": 1, "a": 1}', "json-duplicate-key"),
    (b'{"a": {"b": 1, "\\u0062": 2}}', "json-duplicate-key"),
    (b"NaN", "json-number-not-finite"),
    (b"[Infinity]", "json-number-not-finite"),
    (b"[-Infinity]", "json-number-not-finite"),
    (b"[1e999]", "json-number-not-finite"),
    (b'["\\ud800"]', "json-lone-surrogate"),
    (b'{"\\uDfff": 1}', "json-lone-surrogate"),
    (b"[" * 65 + b"]" * 65, "json-too-deep"),
    (b'{"a":' * 65 + b"1" + b"}" * 65, "json-too-deep"),
    (b"[" * 1_000_000, "json-too-deep"),
    (b'["\\"' * 65 + b'"', "json-malformed"),
]


@pytest.mark.parametrize(("raw", "reason_code"), REFUSED)
def test_what_could_be_read_twice_is_refused(raw: bytes, reason_code: str) -> None:
    with pytest.raises(MalformedError) as refusal:
        loads(raw)
    assert refusal.value.reason_code == reason_code


def test_sixty_four_levels_are_read() -> None:
    assert loads(b"[" * 64 + b"]" * 64) is not None
    with pytest.raises(MalformedError):
        loads(b"[[]]", max_depth=1)


def test_brackets_within_strings_are_no_depth() -> None:
    text = "[{" * 100 + '\\"' + "[" * 100
    assert loads(json.dumps([text]).encode()) == [text]


def test_hostile_quotes_cost_one_pass() -> None:
    # Quadratic reading of a megabyte of these would take minutes: the suite's time limit would end it.
    with pytest.raises(MalformedError):
        loads(b"[" * 65 + b'"' + b'\\"' * 500_000)


def test_a_surrogate_pair_is_a_character() -> None:
    assert loads(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


def test_an_object_is_asked_for() -> None:
    assert loads_object(b'{"a": 1.5}') == {"a": 1.5}
    with pytest.raises(MalformedError) as refusal:
        loads_object(b"[]")
    assert refusal.value.reason_code == "json-not-an-object"


@pytest.mark.parametrize("key", ["Config", "CONFIG", "con\N{LATIN SMALL LIGATURE FI}g"])
def test_a_key_that_other_readers_take_for_a_known_one_is_refused(key: str) -> None:
    with pytest.raises(MalformedError) as refusal:
        check_spelling({key: 1}, ("config",))
    assert refusal.value.reason_code == "json-key-ambiguous"


def test_known_and_unknown_keys_are_fine() -> None:
    check_spelling({"config": 1, "extra": 2}, ("config",))


PLAIN = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(), st.floats(allow_nan=False, allow_infinity=False)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=20,
)


@given(PLAIN, st.booleans())
def test_what_is_written_is_read(value: object, ascii_only: bool) -> None:
    assert loads(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=60))
def test_bytes_are_read_or_refused_and_nothing_else_happens(raw: bytes) -> None:
    try:
        value = loads(raw)
    except MalformedError:
        return
    assert value == json.loads(raw)
