"""Which ecosystem of OSV orders its versions how (OSV schema, "Defined ecosystems")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import msgspec

from gatekeeper.vulnerabilities.versions import apk, composer, deb, dotted, gem, maven, pep440, rpm, semver


class Scheme(msgspec.Struct, frozen=True):
    """One order. ``key`` raises MalformedError ``version-unorderable``."""

    name: str
    key: Callable[[str], bytes]


def _kept(name: str, key: Callable[[str], bytes]) -> Scheme:
    # The same few versions are asked for again and again: by every advisory of a package, by every image.
    return Scheme(name, lru_cache(maxsize=1 << 15)(key))


APK = _kept("apk", apk.key)
COMPOSER = _kept("composer", composer.key)
DEB = _kept("deb", deb.key)
GEM = _kept("gem", gem.key)
GO = _kept("go", semver.go_key)
HACKAGE = _kept("hackage", dotted.hackage_key)
MAVEN = _kept("maven", maven.key)
NUGET = _kept("nuget", semver.nuget_key)
OPAM = _kept("opam", deb.opam_key)
PEP440 = _kept("pep440", pep440.key)
PUB = _kept("pub", semver.pub_key)
R = _kept("r", dotted.r_key)
RPM = _kept("rpm", rpm.key)
SEMVER = _kept("semver", semver.key)

SCHEMES: Mapping[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        APK, COMPOSER, DEB, GEM, GO, HACKAGE, MAVEN, NUGET, OPAM, PEP440, PUB, R, RPM, SEMVER,
    )
}  # fmt: skip

ECOSYSTEMS: Mapping[str, Scheme | None] = {
    "AlmaLinux": RPM,
    "Alpaquita": APK,
    "Alpine": APK,
    "Android": None,
    "Azure Linux": RPM,
    "BellSoft Hardened Containers": APK,
    "Bioconductor": R,
    "Bitnami": SEMVER,
    "CRAN": R,
    "Chainguard": APK,
    "CleanStart": APK,
    "ConanCenter": SEMVER,
    "Debian": DEB,
    "Docker Hardened Images": SEMVER,
    "Echo": DEB,
    "FreeBSD": None,
    "GHC": SEMVER,
    "GIT": None,
    "GitHub Actions": SEMVER,
    "Go": GO,
    "Hackage": HACKAGE,
    "Hex": SEMVER,
    "Julia": SEMVER,
    "Kubernetes": SEMVER,
    "Linux": SEMVER,
    "Mageia": RPM,
    "Maven": MAVEN,
    "MinimOS": APK,
    "NuGet": NUGET,
    "OSS-Fuzz": None,
    "Packagist": COMPOSER,
    "Photon OS": RPM,
    "Pub": PUB,
    "PyPI": PEP440,
    "Red Hat": RPM,
    "Rocky Linux": RPM,
    "Root": None,
    "RubyGems": GEM,
    "SUSE": RPM,
    "SwiftURL": SEMVER,
    "Ubuntu": DEB,
    "VSCode": SEMVER,
    "Wolfi": APK,
    "crates.io": SEMVER,
    "npm": SEMVER,
    "openEuler": RPM,
    "openSUSE": RPM,
    "opam": OPAM,
}
"""Every ecosystem of the schema; None where versions have no order that we know: equality alone."""

_REBUILDERS = frozenset({"Echo", "Root"})
"""Their suffix names the ecosystem that a package was rebuilt from: ``Root:Alpine:3.18``, ``Echo:npm``."""


def scheme_of(ecosystem: str) -> Scheme | None:
    """The order of an ecosystem, its suffix included; None when it has none or is not known."""
    base, _, suffix = ecosystem.partition(":")
    if base in _REBUILDERS and suffix:
        original = ECOSYSTEMS.get(suffix.partition(":")[0])
        if original is not None:
            return original
    return ECOSYSTEMS.get(base)
