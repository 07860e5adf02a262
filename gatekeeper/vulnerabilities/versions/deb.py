"""Debian's order (deb-version(7), Debian Policy 5.6.12): Debian, Ubuntu, Echo; without epoch and revision, opam."""

from __future__ import annotations

import re

from gatekeeper.vulnerabilities.versions.encoding import checked, number, unorderable

_PIECE = re.compile(r"([^0-9]*)([0-9]*)")
_ABSENT = b"\x02\x00"
"""No letters, then the number zero: what a shorter version has where a longer one goes on."""
_END = b"\x02\x00\x02"
_TILDE, _NO_LETTER = 1, 2


def key(version: str) -> bytes:
    """``epoch:upstream-revision`` -> bytes. Raises MalformedError ``version-unorderable``."""
    text = checked(version, "Debian")
    epoch, colon, rest = text.partition(":")
    if not colon:
        epoch, rest = "0", text
    if not epoch.isdecimal() or not rest:
        raise unorderable(version, "Debian")
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, ""
    return number(epoch) + _part(upstream) + _part(revision)


def opam_key(version: str) -> bytes:
    """The order of opam: whole versions as Debian compares upstream parts (opam manual, "Version ordering")."""
    return _part(checked(version, "opam"))


def _part(text: str) -> bytes:
    """Letters and digits in turn: ``~`` before the end, the end before letters, letters before all else."""
    made = bytearray()
    for match in _PIECE.finditer(text):
        letters, digits = match.groups()
        if not letters and not digits:
            break
        for letter in letters:
            made.append(_weight(letter))
        made.append(_NO_LETTER)
        made += number(digits)
    while made.endswith(_ABSENT):
        del made[-2:]
    return bytes(made) + _END


def _weight(letter: str) -> int:
    if letter == "~":
        return _TILDE
    return ord(letter) if letter.isalpha() else ord(letter) + 128
