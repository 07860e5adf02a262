"""RPM's order (rpm: rpmio/rpmvercmp.c, rpm-version(7)): Red Hat and rebuilds, SUSE, openEuler, Mageia, Azure …"""

from __future__ import annotations

import re

from gatekeeper.vulnerabilities.versions.encoding import checked, number, unorderable, word

_PIECE = re.compile(r"[0-9]+|[a-zA-Z]+|~|\^")
_TILDE, _END, _CARET, _LETTERS, _NUMBER = range(1, 6)


def key(version: str) -> bytes:
    """``epoch:version-release`` -> bytes. Raises MalformedError ``version-unorderable``."""
    text = checked(version, "RPM")
    epoch, colon, rest = text.partition(":")
    if not colon:
        epoch, rest = "0", text
    if epoch in ("", "(none)"):
        epoch = "0"
    if not epoch.isdecimal() or not rest:
        raise unorderable(version, "RPM")
    upstream, dash, release = rest.partition("-")
    made = number(epoch) + _part(upstream)
    return made + _part(release) if dash else made


def _part(text: str) -> bytes:
    made = bytearray()
    for piece in _PIECE.findall(text):
        if piece == "~":
            made.append(_TILDE)
        elif piece == "^":
            made.append(_CARET)
        elif piece[0].isdecimal():
            made.append(_NUMBER)
            made += number(piece)
        else:
            made.append(_LETTERS)
            made += word(piece)
    made.append(_END)
    return bytes(made)
