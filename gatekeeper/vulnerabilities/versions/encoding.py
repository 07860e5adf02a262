"""The pieces that keys are made of: numbers and words whose bytes sort as they do."""

from __future__ import annotations

from gatekeeper.core.errors import MalformedError

LONGEST = 1024
"""Characters of a version. Real ones have fewer than a hundred."""

_LONG = 255


def number(digits: str) -> bytes:
    """Decimal digits of any length; leading zeros do not count, no digits are zero."""
    digits = digits.lstrip("0")
    length = len(digits)
    if length < _LONG:
        return bytes((length,)) + digits.encode()
    return bytes((_LONG,)) + length.to_bytes(2, "big") + digits.encode()


def word(text: str) -> bytes:
    """ASCII text, ended so that a prefix sorts before what it begins. The text must not contain NUL."""
    return text.encode() + b"\0"


def unorderable(version: str, scheme: str) -> MalformedError:
    """The error of a version that a scheme cannot order."""
    return MalformedError(f"{version[:80]!r} is no {scheme} version", reason_code="version-unorderable")


def checked(version: str, scheme: str) -> str:
    """The version without surrounding blanks. Raises MalformedError for what no scheme can order."""
    text = version.strip()
    if not text or len(text) > LONGEST or not text.isascii() or not text.isprintable() or " " in text:
        raise unorderable(version, scheme)
    return text
