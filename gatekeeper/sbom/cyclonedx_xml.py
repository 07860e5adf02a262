"""CycloneDX XML -> the same structures as CycloneDX JSON.

The door of ``defusedxml``: no document type, no entities, nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from gatekeeper.core.component import SbomDocument, SbomFormat
from gatekeeper.sbom import cyclonedx
from gatekeeper.sbom.cyclonedx import (
    Bom,
    Evidence,
    Hash,
    Item,
    Licence,
    LicenceChoice,
    Metadata,
    Occurrence,
    Property,
)
from gatekeeper.sbom.lenient import MAX_ELEMENTS, malformed, too_large, unsupported

NAMESPACE = "http://cyclonedx.org/schema/bom/"
_ELEMENT = f"{{{NAMESPACE}"
_DEEPEST = 200


def read(content: bytes) -> SbomDocument:
    """A CycloneDX XML document -> its components. Raises MalformedError."""
    if content.count(b"<") > MAX_ELEMENTS:
        raise too_large(f"{MAX_ELEMENTS} elements")
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except DefusedXmlException as error:
        raise malformed("XML with a document type or entities is not read") from error
    except (ParseError, ValueError, LookupError, UnicodeError) as error:
        raise malformed(f"no XML: {error}") from error
    uri, _, name = root.tag.rpartition("}")
    if name != "bom" or not uri.startswith(_ELEMENT):
        raise unsupported("this XML is no CycloneDX document")
    bom = Bom(
        spec_version=uri.removeprefix(f"{{{NAMESPACE}"),
        components=_items(_first(root, "components"), 0),
        metadata=_metadata(_first(root, "metadata")),
    )
    return cyclonedx.document_of(bom, SbomFormat.CYCLONEDX_XML)


def _metadata(element: Element | None) -> Metadata | None:
    if element is None:
        return None
    component = _first(element, "component")
    tools = _first(element, "tools")
    found: list[Element] = []
    if tools is not None:
        found = list(_all(tools, "tool"))
        nested = _first(tools, "components")
        found += [] if nested is None else list(_all(nested, "component"))
    return Metadata(
        component=None if component is None else _item(component, 0),
        timestamp=_text(element, "timestamp"),
        tools=[{"name": _text(tool, "name"), "version": _text(tool, "version")} for tool in found],
    )


def _items(element: Element | None, depth: int) -> list[Item | None]:
    return [] if element is None else [_item(child, depth) for child in _all(element, "component")]


def _item(element: Element, depth: int) -> Item:
    if depth > _DEEPEST:
        raise malformed("it is nested too deeply")
    found = [Occurrence(_text(one, "location")) for one in _occurrences(element)]
    return Item(
        name=_text(element, "name"),
        type=element.get("type", ""),
        version=_text(element, "version"),
        purl=_text(element, "purl"),
        group=_text(element, "group"),
        cpe=_text(element, "cpe"),
        licences=list(_licences(_first(element, "licenses"))),
        hashes=[Hash(one.get("alg", ""), one.text or "") for one in _below(element, "hashes", "hash")],
        properties=[
            Property(one.get("name", ""), one.text or "") for one in _below(element, "properties", "property")
        ],
        evidence=Evidence(found) if found else None,
        components=_items(_first(element, "components"), depth + 1),
    )


def _occurrences(element: Element) -> Iterator[Element]:
    evidence = _first(element, "evidence")
    return iter(()) if evidence is None else _below(evidence, "occurrences", "occurrence")


def _licences(element: Element | None) -> Iterator[LicenceChoice]:
    for child in () if element is None else element:
        acknowledgement = child.get("acknowledgement", "")
        if _local(child) == "expression":
            yield LicenceChoice(expression=(child.text or "").strip(), acknowledgement=acknowledgement)
        elif _local(child) == "license":
            yield LicenceChoice(Licence(_text(child, "id"), _text(child, "name"), acknowledgement))


def _local(element: Element) -> str:
    """The name of an element of CycloneDX; empty for what extensions put between them."""
    tag: object = element.tag
    # Comments and processing instructions have a function for a tag.
    if not isinstance(tag, str) or not tag.startswith(_ELEMENT):
        return ""
    return tag.rpartition("}")[2]


def _all(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if _local(child) == name)


def _first(element: Element, name: str) -> Element | None:
    return next(_all(element, name), None)


def _below(element: Element, outer: str, inner: str) -> Iterator[Element]:
    found = _first(element, outer)
    return iter(()) if found is None else _all(found, inner)


def _text(element: Element, name: str) -> str:
    found = _first(element, name)
    return (found.text or "").strip() if found is not None else ""
