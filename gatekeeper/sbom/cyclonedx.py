"""CycloneDX JSON 1.2 to 1.7 -> components (https://cyclonedx.org/docs/)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gatekeeper.core.component import Component, SbomDocument, SbomFormat
from gatekeeper.sbom import licences, making
from gatekeeper.sbom.lenient import decode_object, decode_or_none, items, text

_IMAGE_ITSELF = "container"
"""The component type of the image the document is about: no component of itself."""


class _Licence(msgspec.Struct):
    id: str = ""
    name: str = ""


class _LicenceChoice(msgspec.Struct):
    licence: _Licence | None = msgspec.field(default=None, name="license")
    expression: str = ""


class _Item(msgspec.Struct):
    name: str
    type: str = ""
    version: str = ""
    purl: str = ""
    licences: list[_LicenceChoice] = msgspec.field(default_factory=list, name="licenses")
    components: list[_Item] = msgspec.field(default_factory=list)


class _Metadata(msgspec.Struct):
    component: _Item | None = None


class _Bom(msgspec.Struct):
    version: str = msgspec.field(default="", name="specVersion")
    components: list[_Item] = msgspec.field(default_factory=list)
    metadata: _Metadata | None = None


_BOM = msgspec.json.Decoder(_Bom)


def read(content: bytes) -> SbomDocument:
    """A CycloneDX document -> its components, nested ones included. Raises MalformedError when it is no JSON object."""
    bom = decode_or_none(_BOM, content)
    if bom is None:
        return _read_item_by_item(content)
    root = bom.metadata.component if bom.metadata else None
    if root is None:
        top = []
    else:
        top = root.components if root.type == _IMAGE_ITSELF else [root]
    found = tuple(_typed([*top, *bom.components]))
    return SbomDocument(
        SbomFormat.CYCLONEDX_JSON,
        bom.version,
        tuple(item for item in found if item is not None),
        found.count(None),
    )


def _typed(pending: list[_Item]) -> Iterator[Component | None]:
    pending.reverse()
    while pending:
        item = pending.pop()
        pending.extend(reversed(item.components))
        yield _component(item.name, item.version, item.purl, [_licence(choice) for choice in item.licences])


def _licence(choice: _LicenceChoice) -> str:
    if choice.expression:
        return choice.expression
    return (choice.licence.id or choice.licence.name) if choice.licence else ""


def _component(name: str, version: str, purl: str, licence_texts: list[str]) -> Component | None:
    declared = licences.declared(licence_texts)
    return making.component(name, version, purl, licences.all_of(declared), declared)


def _read_item_by_item(content: bytes) -> SbomDocument:
    document = decode_object(content)
    metadata = document.get("metadata")
    root = metadata.get("component") if isinstance(metadata, dict) else None
    if isinstance(root, dict) and root.get("type") == _IMAGE_ITSELF:
        top = items(root.get("components"))
    else:
        top = [] if root is None else [root]
    pending = [*top, *items(document.get("components"))]
    components, unreadable = [], 0
    pending.reverse()
    while pending:
        item = pending.pop()
        if not isinstance(item, dict):
            unreadable += 1
            continue
        pending.extend(reversed(items(item.get("components"))))
        component = _component(
            text(item.get("name")),
            text(item.get("version")),
            text(item.get("purl")),
            [_loose_licence(choice) for choice in items(item.get("licenses"))],
        )
        if component is None:
            unreadable += 1
        else:
            components.append(component)
    return SbomDocument(
        SbomFormat.CYCLONEDX_JSON, text(document.get("specVersion")), tuple(components), unreadable
    )


def _loose_licence(choice: object) -> str:
    if not isinstance(choice, dict):
        return ""
    licence = choice.get("license")
    if not isinstance(licence, dict):
        return text(choice.get("expression"))
    return text(choice.get("expression")) or text(licence.get("id")) or text(licence.get("name"))
