"""CycloneDX with vulnerabilities and their analysis, 1.4 to 1.7 (https://cyclonedx.org/capabilities/vex/)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from gatekeeper.core.package_url import PackageUrl
from gatekeeper.core.vex import VexDocument, VexProduct, VexStatement, VexStatus
from gatekeeper.vulnerabilities.lenient import items, members, moment, purl_or_none, text

_STATES = {
    "not_affected": VexStatus.NOT_AFFECTED,
    "false_positive": VexStatus.NOT_AFFECTED,
    "resolved": VexStatus.FIXED,
    "resolved_with_pedigree": VexStatus.FIXED,
    "exploitable": VexStatus.AFFECTED,
    "in_triage": VexStatus.UNDER_INVESTIGATION,
}
_BOM_LINK = re.compile(r"urn:cdx:(?P<serial>[^/#]+)(?:/[0-9]+)?#(?P<ref>.+)", re.DOTALL)
_MOST_COMPONENTS = 1_000_000


def read(document: Mapping[str, object]) -> VexDocument:
    """Statements of the vulnerabilities that were analysed; others only report."""
    metadata = members(document.get("metadata"))
    author, name = _author(metadata), text(document.get("serialNumber"))
    refs = _references(document, metadata)
    statements, warnings = [], []
    for position, found in enumerate(items(document.get("vulnerabilities"))):
        vulnerability = members(found)
        analysis = members(vulnerability.get("analysis"))
        status = _STATES.get(text(analysis.get("state")))
        if status is None:
            continue
        justification = text(analysis.get("justification")) or text(analysis.get("detail"))
        if status is VexStatus.NOT_AFFECTED and not justification:
            warnings.append(f"vulnerabilities[{position}]: not_affected needs a justification or a detail")
            continue
        ids = [text(vulnerability.get("id"))]
        ids += [text(members(item).get("id")) for item in items(vulnerability.get("references"))]
        named = tuple(dict.fromkeys(item for item in ids if item))
        products = tuple(
            _product(members(item).get("ref"), refs, name) for item in items(vulnerability.get("affects"))
        )
        if not named or not products:
            warnings.append(f"vulnerabilities[{position}]: it names no vulnerability or affects nothing")
            continue
        at = moment(
            analysis.get("lastUpdated"),
            analysis.get("firstIssued"),
            vulnerability.get("updated"),
            metadata.get("timestamp"),
        )
        statements.append(VexStatement(author, name, named, products, status, justification, at))
    return VexDocument("cyclonedx", author, name, tuple(statements), tuple(warnings))


def _author(metadata: Mapping[str, object]) -> str:
    named = [members(item).get("name") for item in items(metadata.get("authors"))]
    named += [members(metadata.get(key)).get("name") for key in ("manufacturer", "supplier", "manufacture")]
    return next((text(name) for name in named if text(name)), "")


def _references(
    document: Mapping[str, object], metadata: Mapping[str, object]
) -> dict[str, PackageUrl | None]:
    found: dict[str, PackageUrl | None] = {}
    waiting = [metadata.get("component"), *items(document.get("components"))]
    while waiting and len(found) < _MOST_COMPONENTS:
        component = members(waiting.pop())
        reference = text(component.get("bom-ref"))
        if reference:
            found[reference] = purl_or_none(component.get("purl"))
        waiting += items(component.get("components"))
    return found


def _product(reference: object, refs: Mapping[str, PackageUrl | None], serial: str) -> VexProduct:
    """A ``bom-ref`` of this document, a BOM-Link (``urn:cdx:SERIAL/VERSION#bom-ref``), or a purl.

    A link into another document says a package only where the ``bom-ref`` there is a purl.
    """
    name = text(reference)
    link = _BOM_LINK.fullmatch(name)
    if link is None:
        return VexProduct(refs.get(name) or purl_or_none(name), name)
    inside = unquote(link["ref"])
    ours = not serial or link["serial"].lower() == serial.removeprefix("urn:uuid:").lower()
    return VexProduct((refs.get(inside) if ours else None) or purl_or_none(inside), name)
