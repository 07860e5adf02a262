"""What ``sbom show`` answers: one JSON shape for a file and for an image, and its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gatekeeper.cli.output import Block, Facts, Line, Rows
from gatekeeper.core.canonical import to_plain
from gatekeeper.core.component import Component, Coverage, OperatingSystem, SbomDocument, coverage_of
from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Sbom, Unavailable
from gatekeeper.core.inventory import Listed, merge

Plain = dict[str, Any]
_LONGEST_LIST = 30


@dataclass(frozen=True, slots=True)
class ShownDocument:
    """One SBOM with where it came from; ``sbom`` is None for a file."""

    digest: Digest
    content: SbomDocument | None
    sbom: Sbom | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown: the documents, most trusted first."""

    subject: str
    digest: Digest
    platform: str | None
    documents: tuple[ShownDocument, ...]
    gaps: tuple[Unavailable, ...] = ()

    @property
    def read(self) -> tuple[tuple[Digest, SbomDocument], ...]:
        """The documents that could be read."""
        return tuple((one.digest, one.content) for one in self.documents if one.content is not None)

    @property
    def operating_system(self) -> OperatingSystem | None:
        """As the most trusted document that names one says."""
        return next((one.operating_system for _, one in self.read if one.operating_system is not None), None)

    @property
    def components(self) -> tuple[Listed, ...]:
        """Of all documents, each with who lists it."""
        return merge(self.read)


def plain_view(shown: Shown) -> Plain:
    """The stable JSON answer; ``docs/sboms.md`` describes it."""
    read = shown.read
    listed = shown.components
    components = [one.component for one in listed]
    state, reason_code, exit_code = _state(shown)
    first = read[0][1] if read else None
    coverage = _coverage(shown, components)
    return {
        "state": state,
        "reason_code": reason_code,
        "exit_code": exit_code,
        "subject": shown.subject,
        "digest": str(shown.digest),
        "platform": shown.platform,
        "format": None if first is None else str(first.format),
        "format_version": None if first is None else first.version,
        "created": None if first is None else to_plain(first.created),
        "tools": [] if first is None else list(first.tools),
        "describes": None if first is None else first.subject or None,
        "operating_system": _system(shown.operating_system),
        "totals": {
            "components": len(components),
            "packages": coverage.components,
            "with_purl": sum(one.package_url is not None for one in components),
            "with_version": sum(bool(one.version) for one in components),
            "with_licence": sum(one.licence is not None for one in components),
            "with_source": sum(one.source is not None for one in components),
            "malformed_purls": coverage.malformed_purl,
            "unreadable": coverage.unreadable,
            "unparsed": coverage.unreadable + coverage.malformed_purl,
        },
        "coverage": _coverage_plain(coverage),
        "licences": dict(
            Counter(str(one.licence) for one in components if one.licence is not None).most_common()
        ),
        "documents": [_document(one) for one in shown.documents],
        "gaps": [{"source": gap.source, "cause": str(gap.cause), "detail": gap.detail} for gap in shown.gaps],
        "unread": [
            {"document": str(digest), "place": one.place, "reason": one.reason}
            for digest, document in read
            for one in document.unread
        ],
        "components": [_component(one, several=len(read) > 1) for one in listed],
    }


def _state(shown: Shown) -> tuple[str, str, int]:
    if shown.read:
        whole = not shown.gaps and len(shown.read) == len(shown.documents)
        whole = whole and not any(document.unreadable for _, document in shown.read)
        return ("read", "sbom-read", 0) if whole else ("partly-read", "sbom-partly-read", 0)
    if shown.gaps:
        return "unavailable", "sbom-unavailable", 4
    if shown.documents:
        return "unreadable", "sbom-unreadable", 1
    return "absent", "sbom-missing", 1


def _coverage(shown: Shown, components: Sequence[Component]) -> Coverage:
    read = [document for _, document in shown.read]
    if len(read) == 1:
        return coverage_of(read[0])
    system = shown.operating_system
    unreadable = sum(document.unreadable for document in read)
    first = read[0] if read else None
    if first is None:
        return Coverage(0, 0, (), 0, 0, 0, 0, 0)
    merged = SbomDocument(first.format, first.version, tuple(components), unreadable, operating_system=system)
    return coverage_of(merged)


def _coverage_plain(coverage: Coverage) -> Plain:
    return {
        "packages": coverage.components,
        "identified": coverage.identified,
        "percent": 100 * coverage.identified // coverage.components if coverage.components else 0,
        "ecosystems": dict(coverage.ecosystems),
        "without_purl": coverage.without_purl,
        "malformed_purl": coverage.malformed_purl,
        "without_version": coverage.without_version,
        "without_distribution": coverage.without_distribution,
        "unreadable": coverage.unreadable,
    }


def _system(system: OperatingSystem | None) -> Plain | None:
    if system is None:
        return None
    return {
        "id": system.id,
        "version_id": system.version_id,
        "name": system.name or None,
        "codename": system.codename or None,
    }


def _document(shown: ShownDocument) -> Plain:
    content, sbom = shown.content, shown.sbom
    plain: Plain = {
        "digest": str(shown.digest),
        "format": sbom.format if sbom is not None else str(content.format if content else ""),
        "format_version": content.version if content else None,
        "components": len(content.components) if content else 0,
        "unreadable": content.unreadable if content else 0,
        "created": to_plain(content.created) if content else None,
        "tools": list(content.tools) if content else [],
        "describes": (content.subject or None) if content else None,
        "operating_system": _system(content.operating_system) if content else None,
    }
    if sbom is not None:
        plain |= {
            "trust": str(sbom.trust),
            "form": str(sbom.form),
            "carrier": str(sbom.carrier),
            "signatures": [str(one) for one in sbom.signatures],
        }
    return plain


def _component(listed: Listed, *, several: bool) -> Plain:
    component = listed.component
    purl, source = component.package_url, component.source
    plain: Plain = {
        "name": component.name,
        "version": component.version,
        "group": component.group or None,
        "kind": component.kind or None,
        "purl": component.purl or None,
        "package_url": None
        if purl is None
        else {
            "type": purl.type,
            "namespace": purl.namespace or None,
            "name": purl.name,
            "version": purl.version or None,
            "qualifiers": dict(purl.qualifiers),
            "subpath": purl.subpath or None,
        },
        "source": None if source is None else {"name": source.name, "version": source.version or None},
        "licence": None if component.licence is None else str(component.licence),
        "licences": list(component.licences),
        "digests": list(component.digests),
        "layer": component.layer or None,
        "cpes": list(component.cpes),
        "paths": list(component.paths),
    }
    if several:
        plain["documents"] = [str(document) for document in listed.documents]
        plain["facts"] = [
            {"name": fact.name, "value": fact.value, "documents": [str(one) for one in fact.documents]}
            for fact in listed.facts
        ]
    return plain


def view_blocks(view: Plain) -> list[Block]:
    """The tables for people."""
    totals, coverage, system = view["totals"], view["coverage"], view["operating_system"]
    format_ = f"{view['format']} {view['format_version'] or ''}".strip() if view["format"] else None
    distribution = None
    if system is not None:
        distribution = system["name"] or f"{system['id']} {system['version_id']}".strip()
    facts = Facts(
        [
            ("subject", view["subject"]),
            ("platform", view["platform"]),
            ("state", view["state"]),
            ("format", format_),
            ("describes", view["describes"]),
            ("made by", ", ".join(view["tools"])),
            ("made at", view["created"]),
            ("operating system", distribution),
            ("components", str(totals["components"])),
            ("packages", str(totals["packages"])),
            ("with purl", str(totals["with_purl"])),
            ("with licence", str(totals["with_licence"])),
            ("with source package", str(totals["with_source"])),
            ("unreadable", str(totals["unreadable"])),
            ("malformed purls", str(totals["malformed_purls"])),
            (
                "can be looked up",
                f"{coverage['identified']} of {coverage['packages']} ({coverage['percent']} %)",
            ),
            ("ecosystems", ", ".join(f"{name} {count}" for name, count in coverage["ecosystems"].items())),
        ]
    )
    blocks: list[Block] = [facts]
    if any("trust" in one for one in view["documents"]):
        blocks.append(
            Rows(
                ["document", "format", "trust", "form", "components"],
                [
                    [one["digest"], one["format"], one["trust"], one["form"], str(one["components"])]
                    for one in view["documents"]
                ],
                title="documents",
            )
        )
    blocks += [
        Line(f"could not ask for {gap['source']} ({gap['cause']}): {gap['detail']}") for gap in view["gaps"]
    ]
    blocks += [Line(f"not read: {one['place']}: {one['reason']}") for one in view["unread"][:_LONGEST_LIST]]
    blocks.append(
        Rows(
            ["name", "version", "purl", "licence", "source"],
            [
                [
                    one["name"],
                    one["version"],
                    one["purl"],
                    one["licence"],
                    f"{one['source']['name']} {one['source']['version'] or ''}".strip()
                    if one["source"]
                    else None,
                ]
                for one in view["components"]
            ],
            title="components",
            empty="no component is listed" if view["documents"] else "there is no SBOM",
        )
    )
    return blocks
