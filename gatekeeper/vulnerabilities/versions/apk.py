"""apk-tools' order (apk-package(5), "pkgver"): Alpine, Wolfi, Chainguard, MinimOS, Alpaquita, BellSoft, CleanStart."""

from __future__ import annotations

import re

from gatekeeper.vulnerabilities.versions.encoding import checked, number, unorderable, word

_VERSION = re.compile(
    r"([0-9]+(?:\.[0-9]+)*)([a-z]?)((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)(?:~[0-9a-f]+)?(?:-r([0-9]+))?"
)
_SUFFIX = re.compile(r"_([a-z]+)([0-9]*)")
_ENDED, _FRACTION, _NUMBER = 2, 3, 4
_NO_SUFFIX = 5
_SUFFIXES = {
    "alpha": 1, "beta": 2, "pre": 3, "rc": 4,
    "cvs": 6, "svn": 7, "git": 8, "hg": 9, "p": 10,
}  # fmt: skip


def key(version: str) -> bytes:
    """``1.2.3a_rc1~commit-r4`` -> bytes; commits have no order. Raises MalformedError ``version-unorderable``."""
    match = _VERSION.fullmatch(checked(version, "apk"))
    if match is None:
        raise unorderable(version, "apk")
    numbers, letter, suffixes, release = match.groups()
    first, *others = numbers.split(".")
    made = bytearray((_NUMBER,)) + number(first)
    for digits in others:
        if digits[0] == "0":
            # Beside a part with a leading zero both are compared as fractions, digit by digit.
            made.append(_FRACTION)
            made += word(digits)
        else:
            made.append(_NUMBER)
            made += number(digits)
    made.append(_ENDED)
    made += letter.encode() or b"\0"
    for name, count in _SUFFIX.findall(suffixes):
        made.append(_SUFFIXES[name])
        made += number(count)
    made.append(_NO_SUFFIX)
    return bytes(made + number(release or ""))
