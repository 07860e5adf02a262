"""syft's own JSON -> components (https://github.com/anchore/syft, schema/json). Any schema version: only old, stable
members are read.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gatekeeper.core.component import Component, OperatingSystem, SbomDocument, SbomFormat, SourcePackage
from gatekeeper.core.licence import LicenceExpression
from gatekeeper.sbom import licences, making
from gatekeeper.sbom.lenient import Tally, check_count, decode, decode_or_none, items, moment, text

_WITH_SOURCE = frozenset({"deb", "apk", "rpm"})


class Location(msgspec.Struct):
    """``locations[]``."""

    path: str = ""
    layer: str = msgspec.field(default="", name="layerID")


class Artifact(msgspec.Struct):
    """``artifacts[]``."""

    id: str = ""
    name: str = ""
    version: str = ""
    type: str = ""
    purl: str = ""
    locations: list[Location] = []
    # Texts in old schemas, objects in new ones.
    licences: object = msgspec.field(default=None, name="licenses")
    cpes: object = None
    metadata: msgspec.Raw = msgspec.Raw(b"null")


class Relationship(msgspec.Struct):
    """``artifactRelationships[]``."""

    parent: str = ""
    child: str = ""
    type: str = ""


class Distro(msgspec.Struct):
    """``distro``: os-release."""

    id: str = ""
    name: str = ""
    version: str = ""
    version_id: str = msgspec.field(default="", name="versionID")
    pretty_name: str = msgspec.field(default="", name="prettyName")
    codename: str = msgspec.field(default="", name="versionCodename")


class Descriptor(msgspec.Struct):
    """``descriptor``: who made it. ``timestamp`` only in newer ones."""

    name: str = ""
    version: str = ""
    timestamp: str = ""


class Source(msgspec.Struct):
    """``source``: what was scanned."""

    name: str = ""
    target: object = None
    """Of old schemas: a directory, or what is told of an image."""

    @property
    def described(self) -> str:
        """The name of what was scanned."""
        return self.name or text(
            self.target.get("userInput") if isinstance(self.target, dict) else self.target
        )


class Schema(msgspec.Struct):
    """``schema``."""

    version: str = ""


class Document(msgspec.Struct):
    """The document."""

    artifacts: list[Artifact | None] = []
    relationships: msgspec.Raw = msgspec.field(default=msgspec.Raw(b"[]"), name="artifactRelationships")
    distro: Distro | None = None
    descriptor: Descriptor | None = None
    source: Source | None = None
    schema: Schema | None = None


_DOCUMENT = msgspec.json.Decoder(Document)
_RELATIONSHIPS = msgspec.json.Decoder(list[Relationship])
_METADATA: msgspec.json.Decoder[object] = msgspec.json.Decoder(object)


def read(content: bytes) -> SbomDocument:
    """A syft JSON document -> its artifacts as components. Raises MalformedError."""
    document = decode(_DOCUMENT, Document, content)
    check_count(document.artifacts)
    tally = Tally()
    owners = _owners(document)
    for number, artifact in enumerate(document.artifacts):
        if artifact is None:
            tally.miss(f"artifacts[{number}]", "it is no object")
            continue
        tally.add(_component(artifact, owners), "artifacts", number)
    descriptor = document.descriptor or Descriptor()
    return SbomDocument(
        format=SbomFormat.SYFT_JSON,
        version=document.schema.version if document.schema else "",
        components=tuple(tally.components),
        unreadable=tally.unreadable,
        unread=tuple(tally.unread),
        operating_system=_system(document.distro) or making.system_of(tally.components),
        created=moment(descriptor.timestamp),
        tools=(f"{descriptor.name} {descriptor.version}".strip(),) if descriptor.name else (),
        subject=document.source.described if document.source else "",
    )


def _component(artifact: Artifact, owners: Mapping[str, str]) -> Component | None:
    declared, licence = _licence(artifact.licences)
    cpes = (text(one.get("cpe")) if isinstance(one, dict) else text(one) for one in items(artifact.cpes))
    return making.component(
        artifact.name,
        artifact.version,
        artifact.purl,
        kind="file" if artifact.type == "file" else "library",
        source=_source(artifact) if artifact.type in _WITH_SOURCE else None,
        licence=licence,
        declared=declared,
        layer=artifact.locations[0].layer if artifact.locations else "",
        cpes=[cpe for cpe in cpes if cpe],
        paths=tuple(dict.fromkeys(one.path for one in artifact.locations if one.path)),
        brought_by=owners.get(artifact.id, ""),
    )


def _owners(document: Document) -> dict[str, str]:
    """The purl of the OS package that brought an artifact, by the artifact's id. Images have 10^5 relationships."""
    content = bytes(document.relationships)
    if making.OWNERSHIP.encode() not in content:
        return {}
    found = decode_or_none(_RELATIONSHIPS, content) or []
    purls = {artifact.id: artifact.purl for artifact in document.artifacts if artifact is not None}
    return making.brought_by(
        ((one.parent, one.child) for one in found if one.type == making.OWNERSHIP), purls
    )


def _licence(plain: object) -> tuple[tuple[str, ...], LicenceExpression | None]:
    texts, concluded = [], []
    for one in items(plain):
        if isinstance(one, dict):
            said = text(one.get("spdxExpression")) or text(one.get("value"))
            if one.get("type") == "concluded":
                concluded.append(said)
        else:
            said = text(one)
        texts.append(said)
    declared = licences.declared(texts)
    return declared, licences.all_of(licences.declared(concluded) or declared)


def _source(artifact: Artifact) -> SourcePackage | None:
    try:
        metadata = _METADATA.decode(artifact.metadata)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError):
        return None
    if not isinstance(metadata, dict):
        return None
    rpm = text(metadata.get("sourceRpm"))
    if rpm:
        return making.source_rpm(rpm)
    name = text(metadata.get("source")) or text(metadata.get("originPackage"))
    return SourcePackage(name, text(metadata.get("sourceVersion"))) if name else None


def _system(distro: Distro | None) -> OperatingSystem | None:
    if distro is None:
        return None
    identity = (distro.id or distro.name).strip().lower()
    if not identity:
        return None
    version = distro.version_id or distro.version
    return OperatingSystem(identity, version, distro.pretty_name, distro.codename)
