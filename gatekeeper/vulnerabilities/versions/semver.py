"""Semantic Versioning 2.0.0 section 11, read leniently: npm, crates.io, Hex, Julia, SwiftURL, GitHub Actions, Bitnami …

Missing numbers are zero, a ``v`` or ``=`` in front is skipped, numbers after the third are compared, and a pre-release
may follow without its hyphen: registries hold all of these.
"""

from __future__ import annotations

import re

from gatekeeper.vulnerabilities.versions.encoding import checked, number, unorderable, word

_VERSION = re.compile(
    r"[=vV]*([0-9]+(?:\.[0-9]+)*)(?:[-.]?([A-Za-z-][0-9A-Za-z.-]*|(?<=-)[0-9A-Za-z.-]+))?(?:\+(.*))?"
)
_NUMBERS_AT_LEAST = 3
_PRE_RELEASE, _END = 1, 2
_NUMERIC, _ALPHANUMERIC = 3, 4
_MORE_NUMBERS = 5


def key(version: str) -> bytes:
    """A version -> bytes; build metadata has no order. Raises MalformedError ``version-unorderable``."""
    return _parts(version, "semantic")[0]


def pub_key(version: str) -> bytes:
    """Dart orders build metadata too (pub_semver: Version.compareTo): none before some."""
    made, build = _parts(version, "Pub")
    return made + (bytes((_PRE_RELEASE,)) + identifiers(build) if build else b"")


def nuget_key(version: str) -> bytes:
    """NuGet: up to four numbers, the case of pre-releases ignored (NuGet docs, "Package versioning")."""
    return key(version.lower())


def go_key(version: str) -> bytes:
    """A Go module version, or a release of Go itself: ``go1.21rc2`` is ``1.21.0-rc.2`` in the Go database."""
    text = version.removeprefix("go")
    return key(_GO_RELEASE.sub(r"\1-\2.\3", text))


_GO_RELEASE = re.compile(r"^([0-9]+\.[0-9]+(?:\.[0-9]+)?)(rc|beta)([0-9]+)$")


def _parts(version: str, scheme: str) -> tuple[bytes, str]:
    match = _VERSION.fullmatch(checked(version, scheme))
    if match is None:
        raise unorderable(version, scheme)
    numbers, pre_release, build = match.groups()
    found = [digits.lstrip("0") for digits in numbers.split(".")]
    while len(found) > _NUMBERS_AT_LEAST and not found[-1]:
        found.pop()
    found += [""] * (_NUMBERS_AT_LEAST - len(found))
    made = bytearray()
    for position, digits in enumerate(found):
        if position >= _NUMBERS_AT_LEAST:
            made.append(_MORE_NUMBERS)
        made += number(digits)
    if pre_release:
        made.append(_PRE_RELEASE)
        made += identifiers(pre_release)
    else:
        made.append(_END)
    return bytes(made), build or ""


def identifiers(text: str) -> bytes:
    """Dot-separated identifiers: numbers before words, fewer before more."""
    made = bytearray()
    for identifier in text.split("."):
        if identifier.isdecimal():
            made.append(_NUMERIC)
            made += number(identifier)
        else:
            made.append(_ALPHANUMERIC)
            made += word(identifier)
    made.append(_PRE_RELEASE)
    return bytes(made)
