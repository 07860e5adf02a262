"""Token scopes (distribution token specification): what one request needs, and nothing beyond it."""

from __future__ import annotations

import re
from functools import lru_cache

Scope = tuple[str, ...]
"""Scope strings, ``repository:path:action,action``; empty for what needs none (ping)."""

CATALOG: Scope = ("registry:catalog:*",)
_REPOSITORY = re.compile(r"/v2/(.+)/(?:manifests|blobs|tags|referrers)(?:/|$)")
_WRITING = frozenset({"push", "delete", "*"})


@lru_cache(maxsize=4096)
def reading(path: str) -> Scope:
    """To pull from a repository."""
    return (f"repository:{path}:pull",)


def writing(path: str, source: str | None = None) -> Scope:
    """To push to a repository, and to mount from another."""
    own = f"repository:{path}:pull,push"
    return (own,) if source is None or source == path else (own, f"repository:{source}:pull")


def deleting(path: str) -> Scope:
    """To delete from a repository."""
    return (f"repository:{path}:delete,pull",)


def inferred(method: str, url: str) -> Scope:
    """For a request that does not say: from its method and path."""
    path = url.split("?", 1)[0]
    if path.endswith("/v2/_catalog"):
        return CATALOG
    match = _REPOSITORY.search(path)
    if match is None:
        return ()
    repository = match.group(1)
    if method in ("GET", "HEAD"):
        return reading(repository)
    return deleting(repository) if method == "DELETE" else writing(repository)


def narrowed(wanted: Scope, challenged: str | None) -> Scope:
    """What to ask for after a challenge: its own words where they stay within what we wanted, else ours.

    A registry knows its action names better (``metadata_read``), but must not talk us into a token for another
    repository, or into writing where we read.
    """
    if not challenged or not wanted:
        return wanted
    offered = tuple(challenged.split())
    names = {entry.rpartition(":")[0] for entry in wanted}
    if not all(entry.rpartition(":")[0] in names for entry in offered):
        return wanted
    ours = {action for entry in wanted for action in entry.rpartition(":")[2].split(",")}
    theirs = {action for entry in offered for action in entry.rpartition(":")[2].split(",")}
    if theirs & _WRITING and not ours & _WRITING:
        return wanted
    missing = tuple(
        entry
        for entry in wanted
        if entry.rpartition(":")[0] not in {text.rpartition(":")[0] for text in offered}
    )
    return offered + missing
