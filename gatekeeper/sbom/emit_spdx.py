"""What is known of an image -> SPDX 2.3 JSON. The door of ``spdx-tools``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO

from license_expression import get_spdx_licensing
from spdx_tools.spdx.model.actor import Actor, ActorType
from spdx_tools.spdx.model.checksum import Checksum, ChecksumAlgorithm
from spdx_tools.spdx.model.document import CreationInfo, Document
from spdx_tools.spdx.model.extracted_licensing_info import ExtractedLicensingInfo
from spdx_tools.spdx.model.package import (
    ExternalPackageRef,
    ExternalPackageRefCategory,
    Package,
    PackagePurpose,
)
from spdx_tools.spdx.model.relationship import Relationship, RelationshipType
from spdx_tools.spdx.model.spdx_no_assertion import SpdxNoAssertion
from spdx_tools.spdx.writer.json.json_writer import write_document_to_stream

from gatekeeper.core.component import Component, OperatingSystem
from gatekeeper.core.inventory import Described, Listed
from gatekeeper.sbom.emitting import licence_reference

_IMAGE = "SPDXRef-Image"
_SYSTEM = "SPDXRef-OperatingSystem"
_ALGORITHMS = {one.name.lower().replace("_", "-"): one for one in ChecksumAlgorithm}
_PURPOSES = {one.name.lower().replace("_", "-"): one for one in PackagePurpose}
_LENGTHS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}


def emit(described: Described, *, now: datetime, version: str) -> str:
    """The document as JSON text, equal for equal arguments."""
    names: dict[str, str] = {}
    content = hashlib.sha256(
        "".join(map(str, (described.name, *described.documents, now))).encode()
    ).hexdigest()
    packages = [_image(described)]
    if described.operating_system is not None:
        packages.append(_system(described.operating_system))
    packages += [_package(listed, number, names) for number, listed in enumerate(described.components)]
    document = Document(
        CreationInfo(
            spdx_version="SPDX-2.3",
            spdx_id="SPDXRef-DOCUMENT",
            name=described.name,
            document_namespace=f"https://gatekeeper.invalid/sbom/{content}",
            creators=[Actor(ActorType.TOOL, f"gatekeeper-{version}")],
            created=now.astimezone(UTC).replace(tzinfo=None, microsecond=0),
        ),
        packages=packages,
        relationships=[
            Relationship("SPDXRef-DOCUMENT", RelationshipType.DESCRIBES, _IMAGE),
            *(Relationship(_IMAGE, RelationshipType.CONTAINS, one.spdx_id) for one in packages[1:]),
        ],
        extracted_licensing_info=[
            ExtractedLicensingInfo(license_id=reference, license_name=text, extracted_text=text)
            for reference, text in sorted(names.items())
        ],
    )
    stream = StringIO()
    # What it validates is proved in tests; a document that a person asks for is not withheld for a cosmetic field.
    write_document_to_stream(document, stream, validate=False)
    return stream.getvalue() + "\n"


def _image(described: Described) -> Package:
    return Package(
        _IMAGE,
        described.name,
        SpdxNoAssertion(),
        version=described.digest or None,
        files_analyzed=False,
        primary_package_purpose=PackagePurpose.CONTAINER,
    )


def _system(system: OperatingSystem) -> Package:
    return Package(
        _SYSTEM,
        system.id,
        SpdxNoAssertion(),
        version=system.version_id or None,
        files_analyzed=False,
        primary_package_purpose=PackagePurpose.OPERATING_SYSTEM,
    )


def _package(listed: Listed, number: int, names: dict[str, str]) -> Package:
    component = listed.component
    licence = SpdxNoAssertion()
    if component.licence is not None:
        expression, named = licence_reference(component.licence)
        names.update(named)
        licence = get_spdx_licensing().parse(expression)
    source = component.source
    return Package(
        f"SPDXRef-Package-{number}",
        component.name or component.purl,
        SpdxNoAssertion(),
        version=component.version or None,
        files_analyzed=False,
        checksums=list(_checksums(component)),
        license_concluded=SpdxNoAssertion(),
        license_declared=licence,
        source_info=None if source is None else f"built package from: {source.name} {source.version}".strip(),
        external_references=list(_references(component)),
        comment="listed by " + " ".join(map(str, listed.documents)),
        primary_package_purpose=_PURPOSES.get(component.kind),
    )


def _checksums(component: Component) -> Iterator[Checksum]:
    for digest in component.digests:
        name, _, value = digest.partition(":")
        if name in _ALGORITHMS and len(value) == _LENGTHS.get(name, len(value)):
            yield Checksum(_ALGORITHMS[name], value)


def _references(component: Component) -> Iterator[ExternalPackageRef]:
    if component.package_url is not None:
        category = ExternalPackageRefCategory.PACKAGE_MANAGER
        yield ExternalPackageRef(category, "purl", str(component.package_url))
    for cpe in component.cpes:
        if cpe.startswith("cpe:2.3:"):
            yield ExternalPackageRef(ExternalPackageRefCategory.SECURITY, "cpe23Type", cpe)
