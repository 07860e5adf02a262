"""A token that is given to a scanner must not be our own login in another dress."""

from __future__ import annotations

import base64

import pytest

from gatekeeper.registry.credentials import Login

LOGIN = Login(username="robot", password="correct horse battery")


@pytest.mark.parametrize(
    "token",
    [
        "correct horse battery",
        base64.b64encode(b"correct horse battery").decode(),
        base64.b64encode(b"robot:correct horse battery").decode().rstrip("="),
        base64.urlsafe_b64encode(b"\xfb\xff" + b"correct horse battery").decode(),
    ],
)
def test_a_wrapped_login_is_seen(token: str) -> None:
    assert LOGIN.shows_in(token)


@pytest.mark.parametrize("token", ["", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyb2JvdCJ9.c2ln", "%%%", "ä" * 5])
def test_a_token_of_a_token_service_is_not(token: str) -> None:
    assert not LOGIN.shows_in(token)


def test_nobody_shows_nowhere() -> None:
    assert not Login().shows_in("anything")
