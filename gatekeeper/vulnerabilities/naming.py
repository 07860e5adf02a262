"""What a component is called where advisories name it: ecosystem, release, name in normal form, version.

Facts: the OSV schema ("Defined ecosystems") for what each ecosystem's names are, the purl type definitions for what a
purl says. Advisories of Debian, Ubuntu and Alpine name source packages; of RPM distributions sometimes the one and
sometimes the other, so both are looked up there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from gatekeeper.core.component import NO_PACKAGE_KINDS, OS_PACKAGE_TYPES, Component, OperatingSystem
from gatekeeper.core.match import Unjudged
from gatekeeper.core.package_url import PackageUrl
from gatekeeper.vulnerabilities.distributions import Release, release_of
from gatekeeper.vulnerabilities.versions.schemes import ECOSYSTEMS


class Named(msgspec.Struct, frozen=True, gc=False):
    """One name under which advisories may know a component."""

    ecosystem: str
    """Without its suffix: ``Debian``, ``npm``."""
    name: str
    """In the normal form of ``normal_name``."""
    version: str
    """Empty when it is not known."""
    release: Release | None = None
    """Of an OS package; None for all others."""
    from_source: bool = False
    repository: str = ""
    """``repository_url`` of the purl, for ecosystems with several registries."""

    @property
    def label(self) -> str:
        """The ecosystem with its release, as OSV writes it."""
        suffix = self.release.suffix if self.release else ""
        return f"{self.ecosystem}:{suffix}" if suffix else self.ecosystem


_IMAGES = frozenset({"docker", "oci"})
"""purl types of images: what an SBOM is about, no package in it."""

_LANGUAGES: Mapping[str, tuple[str, str]] = {
    "bioconductor": ("Bioconductor", ""),
    "bitnami": ("Bitnami", ""),
    "cargo": ("crates.io", ""),
    "composer": ("Packagist", "/"),
    "conan": ("ConanCenter", ""),
    "cran": ("CRAN", ""),
    "gem": ("RubyGems", ""),
    "github": ("GitHub Actions", "/"),
    "githubactions": ("GitHub Actions", "/"),
    "golang": ("Go", "/"),
    "hackage": ("Hackage", ""),
    "haskell": ("Hackage", ""),
    "hex": ("Hex", ""),
    "julia": ("Julia", ""),
    "k8s": ("Kubernetes", "/"),
    "maven": ("Maven", ":"),
    "npm": ("npm", "/"),
    "nuget": ("NuGet", ""),
    "opam": ("opam", ""),
    "pub": ("Pub", ""),
    "pypi": ("PyPI", ""),
    "swift": ("SwiftURL", "/"),
    "vscode": ("VSCode", "."),
    "vscode-extension": ("VSCode", "."),
}
"""purl type -> ecosystem, and what joins namespace and name there (empty: the namespace is no part of the name)."""

_SEPARATORS = re.compile(r"[-_.]+")
_SCHEME = re.compile(r"^(?:https?|git|ssh)://(?:git@)?")
_REBUILT = re.compile(r"-\d+(?:\.\d+)?~?b\d+$|\+b\d+$")
_IGNORES_CASE = frozenset(
    {"Bitnami", "ConanCenter", "GitHub Actions", "Go", "Hex", "NuGet", "Packagist", "Pub", "VSCode", "npm"}
)
_NAMES_BY_LOWER = {name.casefold(): name for name in ECOSYSTEMS}
_BINARY_TOO = frozenset({"apk", "rpm"})
_STANDARD_LIBRARIES = {"std": "stdlib", "go": "stdlib"}


def split_ecosystem(text: str) -> tuple[str, str]:
    """``Debian:12`` -> (``Debian``, ``12``), the base in the schema's spelling where it is known."""
    base, _, suffix = text.strip().partition(":")
    return _NAMES_BY_LOWER.get(base.casefold(), base), suffix


def normal_name(ecosystem: str, name: str) -> str:
    """A package's name in the form in which its ecosystem compares names. ``ecosystem`` is without suffix."""
    if ecosystem == "PyPI":
        return _SEPARATORS.sub("-", name).lower()
    if ecosystem == "SwiftURL":
        return _SCHEME.sub("", name).removesuffix(".git").strip("/").lower()
    if ecosystem == "VSCode":
        name = name.replace("/", ".", 1)
    return name.lower() if ecosystem in _IGNORES_CASE else name


def names_of(component: Component, system: OperatingSystem | None) -> tuple[Named, ...] | Unjudged:
    """Every name to look up, the likeliest first; empty for what is no package; else why it cannot be looked up."""
    purl = component.package_url
    if purl is None:
        if component.kind in NO_PACKAGE_KINDS:
            return ()
        return Unjudged.MALFORMED_PURL if component.purl else Unjudged.NO_PURL
    if purl.type in _IMAGES:
        return ()
    if purl.type in OS_PACKAGE_TYPES:
        return _os_names(component, purl, system)
    found = _LANGUAGES.get(purl.type)
    if found is None:
        return Unjudged.ECOSYSTEM_UNKNOWN
    ecosystem, joint = found
    name = f"{purl.namespace}{joint}{purl.name}" if joint and purl.namespace else purl.name
    if ecosystem == "Go" and not purl.namespace:
        name = _STANDARD_LIBRARIES.get(name, name)
    version = purl.version or component.version
    names = [
        Named(ecosystem, normal_name(ecosystem, name), version, repository=purl.qualifier("repository_url"))
    ]
    if _from_rebuilder(name):
        names.append(Named("Root", name, version, Release("", ecosystem)))
    return tuple(names)


def _os_names(
    component: Component, purl: PackageUrl, system: OperatingSystem | None
) -> tuple[Named, ...] | Unjudged:
    release = release_of(purl, system)
    if release is None:
        return Unjudged.DISTRIBUTION_UNKNOWN
    if not release.ecosystem:
        return Unjudged.ECOSYSTEM_UNKNOWN
    version = _with_epoch(purl.version or component.version, purl)
    binary = Named(release.ecosystem, purl.name, version, release)
    names = []
    source = component.source
    if source is not None and source.name:
        source_version = _with_epoch(source.version, purl) if source.version else version
        if purl.type == "deb" and not source.version:
            # A rebuild of the binary alone does not change the source's version.
            source_version = _REBUILT.sub("", source_version)
        names.append(Named(release.ecosystem, source.name, source_version, release, from_source=True))
    if source is None or not source.name or (purl.type in _BINARY_TOO and source.name != purl.name):
        names.insert(0, binary)
    elif source.name == purl.name:
        names = [Named(release.ecosystem, purl.name, version, release)]
    if _from_rebuilder(purl.name):
        rebuilt = Release(release.system, f"{release.ecosystem}:{release.suffix}".rstrip(":"))
        names.append(Named("Root", purl.name, version, rebuilt))
    return tuple(names)


def _with_epoch(version: str, purl: PackageUrl) -> str:
    epoch = purl.qualifier("epoch")
    if purl.type == "rpm" and epoch and version and ":" not in version:
        return f"{epoch}:{version}"
    return version


def _from_rebuilder(name: str) -> bool:
    return name.startswith(("root-", "rootio-", "@root/", "@rootio/"))
