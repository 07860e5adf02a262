"""Token scopes: what one request needs, and nothing beyond it."""

from __future__ import annotations

import pytest

from gatekeeper.registry.scope import Scope, deleting, inferred, narrowed, reading, writing


@pytest.mark.parametrize(
    ("method", "url", "scope"),
    [
        ("GET", "https://r.example/v2/", ()),
        ("GET", "https://r.example/v2/_catalog?n=5", ("registry:catalog:*",)),
        ("HEAD", "https://r.example/v2/a/b/manifests/v1", ("repository:a/b:pull",)),
        ("GET", "https://r.example/v2/a/tags/list", ("repository:a:pull",)),
        ("GET", "https://r.example/v2/a/referrers/sha256:00", ("repository:a:pull",)),
        ("GET", "https://r.example/v2/a/manifests/b/manifests/v1", ("repository:a/manifests/b:pull",)),
        ("PUT", "https://r.example/v2/a/manifests/v1", ("repository:a:pull,push",)),
        ("POST", "https://r.example/v2/a/blobs/uploads/", ("repository:a:pull,push",)),
        ("DELETE", "https://r.example/v2/a/manifests/v1", ("repository:a:delete,pull",)),
    ],
)
def test_the_scope_of_a_request_that_does_not_say(method: str, url: str, scope: Scope) -> None:
    assert inferred(method, url) == scope


def test_a_mount_needs_both_repositories() -> None:
    assert writing("a", "b") == ("repository:a:pull,push", "repository:b:pull")
    assert writing("a", "a") == ("repository:a:pull,push",)


@pytest.mark.parametrize(
    ("wanted", "challenged", "asked"),
    [
        (reading("a"), None, reading("a")),
        (reading("a"), "repository:a:pull", reading("a")),
        (reading("a"), "repository:a:metadata_read", ("repository:a:metadata_read",)),
        (reading("a"), "repository:a:pull,push", reading("a")),
        (reading("a"), "repository:a:*", reading("a")),
        (reading("a"), "repository:b:pull", reading("a")),
        (reading("a"), "repository:a:pull repository:b:pull", reading("a")),
        (reading("a"), "registry:catalog:*", reading("a")),
        (deleting("a"), "repository:a:*", ("repository:a:*",)),
        (writing("a", "b"), "repository:a:push,pull", ("repository:a:push,pull", "repository:b:pull")),
        ((), "repository:a:pull", ()),
    ],
)
def test_a_challenge_names_the_actions_and_never_widens_them(
    wanted: Scope, challenged: str | None, asked: Scope
) -> None:
    assert narrowed(wanted, challenged) == asked
