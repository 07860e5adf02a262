"""What is wrong with a glob before it ever matches nothing."""

from __future__ import annotations

import re

from gatekeeper.config.registries import DOCKER_HUB_ALIASES

WILDCARDS = frozenset("*?")


def literal(glob: str) -> bool:
    """True when it names exactly one thing."""
    return not WILDCARDS & set(glob)


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
        return "has a tag or digest; scopes are about repositories, tags go into 'tags'"
    if path != path.lower():
        return f"has capital letters, which repositories never have; write '{host}/{path.lower()}'"
    return None


def tag_glob_trouble(glob: str) -> str | None:
    """Why a glob over tags can never match; None when it can."""
    if not re.fullmatch(r"[A-Za-z0-9_.*?-]{1,128}", glob, re.ASCII):
        return "has a character that no tag has; globs know only *, ** and ?"
    return None


def platform_trouble(platform: str) -> str | None:
    """``os/architecture[/variant]`` only."""
    if not re.fullmatch(r"[a-z0-9]+/[a-z0-9_]+(/[a-z0-9.]+)?", platform, re.ASCII):
        return "must be os/architecture or os/architecture/variant, for example 'linux/amd64'"
    return None


def quarantine_template_trouble(template: str) -> str | None:
    """A template that gives every repository its own place, and never the repository itself."""
    if template.count("{repository}") != 1:
        return "must contain {repository} exactly once, so that every repository has its own place"
    if template == "{repository}":
        return "would be the repository itself; write for example 'quarantine/{repository}'"
    rest = template.replace("{repository}", "a")
    part = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
    if not re.fullmatch(rf"{part}(/{part})*", rest, re.ASCII):
        return "does not make a repository path; only lower-case letters, digits, and . _ - / between them"
    return None
