"""How things are called in every table."""

from __future__ import annotations

from gatekeeper.cli.output import Plain


def repository(plain: Plain | None) -> str:
    """``registry/path``."""
    return f"{plain['registry']}/{plain['path']}" if plain else ""


def short(digest: str) -> str:
    """Enough of a digest to recognise it."""
    algorithm, _, encoded = digest.partition(":")
    return f"{algorithm}:{encoded[:12]}"


def with_subject(answer: Plain) -> Plain:
    """An answer with ``subject``: ``repository@digest``, what it is about and nothing else."""
    digest = answer.get("digest")
    name = repository(answer.get("repository"))
    return {"subject": f"{name}@{digest}" if digest else name, **answer}
