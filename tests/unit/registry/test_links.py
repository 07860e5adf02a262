"""``Link`` and ``Location``: what is followed, and only on the registry's own host."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.errors import UnavailableError
from gatekeeper.registry.links import next_link, on_origin
from gatekeeper.transport.origin import origin_of

BASE = "https://registry.example/v2/a/tags/list?n=2"
ORIGIN = origin_of(BASE)


@pytest.mark.parametrize(
    "text",
    [
        '</v2/a/tags/list?last=b&n=2>; rel="next"',
        "</v2/a/tags/list?last=b&n=2>; rel=next",
        "</v2/a/tags/list?last=b&n=2>;rel=next",
        '</v2/a/tags/list?last=b&n=2>; title="x, y"; rel="prev next"',
        '</first>; rel="first", </v2/a/tags/list?last=b&n=2>; rel="next"',
        '</v2/a/tags/list?last=b&n=2>; REL="NEXT"',
    ],
)
def test_the_next_page_is_found(text: str) -> None:
    assert next_link([text]) == "/v2/a/tags/list?last=b&n=2"


@pytest.mark.parametrize(
    "text", ["", "</a>", '</a>; rel="prev"', "</a; rel=next", "a; rel=next", '</a>; x="rel=next"']
)
def test_there_is_no_next_page(text: str) -> None:
    assert next_link([text]) is None


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("/v2/x?last=b", "https://registry.example/v2/x?last=b"),
        ("list?last=b", "https://registry.example/v2/a/tags/list?last=b"),
        ("?last=b", "https://registry.example/v2/a/tags/list?last=b"),
        ("https://registry.example/v2/x", "https://registry.example/v2/x"),
        ("https://REGISTRY.example:443/v2/x", "https://registry.example/v2/x"),
        ("http://registry.example/v2/x", "https://registry.example/v2/x"),
        ("//registry.example/v2/x", "https://registry.example/v2/x"),
    ],
)
def test_a_target_on_the_own_host_is_followed_with_our_scheme(target: str, url: str) -> None:
    assert on_origin(target, BASE, ORIGIN, "tags") == url


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/v2/x",
        "//evil.example/v2/x",
        "https://registry.example:8443/v2/x",
        "https://registry.example@evil.example/",
        "https://registry.example.evil.example/",
        "ftp://registry.example/",
        "https://[::1/",
        "/\\evil.example/",
    ],
)
def test_a_target_elsewhere_is_an_error(target: str) -> None:
    with pytest.raises(UnavailableError):
        on_origin(target, BASE, ORIGIN, "tags")


@given(st.text(max_size=80))
def test_whatever_is_named_stays_on_the_own_host(target: str) -> None:
    try:
        url = on_origin(target, BASE, ORIGIN, "tags")
    except UnavailableError:
        return
    assert origin_of(url) == ORIGIN
