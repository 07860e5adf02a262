"""WWW-Authenticate in every shape that registries send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.registry.challenge import parse_challenges


def read(*fields: str) -> list[tuple[str, dict[str, str]]]:
    return [(one.scheme, dict(one.parameters)) for one in parse_challenges(fields)]


REALM = {"realm": "https://auth.example/token", "service": "registry", "scope": "repository:a/b:pull,push"}
BEARER = 'Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push"'


@pytest.mark.parametrize(
    "text",
    [
        BEARER,
        BEARER.replace(",service", ", service").replace(",scope", " , scope"),
        BEARER.replace("Bearer", "bEARER"),
        BEARER.replace("realm=", "Realm = "),
        BEARER.replace('"registry"', "registry"),
        f"  {BEARER}  ",
    ],
)
def test_a_bearer_challenge(text: str) -> None:
    assert read(text) == [("bearer", REALM)]


def test_several_challenges_in_one_field() -> None:
    assert read(f'Basic realm="r", {BEARER}') == [("basic", {"realm": "r"}), ("bearer", REALM)]
    assert read(f'{BEARER}, Basic realm="r"') == [("bearer", REALM), ("basic", {"realm": "r"})]


def test_several_fields() -> None:
    assert read('Basic realm="r"', BEARER) == [("basic", {"realm": "r"}), ("bearer", REALM)]


def test_a_scheme_with_credentials_or_nothing_stands_in_nobodys_way() -> None:
    assert read(f"Negotiate, NTLM TlRMTVNTUAAC==, {BEARER}")[-1] == ("bearer", REALM)


def test_a_quoted_quote_is_part_of_the_value() -> None:
    assert read(r'Basic realm="a \"b\", c"') == [("basic", {"realm": 'a "b", c'})]


def test_the_first_of_two_equal_parameters_counts() -> None:
    assert read('Bearer realm="https://good.example",realm="https://evil.example"') == [
        ("bearer", {"realm": "https://good.example"})
    ]


def test_an_endless_field_is_left_out() -> None:
    assert read("Bearer realm=" + "a" * 100_000) == []


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    for challenge in parse_challenges([text]):
        assert challenge.scheme == challenge.scheme.lower()
