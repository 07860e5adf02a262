"""What is wrong with a glob before it ever matches nothing."""

from __future__ import annotations

import re

from gatekeeper.core.globs import repository_glob_trouble

WILDCARDS = frozenset("*?")


def literal(glob: str) -> bool:
    """True when it names exactly one thing."""
    return not WILDCARDS & set(glob)


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


def signature_repository_trouble(template: str) -> str | None:
    """``registry/path`` of one place, or of one for each repository with ``{repository}``."""
    rest = template.replace("{repository}", "a")
    if not literal(rest) or set("{}") & set(rest):
        return "names one place; write 'registry.example.com/signatures', or with {repository} for the image's path"
    if "/" not in rest:
        return "names no repository; write 'registry.example.com/signatures'"
    return repository_glob_trouble(rest)


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
