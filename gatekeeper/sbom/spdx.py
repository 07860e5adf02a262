"""SPDX JSON 2.2 and 2.3 -> components (https://spdx.github.io/spdx-spec/v2.3/)."""

from __future__ import annotations

import msgspec

from gatekeeper.core.component import Component, SbomDocument, SbomFormat
from gatekeeper.sbom import licences, making
from gatekeeper.sbom.lenient import decode_object, decode_or_none, items, text

_PURL = "purl"
_IMAGE_ITSELF = "CONTAINER"
"""The primary purpose of an image: no component of itself."""


class _Reference(msgspec.Struct):
    kind: str = msgspec.field(default="", name="referenceType")
    locator: str = msgspec.field(default="", name="referenceLocator")


class _Package(msgspec.Struct):
    name: str
    version: str = msgspec.field(default="", name="versionInfo")
    references: list[_Reference] = msgspec.field(default_factory=list, name="externalRefs")
    concluded: str = msgspec.field(default="", name="licenseConcluded")
    declared: str = msgspec.field(default="", name="licenseDeclared")
    purpose: str = msgspec.field(default="", name="primaryPackagePurpose")


class _Document(msgspec.Struct):
    version: str = msgspec.field(default="", name="spdxVersion")
    packages: list[_Package] = msgspec.field(default_factory=list)


_DOCUMENT = msgspec.json.Decoder(_Document)


def read(content: bytes) -> SbomDocument:
    """An SPDX document -> its packages as components. Raises MalformedError when it is no JSON object."""
    document = decode_or_none(_DOCUMENT, content)
    if document is None:
        return _read_item_by_item(content)
    components, unreadable = [], 0
    for package in document.packages:
        if package.purpose == _IMAGE_ITSELF:
            continue
        purl = next((found.locator for found in package.references if found.kind == _PURL), "")
        component = _component(package.name, package.version, purl, package.concluded, package.declared)
        if component is None:
            unreadable += 1
        else:
            components.append(component)
    return SbomDocument(SbomFormat.SPDX_JSON, document.version, tuple(components), unreadable)


def _component(name: str, version: str, purl: str, concluded: str, declared: str) -> Component | None:
    texts = licences.declared((concluded, declared))
    return making.component(name, version, purl, licences.all_of(texts[:1]), texts)


def _read_item_by_item(content: bytes) -> SbomDocument:
    components, unreadable = [], 0
    document = decode_object(content)
    for package in items(document.get("packages")):
        if not isinstance(package, dict):
            unreadable += 1
            continue
        if package.get("primaryPackagePurpose") == _IMAGE_ITSELF:
            continue
        component = _component(
            text(package.get("name")),
            text(package.get("versionInfo")),
            _loose_purl(package.get("externalRefs")),
            text(package.get("licenseConcluded")),
            text(package.get("licenseDeclared")),
        )
        if component is None:
            unreadable += 1
        else:
            components.append(component)
    version = text(document.get("spdxVersion"))
    return SbomDocument(SbomFormat.SPDX_JSON, version, tuple(components), unreadable)


def _loose_purl(references: object) -> str:
    for reference in items(references):
        if isinstance(reference, dict) and reference.get("referenceType") == _PURL:
            return text(reference.get("referenceLocator"))
    return ""
