"""Realms: what coverage is decided for, as text that many components share.

``PyPI``, ``Debian:12``, ``Rocky Linux:9|9.4``; ``Debian:12+Root:Debian:12`` for a component with two
ecosystems. One without a colon means every release of it: what was kept before releases were kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, unquote

from gatekeeper.vulnerabilities.distributions import Release, essential
from gatekeeper.vulnerabilities.naming import Named

_SAFE = " :._-"
_FIELDS = 5


def write_realm(names: Iterable[Named]) -> str:
    """The realm of what advisories call so; empty for what is no package."""
    return "+".join(dict.fromkeys(map(_write, names)))


@lru_cache(maxsize=10_000)
def read_realm(realm: str) -> tuple[Named, ...]:
    """The names without their packages."""
    return tuple(map(_read, realm.split("+"))) if realm else ()


def labels_of(realm: str) -> tuple[str, ...]:
    """The ecosystems with their releases as OSV writes them, the likeliest first."""
    return tuple(dict.fromkeys(named.label for named in read_realm(realm)))


def _write(named: Named) -> str:
    if named.release is None:
        return quote(named.ecosystem, safe=_SAFE)
    release, stream = essential(named.release, named.version)
    fields = (f"{named.ecosystem}:{release.suffix}", release.version, release.system, release.name, stream)
    return "|".join(quote(field, safe=_SAFE) for field in fields).rstrip("|")


def _read(text: str) -> Named:
    label, version, system, name, stream = (*map(unquote, text.split("|")), *("",) * _FIELDS)[:_FIELDS]
    ecosystem, colon, suffix = label.partition(":")
    if not colon:
        return Named(ecosystem, "", "")
    # A rebuilder's release is of another ecosystem than its own.
    of = "" if ecosystem == "Root" else ecosystem
    return Named(ecosystem, "", stream, Release(system, suffix, of, version, name))
