"""Which language packages an OS package brought: the distribution's advisories judge them, patched as they are.

The one place that decides it, for ``gatekeeper match`` and for what the daemon keeps. A document may say it itself
(syft: the files of the OS package are those the language package was found by). Where it does not, a package of a
distribution's usual languages is the OS package's when name and version are the same and it lies below ``/usr``, where
``pip``, ``npm`` and ``gem`` of an image's builder put nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from gatekeeper.core.component import OS_PACKAGE_TYPES, Component, OperatingSystem
from gatekeeper.core.match import Unjudged
from gatekeeper.core.package_url import PackageUrl
from gatekeeper.vulnerabilities.naming import Named, names_of

_OWNED = re.compile(r"(?:py3|python3?(?:\.\d+)?|python3\d+|ruby(?:gem)?|nodejs|node)-(?P<name>.+)")
_LANGUAGES_OF_DISTRIBUTIONS = frozenset({"gem", "npm", "pypi"})
_SEPARATORS = re.compile(r"[-_.]+")


class Owner(msgspec.Struct, frozen=True):
    """The OS package that brought a language package."""

    purl: str
    names: tuple[Named, ...]
    """What the distribution's advisories call it; never empty."""


class Ownership:
    """The OS packages of one document, by what they may have brought."""

    def __init__(self, components: Iterable[Component], system: OperatingSystem | None) -> None:
        self._system = system
        self._by_purl: dict[str, Component] = {}
        self._by_name: dict[str, list[Component]] = {}
        for component in components:
            purl = component.package_url
            if purl is None or purl.type not in OS_PACKAGE_TYPES:
                continue
            self._by_purl[component.purl] = component
            if purl.type == "apk" or _OWNED.fullmatch(purl.name):
                for name in _brought_names(component, purl):
                    self._by_name.setdefault(name, []).append(component)

    def owner_of(self, component: Component) -> Owner | None:
        """None for an OS package, for what came another way, and where no advisory could name the OS package."""
        purl = component.package_url
        if purl is None or purl.type in OS_PACKAGE_TYPES:
            return None
        version = purl.version or component.version
        for package in self._candidates(component, purl):
            if _same_upstream(package.version, version):
                names = names_of(package, self._system)
                if names and not isinstance(names, Unjudged):
                    return Owner(package.purl, names)
        return None

    def _candidates(self, component: Component, purl: PackageUrl) -> Sequence[Component]:
        said = self._by_purl.get(component.brought_by)
        if said is not None:
            return (said,)
        if purl.type not in _LANGUAGES_OF_DISTRIBUTIONS or not _below_usr(component.paths):
            return ()
        return self._by_name.get(_normal(_whole_name(purl)), ())


def _brought_names(component: Component, purl: PackageUrl) -> set[str]:
    """``python3-yaml`` from the source ``pyyaml`` -> ``yaml``, ``python3-yaml``, ``pyyaml``."""
    names = {purl.name} | ({component.source.name} if component.source is not None else set())
    return {_normal(name) for whole in names for name in (whole, _stripped(whole))}


def _stripped(name: str) -> str:
    match = _OWNED.fullmatch(name)
    return match["name"] if match else name


def _below_usr(paths: Sequence[str]) -> bool:
    return bool(paths) and all(
        path.lstrip("/").startswith("usr/") and not path.lstrip("/").startswith("usr/local/")
        for path in paths
    )


def _whole_name(purl: PackageUrl) -> str:
    return f"{purl.namespace}-{purl.name}".lstrip("@") if purl.namespace else purl.name


def _normal(name: str) -> str:
    return _SEPARATORS.sub("-", name).lower()


def _same_upstream(version: str, upstream: str) -> bool:
    """``2:1.4.1-1ubuntu2`` was made of ``1.4.1``.

    Also asked where the files are the same: ``npm install -g npm`` writes over what the distribution put there.
    """
    made_of = version.rpartition(":")[2]
    rest = made_of.removeprefix(upstream)
    return (
        bool(upstream)
        and made_of.startswith(upstream)
        and not rest[:1].isalnum()
        and not rest.startswith(".")
    )
