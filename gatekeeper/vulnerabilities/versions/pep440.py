"""PEP 440's order: PyPI. Versions from before PEP 440 have none."""

from __future__ import annotations

import re

from gatekeeper.vulnerabilities.versions.encoding import checked, number, unorderable, word

_VERSION = re.compile(
    r"""
    v?
    (?:(?P<epoch>[0-9]+)!)?
    (?P<release>[0-9]+(?:\.[0-9]+)*)
    (?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_number>[0-9]*))?
    (?:-(?P<post_bare>[0-9]+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_number>[0-9]*))?
    (?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_number>[0-9]*))?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_NUMBER, _END = 4, 2
_PHASES = {"a": 1, "alpha": 1, "b": 2, "beta": 2, "c": 3, "rc": 3, "pre": 3, "preview": 3}
_BEFORE_PHASES, _FINAL = 0, 9
_NONE, _SOME, _NUMERIC = 0, 1, 2


def key(version: str) -> bytes:
    """A version -> bytes (PEP 440, "Summary of permitted suffixes and relative ordering").

    Raises MalformedError ``version-unorderable``.
    """
    match = _VERSION.fullmatch(checked(version, "PEP 440"))
    if match is None:
        raise unorderable(version, "PEP 440")
    made = bytearray(number(match["epoch"] or ""))
    release = [digits.lstrip("0") for digits in match["release"].split(".")]
    while release and not release[-1]:
        release.pop()
    for digits in release:
        made.append(_NUMBER)
        made += number(digits)
    made.append(_END)
    pre, dev = match["pre"], match["dev"]
    post = match["post"] or match["post_bare"]
    if pre:
        made.append(_PHASES[pre.lower()])
        made += number(match["pre_number"])
    else:
        # A development release of the release itself comes before its pre-releases.
        made.append(_BEFORE_PHASES if dev and not post else _FINAL)
    if post:
        made.append(_SOME)
        made += number(match["post_bare"] or match["post_number"] or "")
    else:
        made.append(_NONE)
    if dev:
        made.append(_SOME)
        made += number(match["dev_number"])
    else:
        made.append(_FINAL)
    return bytes(made + _local(match["local"]))


def _local(text: str | None) -> bytes:
    if text is None:
        return bytes((_NONE,))
    made = bytearray((_SOME,))
    for segment in re.split(r"[-_.]", text.lower()):
        if segment.isdecimal():
            made.append(_NUMERIC)
            made += number(segment)
        else:
            made.append(_SOME)
            made += word(segment)
    made.append(_NONE)
    return bytes(made)
