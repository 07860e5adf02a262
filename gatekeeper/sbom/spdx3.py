"""SPDX 3.0 JSON-LD -> components (https://spdx.github.io/spdx-spec/v3.0.1/serializations/).

One flat list of elements that name each other by id; a document of one element may leave the list out, and what may be
a list may be a single value. Packages are components, and so are the packages of the AI and Dataset profiles. Licences
hang on them by relationships, which are looked up and never followed further, so a cycle is nothing to fear.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gatekeeper.core.component import Component, OperatingSystem, SbomDocument, SbomFormat
from gatekeeper.sbom import licences, making
from gatekeeper.sbom.lenient import Tally, decode, items, moment, text
from gatekeeper.sbom.spdx3_licences import Licences, key_of

_KINDS = {
    "software_Package": "",
    "ai_AIPackage": "machine-learning-model",
    "dataset_DatasetPackage": "data",
}
"""Elements that are packages -> the kind of component where their purpose says none."""
_IMAGE_ITSELF = "container"
_SYSTEM = "operatingSystem"
_LICENCE_OF = {"hasConcludedLicense": 0, "hasDeclaredLicense": 1}
"""What somebody concluded goes before what was declared."""
_NO_FILE_DIGEST = "PackageVerificationCode"


class Element(msgspec.Struct):
    """Any element; the members of the kinds that are needed. What may be a list or a single value is untyped."""

    type: str = ""
    at_type: str = msgspec.field(default="", name="@type")
    id: str = msgspec.field(default="", name="spdxId")
    at_id: str = msgspec.field(default="", name="@id")
    name: str = ""
    version: str = msgspec.field(default="", name="software_packageVersion")
    purl: str = msgspec.field(default="", name="software_packageUrl")
    purpose: str = msgspec.field(default="", name="software_primaryPurpose")
    identifiers: object = msgspec.field(default=None, name="externalIdentifier")
    hashes: object = msgspec.field(default=None, name="verifiedUsing")
    creation: object = msgspec.field(default=None, name="creationInfo")
    expression: str = msgspec.field(default="", name="simplelicensing_licenseExpression")
    meanings: object = msgspec.field(default=None, name="simplelicensing_customIdToUri")
    members: object = msgspec.field(default=None, name="expandedlicensing_member")
    later_than: object = msgspec.field(default=None, name="expandedlicensing_subjectLicense")
    extended: object = msgspec.field(default=None, name="expandedlicensing_subjectExtendableLicense")
    addition: object = msgspec.field(default=None, name="expandedlicensing_subjectAddition")
    relationship: str = msgspec.field(default="", name="relationshipType")
    start: object = msgspec.field(default=None, name="from")
    ends: object = msgspec.field(default=None, name="to")
    roots: object = msgspec.field(default=None, name="rootElement")
    created: str = ""
    spec_version: str = msgspec.field(default="", name="specVersion")
    algorithm: str = ""
    digest: str = msgspec.field(default="", name="hashValue")

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

    elements: list[Element | None] | None = msgspec.field(default=None, name="@graph")


_GRAPH = msgspec.json.Decoder(Graph)
_ELEMENT = msgspec.json.Decoder(Element)


def read(content: bytes) -> SbomDocument:
    """An SPDX 3 document -> its packages as components. Raises MalformedError."""
    listed = decode(_GRAPH, Graph, content).elements
    if listed is None:
        listed = [decode(_ELEMENT, Element, content)]
    elements = [element for element in listed if element is not None]
    by_key = {element.key: element for element in elements if element.key}
    known = Licences(elements)
    said = _licences(elements, known)
    meanings = known.meanings
    about = _described(elements, by_key)
    tally = Tally()
    system = root = None
    for number, element in enumerate(listed):
        if element is None:
            tally.miss(f"@graph[{number}]", "it is no object")
        elif element.kind in _KINDS and element.purpose != _IMAGE_ITSELF:
            component = _component(element, said.get(element.key, []), meanings, by_key)
            tally.add(component, "@graph", number)
            if element is about:
                root = component
            if element.purpose == _SYSTEM and system is None and element.name.strip():
                system = OperatingSystem(element.name.strip().lower(), element.version)
    spec_version, created = _creation(elements)
    named = next((element.name for element in elements if element.kind == "SpdxDocument"), "")
    return SbomDocument(
        format=SbomFormat.SPDX3_JSON,
        version=spec_version,
        components=tuple(tally.components),
        unreadable=tally.unreadable,
        unread=tuple(tally.unread),
        operating_system=system or making.system_of(tally.components),
        created=moment(created),
        tools=tuple(element.name for element in elements if element.kind == "Tool" and element.name)[:20],
        subject=named or (about.name if about is not None else ""),
        root=root,
    )


def _listed(value: object) -> list[object]:
    """A list as it is, a single value as a list of it."""
    return items(value) or ([] if value in (None, []) else [value])


def _creation(elements: list[Element]) -> tuple[str, str]:
    """The version of the specification and the time, of a ``CreationInfo`` wherever it stands."""
    for element in elements:
        if element.kind == "CreationInfo":
            return element.spec_version, element.created
    for element in elements:
        if isinstance(element.creation, dict):
            return text(element.creation.get("specVersion")), text(element.creation.get("created"))
    return "", ""


def _described(elements: list[Element], by_key: Mapping[str, Element]) -> Element | None:
    """The package that the SBOM, or else the document, says to be about; None for none or several."""
    for kind in ("software_Sbom", "SpdxDocument"):
        named = {key_of(end) for one in elements if one.kind == kind for end in _listed(one.roots)}
        found = [by_key[key] for key in named if key in by_key and by_key[key].kind in _KINDS]
        if found:
            return found[0] if len(named) == 1 else None
    return None


def _licences(elements: list[Element], known: Licences) -> dict[str, list[str]]:
    """By package the expressions of the relationship that counts most, the others behind them."""
    found: dict[str, list[tuple[int, str]]] = {}
    for element in elements:
        rank = _LICENCE_OF.get(element.relationship)
        if rank is None:
            continue
        expressions = [expression for end in _listed(element.ends) if (expression := known.expression(end))]
        if expressions:
            whole = " AND ".join(f"({one})" if " " in one and expressions[1:] else one for one in expressions)
            found.setdefault(key_of(element.start), []).append((rank, whole))
    return {package: [whole for _, whole in sorted(said)] for package, said in found.items()}


def _component(
    element: Element, said: list[str], meanings: Mapping[str, str], by_key: Mapping[str, Element]
) -> Component | None:
    purl, cpes = element.purl, []
    for one in _listed(element.identifiers):
        if isinstance(one, dict):
            kind, identifier = text(one.get("externalIdentifierType")), text(one.get("identifier"))
            if kind.lower() in ("packageurl", "purl"):
                purl = purl or identifier
            elif kind in ("cpe22", "cpe23"):
                cpes.append(identifier)
    declared = licences.declared(said)
    return making.component(
        element.name,
        element.version,
        purl,
        kind=_kind(element),
        licence=licences.named_references(licences.all_of(declared[:1]), meanings),
        declared=declared,
        digests=_digests(element, by_key),
        cpes=cpes,
    )


def _digests(element: Element, by_key: Mapping[str, Element]) -> list[str]:
    """Of the package itself, whether the hash stands in it or is named by it."""
    found = []
    for one in _listed(element.hashes):
        if isinstance(one, dict):
            kind, algorithm, value = (text(one.get(key)) for key in ("type", "algorithm", "hashValue"))
        else:
            named = by_key.get(text(one), Element())
            kind, algorithm, value = named.kind, named.algorithm, named.digest
        digest = "" if kind == _NO_FILE_DIGEST else making.file_digest(algorithm, value)
        found += [digest] if digest else []
    return found


def _kind(element: Element) -> str:
    if element.purpose == _SYSTEM:
        return "operating-system"
    return element.purpose or _KINDS[element.kind]
