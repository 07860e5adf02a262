"""Composer's order (PHP version_compare over composer/semver's normal form): Packagist."""

from __future__ import annotations

import re

from gatekeeper.vulnerabilities.versions.encoding import checked, number, unorderable

_NUMBERS = 4
_PART = re.compile(r"[0-9]+|[A-Za-z]+")
_VERSION = re.compile(r"[vV]?[0-9][0-9A-Za-z.+_~-]*")
_BRANCH = re.compile(r"\.[xX*](?:-dev)?$")
_STABLE = re.compile(r"[-._]?stable$", re.IGNORECASE)
_UNKNOWN, _DEV, _ALPHA, _BETA, _CANDIDATE, _END, _NUMBER, _PATCH = range(1, 9)
_BEGINNINGS = (
    ("dev", _DEV), ("a", _ALPHA), ("b", _BETA), ("RC", _CANDIDATE), ("rc", _CANDIDATE), ("p", _PATCH),
)  # fmt: skip


def key(version: str) -> bytes:
    """A version -> bytes; branches (``dev-main``, ``1.x-dev``) have no order, build metadata does not count.

    Raises MalformedError ``version-unorderable``.
    """
    text = _STABLE.sub("", checked(version, "Composer").partition("+")[0])
    if _VERSION.fullmatch(text) is None or _BRANCH.search(text) is not None:
        raise unorderable(version, "Composer")
    parts = _PART.findall(text.lstrip("vV"))
    numbers = next((place for place, part in enumerate(parts) if not part.isdecimal()), len(parts))
    # Composer fills up to four numbers: 1.0 is 1.0.0.0.
    parts[numbers:numbers] = ["0"] * (_NUMBERS - numbers)
    made = bytearray()
    for part in parts:
        if part.isdecimal():
            made.append(_NUMBER)
            made += number(part)
        else:
            made.append(_weight(part))
    made.append(_END)
    return bytes(made)


def _weight(part: str) -> int:
    return next((weight for beginning, weight in _BEGINNINGS if part.startswith(beginning)), _UNKNOWN)
