"""What is wrong with a glob over repositories before it ever matches nothing."""

from __future__ import annotations

import re

DOCKER_HUB_ALIASES = frozenset({
    "index.docker.io", "registry-1.docker.io", "hub.docker.com", "registry.hub.docker.com"
})  # fmt: skip
"""Other names of docker.io."""


def repository_glob_trouble(glob: str) -> str | None:
    """Why a glob over ``registry/path`` can never match, and what to write; None when it can."""
    if "://" in glob:
        return f"has a scheme; write '{glob.partition('://')[2]}'"
    host, slash, path = glob.partition("/")
    if not re.fullmatch(r"[A-Za-z0-9._*?\[\]:/-]+", glob, re.ASCII) or set("[]") & set(path):
        return "has a character that no repository has; globs know only *, ** and ?"
    if host.lower() in DOCKER_HUB_ALIASES:
        return f"is Docker Hub, which is called docker.io; write 'docker.io{slash}{path}'"
    if glob not in ("*", "**") and not set(".:*?") & set(host) and host != "localhost":
        return (
            f"begins with the registry: write 'registry.example.com/{glob}', or '*/{glob}' for any registry"
        )
    if not slash and "**" not in host:
        return "names a registry but no repositories; write '" + glob + "/**' for all of them"
    if path.endswith("/") or "//" in path:
        return "has an empty segment and never matches; write /** at the end for everything below"
    if ":" in path or "@" in path:
        return "has a tag or digest; it is about repositories alone"
    if path != path.lower():
        return f"has capital letters, which repositories never have; write '{host}/{path.lower()}'"
    return None


def within(glob: str, bounds: tuple[str, ...]) -> bool:
    """True when everything that ``glob`` matches is certainly matched by one of ``bounds`` too.

    Certain is: it is a bound itself, or begins with the literal part of a bound that ends in ``/**``, or ``**`` is one.
    """
    return any(
        bound in ("**", glob)
        or (bound.endswith("/**") and not set("*?") & set(bound[:-2]) and glob.startswith(bound[:-2]))
        for bound in bounds
    )
