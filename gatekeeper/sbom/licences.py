"""Licence fields of both formats as one text; empty when the document does not say."""

from __future__ import annotations

from collections.abc import Iterable

_SAYS_NOTHING = frozenset({"", "NOASSERTION", "NONE"})


def all_of(parts: Iterable[str]) -> str:
    """Licences that all apply, as one expression. Order kept, doubles dropped; an ``OR`` part gets parentheses."""
    known = [part.strip() for part in dict.fromkeys(parts) if part.strip() not in _SAYS_NOTHING]
    if len(known) == 1:
        return known[0]
    return " AND ".join(f"({part})" if " OR " in part else part for part in known)


def first_said(*texts: str) -> str:
    """The first text that says something."""
    return next((text.strip() for text in texts if text.strip() not in _SAYS_NOTHING), "")
