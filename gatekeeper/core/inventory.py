"""What several SBOMs of one image list together, and which document says each fact."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gatekeeper.core.component import Component, OperatingSystem, SbomDocument
from gatekeeper.core.digest import Digest

MERGED_FACTS = ("purl", "source", "licence", "digests", "layer", "cpes", "paths")
"""The fields that documents may state differently about one component."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement about a component, with every document that makes it."""

    name: str
    """A field of ``Component``."""
    value: str
    documents: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A component with the documents that list it."""

    component: Component
    """As the most trusted document states it; what that one leaves out comes from the next."""
    documents: tuple[Digest, ...]
    """Most trusted first."""
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Inventory:
    """The read SBOM documents behind one piece of evidence, by the digest that the evidence names them by."""

    documents: Mapping[Digest, SbomDocument] = field(default_factory=dict)

    def of(self, document: Digest) -> SbomDocument | None:
        """The content of one document; None when it is not kept."""
        return self.documents.get(document)


NO_DOCUMENTS = Inventory()


@dataclass(frozen=True, slots=True)
class Described:
    """What a written SBOM is about."""

    name: str
    """``registry/repository@digest``, or the name of the file that was read."""
    digest: str
    """Of the image; empty for a file."""
    documents: tuple[Digest, ...]
    """The SBOMs that it was made of."""
    operating_system: OperatingSystem | None
    components: tuple[Listed, ...]


def merge(documents: Sequence[tuple[Digest, SbomDocument]]) -> tuple[Listed, ...]:
    """The components of all documents, the most trusted document first; order of first mention.

    Two entries are one component when their purls name the same package, version and architecture, or, without a purl,
    when kind, group, name and version are equal. What one document lists twice stays twice.
    """
    found: dict[tuple[object, ...], list[tuple[Digest, Component]]] = {}
    for digest, document in documents:
        times: dict[tuple[object, ...], int] = {}
        for component in document.components:
            identity = _identity(component)
            times[identity] = times.get(identity, 0) + 1
            found.setdefault((*identity, times[identity]), []).append((digest, component))
    return tuple(map(_listed, found.values()))


def _identity(component: Component) -> tuple[object, ...]:
    purl = component.package_url
    if purl is None:
        return component.purl, component.kind, component.group, component.name, component.version
    return *purl.package, purl.version or component.version, purl.qualifier("arch")


def _listed(entries: list[tuple[Digest, Component]]) -> Listed:
    merged = entries[0][1]
    for _, component in entries[1:]:
        merged = _filled(merged, component)
    facts: dict[tuple[str, str], list[Digest]] = {}
    for digest, component in entries:
        for name in MERGED_FACTS:
            value = getattr(component, name)
            if value:
                facts.setdefault((name, _shown(value)), []).append(digest)
    return Listed(
        merged,
        tuple(dict.fromkeys(digest for digest, _ in entries)),
        tuple(Fact(name, value, tuple(documents)) for (name, value), documents in facts.items()),
    )


def _filled(component: Component, other: Component) -> Component:
    missing = {
        one.name: getattr(other, one.name)
        for one in dataclasses.fields(Component)
        if not getattr(component, one.name) and getattr(other, one.name)
    }
    if "licence" in missing:
        missing["licences"] = other.licences
    return dataclasses.replace(component, **missing) if missing else component


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    name, version = getattr(value, "name", None), getattr(value, "version", None)
    return f"{name} {version}".strip() if name is not None else str(value)
