"""RubyGems' order (Gem::Version): numbers above words, zeros at the end of either part do not count."""

from __future__ import annotations

import re

from gatekeeper.vulnerabilities.versions.encoding import checked, number, unorderable, word

_VERSION = re.compile(r"[0-9]+(?:\.[0-9a-zA-Z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?")
_SEGMENT = re.compile(r"[0-9]+|[a-zA-Z]+")
_WORD, _END, _NUMBER = 2, 3, 4


def key(version: str) -> bytes:
    """A version -> bytes. Raises MalformedError ``version-unorderable``."""
    text = checked(version, "RubyGems")
    if _VERSION.fullmatch(text) is None:
        raise unorderable(version, "RubyGems")
    segments = _SEGMENT.findall(text.replace("-", ".pre."))
    first_word = next(
        (place for place, segment in enumerate(segments) if not segment.isdecimal()), len(segments)
    )
    made = bytearray()
    for segment in (*_trimmed(segments[:first_word]), *_trimmed(segments[first_word:])):
        if segment.isdecimal():
            made.append(_NUMBER)
            made += number(segment)
        else:
            made.append(_WORD)
            made += word(segment)
    made.append(_END)
    return bytes(made)


def _trimmed(segments: list[str]) -> list[str]:
    while segments and not segments[-1].strip("0"):
        segments.pop()
    return segments
