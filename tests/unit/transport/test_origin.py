"""Origins and what of a URL may stand in a message."""

from __future__ import annotations

import pytest

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.transport.message import describe
from gatekeeper.transport.origin import origin_of


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://registry.example/v2/", "https://registry.example"),
        ("https://registry.example:443/v2/", "https://registry.example"),
        ("https://REGISTRY.Example", "https://registry.example"),
        ("https://registry.example.:8443/x", "https://registry.example:8443"),
        ("http://registry.example:80/", "http://registry.example"),
        ("http://127.0.0.1:5000/v2/", "http://127.0.0.1:5000"),
        ("http://[::1]:5000/v2/", "http://[::1]:5000"),
    ],
)
def test_an_origin_has_one_form(url: str, origin: str) -> None:
    assert str(origin_of(url)) == origin


@pytest.mark.parametrize(
    "url",
    [
        "ftp://registry.example/",
        "file:///etc/passwd",
        "//registry.example/",
        "/v2/",
        "",
        "https://",
        "https://user@registry.example/",
        "https://user:password@registry.example/",
        "https://registry.example:99999/",
        "https://registry.example:x/",
        "https://[::1/",
        "https://registry.example\\@evil.example/",
        "https://registry.example\r\nX: y/",
        "https://registry.exämple/",
    ],
)
def test_what_is_no_plain_url_is_refused(url: str) -> None:
    with pytest.raises(UnavailableError) as caught:
        origin_of(url)
    assert caught.value.cause is Cause.PROTOCOL


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/v2/?token=secret", "https://a.example/v2/"),
        ("https://a.example/#secret", "https://a.example/"),
        ("https://user:secret@a.example/x", "https://a.example/x"),
        ("https://a.example/\x1b[31m", "https://a.example/\\x1b[31m"),
    ],
)
def test_a_url_in_a_message_keeps_secrets_and_control_characters_back(url: str, shown: str) -> None:
    assert describe(url) == shown


def test_a_long_url_is_shortened_in_a_message() -> None:
    assert len(describe("https://a.example/" + "x" * 10_000)) < 400
