"""Maven's order (org.apache.maven.artifact.versioning.ComparableVersion, "Version Order Specification").

A version is a list of numbers; a hyphen, and every change between digits and letters, opens a list inside it. Where
Maven's own comparison goes round in a circle (``1.0.rc`` < ``1`` < ``1-x`` < ``1.0.rc``), what sorts before the end of
a version sorts before what comes after it. Words after a point are compared as Maven 3.0 to 3.8 does, and with it the
tools that read OSV: later versions take ``1.0.X`` for ``1.0-X``.
"""

from __future__ import annotations

import re

import msgspec

from gatekeeper.vulnerabilities.versions.encoding import checked, number, word

_PIECE = re.compile(r"([.-]?)([0-9]+|[^0-9.-]+|(?=[.-]|$))")
_RELEASE = ""
_EARLY = {"alpha": 1, "beta": 2, "milestone": 3, "rc": 4, "snapshot": 5}
_SAME = {"ga": _RELEASE, "final": _RELEASE, "release": _RELEASE, "cr": "rc"}
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}
_EARLY_WORD, _EARLY_LIST, _EARLY_ZERO, _END, _NOTHING, _LATE_WORD, _LATE_LIST, _NUMBER = range(1, 9)
_SERVICE_PACK, _OTHER = 1, 2


class _Item(msgspec.Struct, frozen=True, gc=False):
    """A number or a word; ``opens`` when it is the first of a list inside the list before it."""

    text: str
    numeric: bool
    opens: bool

    @property
    def nothing(self) -> bool:
        return not self.text


def key(version: str) -> bytes:
    """A version -> bytes. Raises MalformedError ``version-unorderable``."""
    items = _trimmed(_items(checked(version, "Maven").lower()))
    made = bytearray()
    for position, item in enumerate(items):
        early = _sorts_before_end(items[position:])
        if item.opens:
            made.append(_EARLY_LIST if early else _LATE_LIST)
        made += bytes((_EARLY_ZERO,)) if early and item.numeric else _encoded(item)
    made.append(_END)
    return bytes(made)


def _items(text: str) -> list[_Item]:
    items: list[_Item] = []
    pieces = [match for match in _PIECE.finditer(text) if match[0] or not items]
    for place, match in enumerate(pieces):
        separator, piece = match.groups()
        numeric = not piece or piece[0].isdecimal()
        opens = bool(items) and separator != "."
        if numeric:
            items.append(_Item(piece.lstrip("0"), True, opens))
            continue
        following = pieces[place + 1] if place + 1 < len(pieces) else None
        if following is not None and not following[1] and following[2][:1].isdecimal():
            piece = _SHORT.get(piece, piece)
        items.append(_Item(_SAME.get(piece, piece), False, opens))
    return items


def _trimmed(items: list[_Item]) -> list[_Item]:
    """Without zeros and releases at the end of every list: they say nothing."""
    kept: list[_Item] = []
    end_of_list = True
    for item in reversed(items):
        if end_of_list and item.nothing:
            continue
        kept.append(item)
        end_of_list = item.opens
    kept.reverse()
    return kept


def _sorts_before_end(items: list[_Item]) -> bool:
    first = next((item for item in items if not item.nothing), None)
    return first is not None and not first.numeric and first.text in _EARLY


def _encoded(item: _Item) -> bytes:
    if item.numeric:
        return bytes((_NUMBER,)) + number(item.text)
    if item.nothing:
        return bytes((_NOTHING,))
    if item.text in _EARLY:
        return bytes((_EARLY_WORD, _EARLY[item.text]))
    if item.text == "sp":
        return bytes((_LATE_WORD, _SERVICE_PACK))
    return bytes((_LATE_WORD, _OTHER)) + word(item.text)
