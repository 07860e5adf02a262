"""SPDX 2.2 and 2.3 -> components (https://spdx.github.io/spdx-spec/v2.3/).

JSON here; tag-value comes through ``spdx_tag_value``.
Every package is a component, but for the image that the document is about.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Sequence

import msgspec

from gatekeeper.core.component import Component, OperatingSystem, SbomDocument, SbomFormat, SourcePackage
from gatekeeper.core.errors import MalformedError
from gatekeeper.sbom import licences, making
from gatekeeper.sbom.lenient import Tally, check_count, decode, decode_or_none, moment

_IMAGE_ITSELF = "CONTAINER"
"""The primary purpose of an image: no component of itself."""
_SYSTEM = "OPERATING-SYSTEM"
_ROOTS = (
    "SPDXRef-DocumentRoot-Image",
    "SPDXRef-DocumentRoot-File",
    "SPDXRef-DocumentRoot-Directory",
    "SPDXRef-ContainerImage-",
    "SPDXRef-Filesystem-",
)
"""syft's and Trivy's package for what was scanned, in documents older than primary purposes (2.2)."""
_TRIVY_SYSTEM = "SPDXRef-OperatingSystem-"
_TRIVY_FILE = "SPDXRef-Application-"
"""Trivy's package for a file in which it found packages: ``package-lock.json``, a binary."""
_DOCUMENT_ID = "SPDXRef-DOCUMENT"
_SYFT_PATHS = re.compile(r"acquired package info from [^:]*: (/.*)")
_TRIVY_SOURCE = re.compile(r"built package from: (\S+)(?: (\S+))?")


class Reference(msgspec.Struct):
    """``externalRefs[]``."""

    kind: str = msgspec.field(default="", name="referenceType")
    locator: str = msgspec.field(default="", name="referenceLocator")


class Checksum(msgspec.Struct):
    """``checksums[]``."""

    algorithm: str = ""
    value: str = msgspec.field(default="", name="checksumValue")


class Package(msgspec.Struct):
    """``packages[]``."""

    name: str = ""
    id: str = msgspec.field(default="", name="SPDXID")
    version: str = msgspec.field(default="", name="versionInfo")
    references: list[Reference] = msgspec.field(default_factory=list, name="externalRefs")
    concluded: str = msgspec.field(default="", name="licenseConcluded")
    declared: str = msgspec.field(default="", name="licenseDeclared")
    purpose: str = msgspec.field(default="", name="primaryPackagePurpose")
    checksums: list[Checksum] = []
    source: str = msgspec.field(default="", name="sourceInfo")
    file: str = msgspec.field(default="", name="packageFileName")


class Relationship(msgspec.Struct):
    """``relationships[]``."""

    element: str = msgspec.field(default="", name="spdxElementId")
    related: str = msgspec.field(default="", name="relatedSpdxElement")
    kind: str = msgspec.field(default="", name="relationshipType")
    comment: str = ""

    @property
    def described(self) -> str:
        """The element that the document says it is about; empty for any other relationship."""
        if self.kind == "DESCRIBES" and self.element == _DOCUMENT_ID:
            return self.related
        return self.element if self.kind == "DESCRIBED_BY" and self.related == _DOCUMENT_ID else ""


class Creation(msgspec.Struct):
    """``creationInfo``."""

    created: str = ""
    creators: list[str] = []


class ExtractedLicence(msgspec.Struct):
    """``hasExtractedLicensingInfos[]``: what a ``LicenseRef-`` stands for."""

    id: str = msgspec.field(default="", name="licenseId")
    name: str = ""
    text: str = msgspec.field(default="", name="extractedText")


class Document(msgspec.Struct):
    """The document."""

    version: str = msgspec.field(default="", name="spdxVersion")
    name: str = ""
    packages: list[Package | None] = []
    creation: Creation | None = msgspec.field(default=None, name="creationInfo")
    extracted: list[ExtractedLicence] = msgspec.field(default_factory=list, name="hasExtractedLicensingInfos")
    describes: list[str] = msgspec.field(default_factory=list, name="documentDescribes")
    relationships: msgspec.Raw = msgspec.Raw(b"[]")


_DOCUMENT = msgspec.json.Decoder(Document)
_RELATIONSHIPS = msgspec.json.Decoder(list[Relationship])
_RELATIONSHIP = msgspec.json.Decoder(Relationship)
_DESCRIBES = re.compile(rb'"DESCRIBE(?:S|D_BY)"')
_MOST_DESCRIBED = 1000


def read(content: bytes) -> SbomDocument:
    """An SPDX JSON document -> its packages as components. Raises MalformedError."""
    document = decode(_DOCUMENT, Document, content)
    relationships = bytes(document.relationships)
    document.describes += _described(relationships)
    return document_of(document, SbomFormat.SPDX_JSON, _owned(relationships))


def _described(relationships: bytes) -> list[str]:
    """What the document describes. Images have 10^5 relationships: only those that say so are decoded."""
    found: list[str] = []
    for place in itertools.islice(_DESCRIBES.finditer(relationships), _MOST_DESCRIBED):
        end = relationships.find(b"}", place.end()) + 1
        with contextlib.suppress(MalformedError):
            one = decode_or_none(
                _RELATIONSHIP, relationships[relationships.rfind(b"{", 0, place.start()) : end]
            )
            found += [one.described] if one is not None and one.described else []
    return found


def _owned(relationships: bytes) -> list[tuple[str, str]]:
    """(OS package, what it brought) as syft says it. Images have 10^5 relationships."""
    if making.OWNERSHIP.encode() not in relationships:
        return []
    return [
        (one.element, one.related)
        for one in decode_or_none(_RELATIONSHIPS, relationships) or []
        if one.comment.startswith(making.OWNERSHIP)
    ]


def document_of(
    document: Document, format_: SbomFormat, owned: Sequence[tuple[str, str]] = ()
) -> SbomDocument:
    """The document as a value of the core. Raises MalformedError ``sbom-too-large``.

    ``owned``: (id of an OS package, id of a package that it brought).
    """
    check_count(document.packages)
    owners = making.brought_by(owned, _purls(document)) if owned else {}
    described = frozenset(document.describes)
    tally = Tally()
    system = root = None
    names = {one.id: one.name or one.text[:200] for one in document.extracted if one.id}
    for number, package in enumerate(document.packages):
        if package is None:
            tally.miss(f"packages[{number}]", "it is no object")
            continue
        if package.purpose == _IMAGE_ITSELF or (not package.purpose and package.id.startswith(_ROOTS)):
            continue
        if not package.purpose and package.id.startswith(_TRIVY_SYSTEM):
            package.purpose = _SYSTEM
        component = _component(package, names, owners.get(package.id, ""))
        tally.add(component, "packages", number)
        if described == {package.id}:
            root = component
        if package.purpose.replace("_", "-") == _SYSTEM and system is None and package.name.strip():
            system = OperatingSystem(package.name.strip().lower(), package.version)
    creation = document.creation or Creation()
    return SbomDocument(
        format=format_,
        version=document.version,
        components=tuple(tally.components),
        unreadable=tally.unreadable,
        unread=tuple(tally.unread),
        operating_system=system or making.system_of(tally.components),
        created=moment(creation.created),
        tools=tuple(
            creator.removeprefix("Tool:").strip()
            for creator in creation.creators[:20]
            if creator.startswith("Tool:")
        ),
        subject=document.name,
        root=root,
    )


def _purls(document: Document) -> dict[str, str]:
    return {package.id: _purl(package) for package in document.packages if package is not None}


def _purl(package: Package) -> str:
    return next(
        (one.locator.strip() for one in package.references if _kind(one) == "purl" and one.locator), ""
    )


def _kind(reference: Reference) -> str:
    """``purl``, ``cpe23type``; also where it is written as an address (SPDX 2.3, annex F, "listed types")."""
    return reference.kind.rpartition("/")[2].lower()


def _component(package: Package, names: dict[str, str], brought_by: str) -> Component | None:
    purl = _purl(package)
    cpes = [one.locator for one in package.references if _kind(one) in ("cpe23type", "cpe22type")]
    declared = licences.declared((package.concluded, package.declared))
    licence = licences.all_of(declared[:1])
    if names and licence is not None:
        licence = licences.named_references(licence, names)
    return making.component(
        package.name,
        "" if package.version in ("NOASSERTION", "NONE") else package.version,
        purl,
        kind="file" if not purl and package.id.startswith(_TRIVY_FILE) else _kind_of_purpose(package),
        source=_source(package.source) if package.source else None,
        licence=licence,
        declared=declared,
        digests=[
            digest for one in package.checksums if (digest := making.file_digest(one.algorithm, one.value))
        ],
        cpes=cpes,
        paths=_paths(package),
        brought_by=brought_by,
    )


def _kind_of_purpose(package: Package) -> str:
    return package.purpose.lower().replace("_", "-")


def _paths(package: Package) -> tuple[str, ...]:
    """The package's file, and where syft's sentence says that it found the package."""
    found = _SYFT_PATHS.match(package.source[:4000])
    said = found[1].split(", ") if found else []
    return tuple(dict.fromkeys(path for path in (package.file, *said) if path))


def _source(text: str) -> SourcePackage | None:
    """Trivy's sentence; other tools write other sentences, or the purl says it."""
    found = _TRIVY_SOURCE.search(text[:1000])
    return SourcePackage(found[1], found[2] or "") if found else None
