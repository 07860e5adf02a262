"""A whole SBOM against an index of advisories: what was found, and what could not be judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from gatekeeper.core.component import Component, SbomDocument
from gatekeeper.core.match import Gap, Match, Unjudged, not_covered
from gatekeeper.vulnerabilities.index import AdvisoryIndex, Entry, package_key
from gatekeeper.vulnerabilities.matching import join, match_advisory
from gatekeeper.vulnerabilities.naming import Named, names_of
from gatekeeper.vulnerabilities.ownership import Ownership


class OfVendor(msgspec.Struct, frozen=True, gc=False):
    """A language package that an OS package brought: the distribution's advisories judge it, patched as it is."""

    component: str
    package: str
    """purl of the OS package."""


class Assessment(msgspec.Struct, frozen=True):
    """What the feeds say of the components of one document."""

    matches: tuple[Match, ...]
    gaps: tuple[Gap, ...]
    of_vendor: tuple[OfVendor, ...]
    components: int
    """Packages that the document lists, each once."""
    judged: int
    """Those of which everything could be said."""


_AT_ONCE = 1_000
"""Components that are looked up together: what the index finds for them is held in memory."""

_Wanted = tuple[Component, tuple[Named, ...] | Unjudged]

_NO_ECOSYSTEM = {
    Unjudged.NO_PURL: "it has no package URL, so nobody knows which ecosystem it is of",
    Unjudged.MALFORMED_PURL: "its package URL breaks the specification",
    Unjudged.ECOSYSTEM_UNKNOWN: "no ecosystem of OSV holds such packages",
    Unjudged.DISTRIBUTION_UNKNOWN: "neither it nor the document says which release of which distribution it is of",
}


def assess(document: SbomDocument, index: AdvisoryIndex) -> Assessment:
    """Looks up every package of the document once."""
    system = document.operating_system
    ownership = Ownership(document.components, system)
    matches: list[Match] = []
    gaps: list[Gap] = []
    of_vendor: list[OfVendor] = []
    done: set[tuple[str, str, object, bool]] = set()
    wanted: list[_Wanted] = []
    for component in document.components:
        names = names_of(component, system)
        if names == () or _is_the_subject(component, names, document):
            continue
        owner = ownership.owner_of(component)
        if owner is not None and not index.covers(owner.names):
            owner = None
        # The distribution's copy says nothing of another one of the same version.
        identity = (component.purl or component.name, component.version, component.source, owner is None)
        if identity in done:
            continue
        done.add(identity)
        if owner is not None:
            of_vendor.append(OfVendor(component.purl, owner.purl))
        else:
            wanted.append((component, names))
    judged = len(of_vendor)
    for start in range(0, len(wanted), _AT_ONCE):
        for found, missed in _assess_some(wanted[start : start + _AT_ONCE], index):
            matches += found
            gaps += missed
            judged += not missed
    matches.sort(key=_worst_first)
    return Assessment(tuple(matches), tuple(gaps), tuple(of_vendor), len(done), judged)


def _assess_some(
    wanted: Sequence[_Wanted], index: AdvisoryIndex
) -> Iterator[tuple[Sequence[Match], Sequence[Gap]]]:
    entries = index.entries(name for _, names in wanted if not isinstance(names, Unjudged) for name in names)
    for component, names in wanted:
        yield _assess_one(component, names, index, entries)


def _assess_one(
    component: Component,
    names: tuple[Named, ...] | Unjudged,
    index: AdvisoryIndex,
    entries: Mapping[str, Sequence[Entry]],
) -> tuple[Sequence[Match], Sequence[Gap]]:
    shown = component.purl or " ".join(part for part in (component.name, component.version) if part)
    if isinstance(names, Unjudged):
        return (), (Gap(shown, names, _NO_ECOSYSTEM[names]),)
    if not index.covers(names):
        return (), (not_covered(names[0].label, shown),)
    by_advisory: dict[int, list[tuple[int, Entry]]] = {}
    for position, name in enumerate(names):
        for entry in entries.get(package_key(name.ecosystem, name.name), ()):
            by_advisory.setdefault(entry.advisory, []).append((position, entry))
    matches: list[Match] = []
    gaps: list[Gap] = []
    for found in by_advisory.values():
        ready = [(position, entry.ready) for position, entry in found]
        match match_advisory(shown, names, ready, found[0][1].heading):
            case Match() as matched:
                matches.append(matched)
            case Gap() as gap:
                gaps.append(gap)
            case None:
                pass
    return [joined for joined, _ in join(matches)], gaps


def _worst_first(match: Match) -> tuple[int, str, str]:
    return (-match.rating.severity.rank, match.component, match.advisory)


def _is_the_subject(
    component: Component, names: tuple[Named, ...] | Unjudged, document: SbomDocument
) -> bool:
    """True for what the document is about, listed among its own components, where no ecosystem knows it."""
    root = document.root
    if root is not None and (component.name, component.version, component.purl) == (
        root.name, root.version, root.purl,
    ):  # fmt: skip
        return isinstance(names, Unjudged)
    return not component.purl and bool(document.subject) and component.name == document.subject
