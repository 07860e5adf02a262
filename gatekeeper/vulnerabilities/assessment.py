"""A whole SBOM against an index of advisories: what was found, and what could not be judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from gatekeeper.core.component import OS_PACKAGE_TYPES, Component, OperatingSystem, SbomDocument
from gatekeeper.core.match import Gap, Match, Unjudged
from gatekeeper.core.package_url import PackageUrl
from gatekeeper.vulnerabilities.index import AdvisoryIndex
from gatekeeper.vulnerabilities.matching import by_advisory, join, match_advisory
from gatekeeper.vulnerabilities.naming import Named, names_of


@dataclass(frozen=True, slots=True)
class OfVendor:
    """A language package that an OS package brought: the distribution's advisories judge it, patched as it is."""

    component: str
    package: str
    """purl of the OS package."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the feeds say of the components of one document."""

    matches: tuple[Match, ...]
    gaps: tuple[Gap, ...]
    of_vendor: tuple[OfVendor, ...]
    components: int
    """Packages that the document lists, each once."""
    judged: int
    """Those of which everything could be said."""


_NO_ECOSYSTEM = {
    Unjudged.NO_PURL: "it has no package URL, so nobody knows which ecosystem it is of",
    Unjudged.MALFORMED_PURL: "its package URL breaks the specification",
    Unjudged.ECOSYSTEM_UNKNOWN: "no ecosystem of OSV holds such packages",
    Unjudged.DISTRIBUTION_UNKNOWN: "neither it nor the document says which release of which distribution it is of",
}


def assess(document: SbomDocument, index: AdvisoryIndex) -> Assessment:
    """Looks up every package of the document once."""
    system = document.operating_system
    vendor = _Vendor(document.components, system, index)
    matches: list[Match] = []
    gaps: list[Gap] = []
    of_vendor: list[OfVendor] = []
    done: set[tuple[str, str, object]] = set()
    judged = 0
    for component in document.components:
        identity = (component.purl or component.name, component.version, component.source)
        names = names_of(component, system)
        if identity in done or names == () or _is_the_subject(component, document):
            continue
        done.add(identity)
        package = vendor.package_of(component)
        if package is not None:
            of_vendor.append(OfVendor(component.purl, package))
            judged += 1
            continue
        found, missed = _assess_one(component, names, index)
        matches += found
        gaps += missed
        judged += not missed
    matches.sort(key=_worst_first)
    return Assessment(tuple(matches), tuple(gaps), tuple(of_vendor), len(done), judged)


def _assess_one(
    component: Component, names: tuple[Named, ...] | Unjudged, index: AdvisoryIndex
) -> tuple[list[Match], list[Gap]]:
    shown = component.purl or " ".join(part for part in (component.name, component.version) if part)
    if isinstance(names, Unjudged):
        return [], [Gap(shown, names, _NO_ECOSYSTEM[names])]
    if not any(index.covers(name) for name in names):
        return [], [
            Gap(shown, Unjudged.ECOSYSTEM_NOT_COVERED, f"the feeds hold no advisory of {names[0].label}")
        ]
    found = by_advisory(
        (position, advisory, ready)
        for position, name in enumerate(names)
        for advisory, ready in index.entries(name)
    )
    matches: list[Match] = []
    gaps: list[Gap] = []
    for advisory, entries in found.items():
        match match_advisory(shown, names, entries, partial(index.heading, advisory)):
            case Match() as matched:
                matches.append(matched)
            case Gap() as gap:
                gaps.append(gap)
            case None:
                pass
    return [joined for joined, _ in join(matches)], gaps


def _worst_first(match: Match) -> tuple[int, str, str]:
    return (-match.rating.severity.rank, match.component, match.advisory)


def _is_the_subject(component: Component, document: SbomDocument) -> bool:
    """True for what the document is about, listed among its own components without saying what it is."""
    return not component.purl and bool(document.subject) and component.name == document.subject


_OWNED = re.compile(r"(?:py3|python3?(?:\.\d+)?|python3\d+|ruby(?:gem)?|nodejs|node)-(?P<name>.+)")
_LANGUAGES_OF_DISTRIBUTIONS = frozenset({"gem", "npm", "pypi"})
_SEPARATORS = re.compile(r"[-_.]+")


class _Vendor:
    """Which language packages were installed by OS packages: same name, same version, below ``/usr``.

    Only where the document says where they lie: a copy that ``pip`` installed has another place.
    """

    def __init__(
        self, components: Iterable[Component], system: OperatingSystem | None, index: AdvisoryIndex
    ) -> None:
        self._packages: dict[str, list[tuple[str, str]]] = {}
        for component in components:
            purl = component.package_url
            if purl is None or purl.type not in OS_PACKAGE_TYPES:
                continue
            match = _OWNED.fullmatch(purl.name)
            name = match["name"] if match else purl.name
            names = names_of(component, system) if match or purl.type == "apk" else ()
            if not isinstance(names, Unjudged) and any(index.covers(found) for found in names):
                self._packages.setdefault(_normal(name), []).append((purl.version, component.purl))

    def package_of(self, component: Component) -> str | None:
        """The purl of the OS package that brought it."""
        purl = component.package_url
        if purl is None or purl.type not in _LANGUAGES_OF_DISTRIBUTIONS or not _below_usr(component.paths):
            return None
        for version, package in self._packages.get(_normal(_whole_name(purl)), ()):
            if _same_upstream(version, purl.version or component.version):
                return package
        return None


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
    """``2:1.4.1-1ubuntu2`` was made of ``1.4.1``."""
    made_of = version.rpartition(":")[2]
    rest = made_of.removeprefix(upstream)
    return (
        bool(upstream)
        and made_of.startswith(upstream)
        and not rest[:1].isalnum()
        and not rest.startswith(".")
    )
