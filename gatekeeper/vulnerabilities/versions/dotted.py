"""Plain numbers, the longer version after its prefix: Hackage (PVP), CRAN and Bioconductor (R's package_version)."""

from __future__ import annotations

import re

from gatekeeper.vulnerabilities.versions.encoding import checked, number, unorderable

_HACKAGE = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_R = re.compile(r"[0-9]+(?:[.-][0-9]+)*")
_SEPARATOR = re.compile(r"[.-]")
_END, _NUMBER = 0, 1


def hackage_key(version: str) -> bytes:
    """``0.1.26.0`` -> bytes. Raises MalformedError ``version-unorderable``."""
    return _key(version, _HACKAGE, "Haskell")


def r_key(version: str) -> bytes:
    """``1.0-4`` -> bytes: points and hyphens are alike. Raises MalformedError ``version-unorderable``."""
    return _key(version, _R, "R")


def _key(version: str, shape: re.Pattern[str], scheme: str) -> bytes:
    text = checked(version, scheme)
    if shape.fullmatch(text) is None:
        raise unorderable(version, scheme)
    made = bytearray()
    for digits in _SEPARATOR.split(text):
        made.append(_NUMBER)
        made += number(digits)
    made.append(_END)
    return bytes(made)
