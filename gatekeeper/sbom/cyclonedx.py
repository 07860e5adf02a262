"""CycloneDX 1.2 to 1.7 -> components (https://cyclonedx.org/docs/). JSON here; XML comes through ``cyclonedx_xml``.

Components are nested, and their licences, digests and properties are lists. What syft and Trivy know beyond the
specification (source packages, layers, paths) is in properties under names of their own.
"""

from __future__ import annotations

import re

import msgspec

from gatekeeper.core.component import Component, OperatingSystem, SbomDocument, SbomFormat, SourcePackage
from gatekeeper.core.licence import LicenceExpression
from gatekeeper.sbom import licences, making
from gatekeeper.sbom.lenient import Tally, check_count, decode, items, moment, text, unsupported

_IMAGE_ITSELF = "container"
"""The component type of the image the document is about: no component of itself."""
_SYSTEM = "operating-system"

_SYFT_PATHS = tuple(f"syft:location:{number}:path" for number in range(10))
_TRIVY = "aquasecurity:trivy:"
_TRIVY_CLASS = f"{_TRIVY}Class"
"""What Trivy says of a file in which it found packages: ``package-lock.json``, a binary."""
_OURS = "gatekeeper:"
_LAYERS = ("syft:location:0:layerID", f"{_TRIVY}LayerDiffID", f"{_OURS}layer")
_SOURCES = frozenset(
    {
        "syft:metadata:source",
        "syft:metadata:originPackage",
        "syft:metadata:sourceRpm",
        f"{_TRIVY}SrcName",
        f"{_OURS}source",
    }
)
_PATHS = (*_SYFT_PATHS, f"{_TRIVY}FilePath", f"{_OURS}path")
_KNOWN_PROPERTIES = frozenset(
    {
        f"{_OURS}source",
        f"{_OURS}sourceVersion",
        f"{_OURS}layer",
        f"{_OURS}path",
        *_SYFT_PATHS,
        "syft:location:0:layerID",
        "syft:metadata:source",
        "syft:metadata:sourceVersion",
        "syft:metadata:originPackage",
        "syft:metadata:sourceRpm",
        "syft:distro:id",
        "syft:distro:versionID",
        "syft:distro:versionCodename",
        "syft:distro:prettyName",
        f"{_TRIVY}SrcName",
        f"{_TRIVY}SrcVersion",
        f"{_TRIVY}SrcRelease",
        f"{_TRIVY}SrcEpoch",
        f"{_TRIVY}LayerDiffID",
        f"{_TRIVY}FilePath",
        _TRIVY_CLASS,
    }
)


class Property(msgspec.Struct):
    """``properties[]``."""

    name: str = ""
    value: str = ""


class Licence(msgspec.Struct):
    """``licenses[].license``."""

    id: str = ""
    name: str = ""
    acknowledgement: str = ""


class LicenceChoice(msgspec.Struct):
    """``licenses[]``: a licence, or an expression."""

    licence: Licence | None = msgspec.field(default=None, name="license")
    expression: str = ""
    acknowledgement: str = ""


class Hash(msgspec.Struct):
    """``hashes[]``."""

    alg: str = ""
    content: str = ""


class Occurrence(msgspec.Struct):
    """``evidence.occurrences[]``."""

    location: str = ""


class Evidence(msgspec.Struct):
    """``evidence``."""

    occurrences: list[Occurrence] = []


class Item(msgspec.Struct):
    """One component."""

    name: str = ""
    type: str = ""
    version: str = ""
    purl: str = ""
    group: str = ""
    cpe: str = ""
    licences: list[LicenceChoice] = msgspec.field(default_factory=list, name="licenses")
    hashes: list[Hash] = []
    properties: list[Property] = []
    evidence: Evidence | None = None
    components: list[Item | None] = []


class Metadata(msgspec.Struct):
    """``metadata``."""

    component: Item | None = None
    timestamp: str = ""
    tools: object = None


class Bom(msgspec.Struct):
    """The document. Its name may be anything: that is what tells it from others."""

    bom_format: object = msgspec.field(default=None, name="bomFormat")
    schema: object = msgspec.field(default=None, name="$schema")
    spec_version: object = msgspec.field(default=None, name="specVersion")
    components: list[Item | None] = []
    metadata: Metadata | None = None

    @property
    def version(self) -> str:
        """Of the format."""
        return text(self.spec_version)

    @property
    def named(self) -> bool:
        """True when it says to be a CycloneDX document."""
        return self.bom_format == "CycloneDX" or (isinstance(self.schema, str) and "cyclonedx" in self.schema)


_BOM = msgspec.json.Decoder(Bom)
_VERSION = re.compile(r"1\.\d{1,3}", re.ASCII)


def read_if_named(content: bytes) -> SbomDocument | None:
    """A CycloneDX JSON document -> its components, nested ones included; None for what is another document.

    Raises MalformedError; ``sbom-format-unsupported`` for a version that is not read.
    """
    bom = decoded(content)
    if not bom.named:
        return None
    if isinstance(bom.spec_version, str) and _VERSION.fullmatch(bom.spec_version) is None:
        raise unsupported(f"CycloneDX {bom.spec_version[:20]!r} is not read")
    return document_of(bom, SbomFormat.CYCLONEDX_JSON)


def decoded(content: bytes) -> Bom:
    """The document as it is written, every field of the type it should have. Raises MalformedError for no JSON."""
    return decode(_BOM, Bom, content)


def document_of(bom: Bom, format_: SbomFormat) -> SbomDocument:
    """The document as a value of the core. Raises MalformedError ``sbom-too-large``."""
    metadata = bom.metadata or Metadata()
    root = metadata.component
    tally = Tally()
    systems: list[OperatingSystem] = []
    about: Component | None = None
    if root is not None and root.type == _IMAGE_ITSELF:
        _gather(root.components, "metadata.component", tally, systems)
    elif root is not None:
        _gather([root], "metadata.component", tally, systems)
        about = tally.components[0] if (root.name or root.purl).strip() else None
    _gather(bom.components, "components", tally, systems)
    return SbomDocument(
        format=format_,
        version=bom.version,
        components=tuple(tally.components),
        unreadable=tally.unreadable,
        unread=tuple(tally.unread),
        operating_system=systems[0] if systems else making.system_of(tally.components),
        created=moment(metadata.timestamp),
        tools=_tools(metadata.tools),
        subject=_subject(root) if root is not None else "",
        root=about,
    )


def _gather(top: list[Item | None], place: str, tally: Tally, systems: list[OperatingSystem]) -> None:
    """In the document's order, each component before those nested in it."""
    check_count(top)
    for number, item in enumerate(top):
        _add(item, place, number, tally, systems)
        if item is None or not item.components:
            continue
        pending = item.components[::-1]
        while pending:
            inner = pending.pop()
            _add(inner, place, number, tally, systems)
            if inner is not None:
                pending += inner.components[::-1]


def _add(item: Item | None, place: str, number: int, tally: Tally, systems: list[OperatingSystem]) -> None:
    if item is None:
        tally.miss(f"{place}[{number}]", "it is no object")
        return
    properties = _properties(item)
    tally.add(_component(item, properties), place, number)
    if item.type == _SYSTEM:
        system = _system(item, properties)
        if system is not None:
            systems.append(system)


def _properties(item: Item) -> dict[str, str]:
    return {one.name: one.value for one in item.properties if one.name in _KNOWN_PROPERTIES}


def _component(item: Item, properties: dict[str, str]) -> Component | None:
    declared, licence = _licence(item.licences) if item.licences else ((), None)
    digests = [digest for one in item.hashes if (digest := making.file_digest(one.alg, one.content))]
    return making.component(
        item.name,
        item.version,
        item.purl,
        group=item.group,
        kind="file" if _TRIVY_CLASS in properties and not item.purl else item.type,
        source=None if _SOURCES.isdisjoint(properties) else _source(properties),
        licence=licence,
        declared=declared,
        digests=digests,
        layer=_layer(properties) if properties else "",
        cpes=(item.cpe,) if item.cpe else (),
        paths=_paths(item, properties),
    )


def _licence(choices: list[LicenceChoice]) -> tuple[tuple[str, ...], LicenceExpression | None]:
    """All of them bind; what somebody concluded goes before what was declared."""
    found = [_said(choice) for choice in choices]
    if len(found) == 1:
        return licences.single(found[0][0])
    declared = licences.declared(said for said, _ in found)
    concluded = licences.declared(said for said, acknowledgement in found if acknowledgement == "concluded")
    return declared, licences.all_of(concluded or declared)


def _said(choice: LicenceChoice) -> tuple[str, str]:
    """The text, and whether it was declared or concluded."""
    if choice.expression or choice.licence is None:
        return choice.expression, choice.acknowledgement
    return choice.licence.id or choice.licence.name, choice.licence.acknowledgement


def _source(properties: dict[str, str]) -> SourcePackage | None:
    rpm = properties.get("syft:metadata:sourceRpm", "")
    if rpm:
        return making.source_rpm(rpm)
    debian = properties.get("syft:metadata:source", "")
    if debian:
        return SourcePackage(debian, properties.get("syft:metadata:sourceVersion", ""))
    alpine = properties.get("syft:metadata:originPackage", "")
    if alpine:
        return SourcePackage(alpine)
    ours = properties.get(f"{_OURS}source", "")
    if ours:
        return SourcePackage(ours, properties.get(f"{_OURS}sourceVersion", ""))
    name = properties.get(f"{_TRIVY}SrcName", "")
    if not name:
        return None
    epoch, version, release = (
        properties.get(f"{_TRIVY}Src{part}", "") for part in ("Epoch", "Version", "Release")
    )
    version = f"{version}-{release}" if version and release else version
    return SourcePackage(name, f"{epoch}:{version}" if version and epoch not in ("", "0") else version)


def _layer(properties: dict[str, str]) -> str:
    for name in _LAYERS:
        if name in properties:
            return properties[name]
    return ""


def _paths(item: Item, properties: dict[str, str]) -> tuple[str, ...]:
    found = [properties[name] for name in _PATHS if name in properties] if properties else []
    if item.evidence is not None:
        found += [one.location for one in item.evidence.occurrences]
    return tuple(dict.fromkeys(filter(None, found))) if found else ()


def _system(item: Item, properties: dict[str, str]) -> OperatingSystem | None:
    """Syft says os-release in properties; others put ID and VERSION_ID into name and version."""
    identity = properties.get("syft:distro:id") or item.name
    if not identity.strip():
        return None
    return OperatingSystem(
        identity.strip().lower(),
        properties.get("syft:distro:versionID") or item.version,
        properties.get("syft:distro:prettyName", ""),
        properties.get("syft:distro:versionCodename", ""),
    )


def _tools(tools: object) -> tuple[str, ...]:
    """A list of tools (to 1.4), or an object of components and services (from 1.5)."""
    found = items(tools)
    if isinstance(tools, dict):
        found = [*items(tools.get("components")), *items(tools.get("services"))]
    first = (one for one in found[:20] if isinstance(one, dict))
    named = (f"{text(one.get('name'))} {text(one.get('version'))}".strip() for one in first)
    return tuple(name for name in named if name)


def _subject(root: Item) -> str:
    if root.version and not root.version.startswith("sha256:"):
        return f"{root.name}:{root.version}"
    return f"{root.name}@{root.version}" if root.version else root.name
