"""SPDX 3.0 JSON-LD -> components (https://spdx.github.io/spdx-spec/v3.0.1/serializations/).

One flat list of elements that name each other by id. Packages are components; licences hang on them by relationships,
which are looked up and never followed further, so a cycle is nothing to fear.
"""

from __future__ import annotations

import msgspec

from gatekeeper.core.component import Component, OperatingSystem, SbomDocument, SbomFormat
from gatekeeper.sbom import licences, making
from gatekeeper.sbom.lenient import Tally, decode, items, moment, text

_PACKAGE = "software_Package"
_IMAGE_ITSELF = "container"
_SYSTEM = "operatingSystem"
_LICENCE_OF = {"hasConcludedLicense": 0, "hasDeclaredLicense": 1}
"""What somebody concluded goes before what was declared."""


class Identifier(msgspec.Struct):
    """``externalIdentifier[]``."""

    kind: str = msgspec.field(default="", name="externalIdentifierType")
    identifier: str = ""


class Hash(msgspec.Struct):
    """``verifiedUsing[]``."""

    algorithm: str = ""
    value: str = msgspec.field(default="", name="hashValue")


class Element(msgspec.Struct):
    """Any element; the members of the kinds that are needed."""

    type: str = ""
    at_type: str = msgspec.field(default="", name="@type")
    id: str = msgspec.field(default="", name="spdxId")
    at_id: str = msgspec.field(default="", name="@id")
    name: str = ""
    version: str = msgspec.field(default="", name="software_packageVersion")
    purl: str = msgspec.field(default="", name="software_packageUrl")
    purpose: str = msgspec.field(default="", name="software_primaryPurpose")
    identifiers: list[Identifier] = msgspec.field(default_factory=list, name="externalIdentifier")
    hashes: list[Hash] = msgspec.field(default_factory=list, name="verifiedUsing")
    expression: str = msgspec.field(default="", name="simplelicensing_licenseExpression")
    relationship: str = msgspec.field(default="", name="relationshipType")
    start: str = msgspec.field(default="", name="from")
    ends: object = msgspec.field(default=None, name="to")
    created: str = ""
    spec_version: str = msgspec.field(default="", name="specVersion")

    @property
    def kind(self) -> str:
        """``software_Package``, whatever prefix the context gives it."""
        return (self.type or self.at_type).replace(":", "_").rpartition("/")[2]

    @property
    def key(self) -> str:
        """What other elements name it by."""
        return self.id or self.at_id


class Graph(msgspec.Struct):
    """The document."""

    elements: list[Element | None] = msgspec.field(default_factory=list, name="@graph")


_GRAPH = msgspec.json.Decoder(Graph)


def read(content: bytes) -> SbomDocument:
    """An SPDX 3 document -> its packages as components. Raises MalformedError."""
    graph = decode(_GRAPH, Graph, content)
    elements = [element for element in graph.elements if element is not None]
    said = _licences(elements)
    tally = Tally()
    system = None
    for number, element in enumerate(graph.elements):
        if element is None:
            tally.miss(f"@graph[{number}]", "it is no object")
        elif element.kind == _PACKAGE and element.purpose != _IMAGE_ITSELF:
            component = _component(element, said.get(element.key, []))
            tally.add(component, "@graph", number)
            if element.purpose == _SYSTEM and system is None and element.name.strip():
                system = OperatingSystem(element.name.strip().lower(), element.version)
    creation = next((element for element in elements if element.kind == "CreationInfo"), Element())
    return SbomDocument(
        format=SbomFormat.SPDX3_JSON,
        version=creation.spec_version,
        components=tuple(tally.components),
        unreadable=tally.unreadable,
        unread=tuple(tally.unread),
        operating_system=system or making.system_of(tally.components),
        created=moment(creation.created),
        tools=tuple(element.name for element in elements if element.kind == "Tool" and element.name)[:20],
        subject=next((element.name for element in elements if element.kind == "SpdxDocument"), ""),
    )


def _licences(elements: list[Element]) -> dict[str, list[str]]:
    """Licence texts by package, the concluded one first."""
    named = {
        element.key: element.expression or element.name
        for element in elements
        if element.expression or element.kind.startswith(("expandedlicensing_", "simplelicensing_"))
    }
    found: dict[str, list[tuple[int, str]]] = {}
    for element in elements:
        rank = _LICENCE_OF.get(element.relationship)
        if rank is None:
            continue
        for end in items(element.ends) or [element.ends]:
            target = text(end)
            # A listed licence may be named by its address alone.
            licence = named.get(target) or target.removeprefix("https://spdx.org/licenses/")
            found.setdefault(element.start, []).append((rank, licence))
    return {package: [licence for _, licence in sorted(said)] for package, said in found.items()}


def _component(element: Element, said: list[str]) -> Component | None:
    purl, cpes = element.purl, []
    for one in element.identifiers:
        if one.kind.lower() in ("packageurl", "purl"):
            purl = purl or one.identifier
        elif one.kind in ("cpe22", "cpe23"):
            cpes.append(one.identifier)
    declared = licences.declared(said)
    return making.component(
        element.name,
        element.version,
        purl,
        kind=_kind(element.purpose),
        licence=licences.all_of(declared[:1]),
        declared=declared,
        digests=[
            digest for one in element.hashes if (digest := making.file_digest(one.algorithm, one.value))
        ],
        cpes=cpes,
    )


def _kind(purpose: str) -> str:
    return "operating-system" if purpose == _SYSTEM else purpose
