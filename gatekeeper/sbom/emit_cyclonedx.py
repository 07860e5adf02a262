"""What is known of an image -> CycloneDX 1.6 JSON. The door of ``cyclonedx-python-lib``.

What the format has no field for (source packages, layers, who says a fact) is in properties ``gatekeeper:…``,
which our own reader knows again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component as CycloneDxComponent
from cyclonedx.model.component import ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License, LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from gatekeeper.core.component import OperatingSystem
from gatekeeper.core.inventory import Described, Listed
from gatekeeper.core.licence import Licence, LicenceExpression, UnknownLicence
from gatekeeper.sbom.emitting import licence_reference
from gatekeeper.sbom.licences import is_listed

PROPERTY = "gatekeeper:"
_ALGORITHMS = {algorithm.value.lower().replace("sha-", "sha"): algorithm for algorithm in HashAlgorithm}
_KINDS = {kind.value: kind for kind in ComponentType}
_LENGTHS = frozenset({32, 40, 64, 96, 128})


def emit(described: Described, *, now: datetime, version: str) -> str:
    """The document as JSON text, equal for equal arguments."""
    bom = Bom(
        serial_number=uuid5(NAMESPACE_URL, "".join(map(str, (described.name, *described.documents, now)))),
        metadata=BomMetaData(
            component=CycloneDxComponent(
                name=described.name,
                version=described.digest or None,
                type=ComponentType.CONTAINER,
                bom_ref="image",
            ),
            timestamp=now,
        ),
    )
    bom.metadata.tools.components.add(
        CycloneDxComponent(name="gatekeeper", version=version, type=ComponentType.APPLICATION)
    )
    system = described.operating_system
    if system is not None and not any(
        one.component.kind == "operating-system" for one in described.components
    ):
        bom.components.add(_system(system))
    for number, listed in enumerate(described.components):
        bom.components.add(_component(listed, f"component-{number}"))
    assert bom.metadata.component is not None
    bom.register_dependency(bom.metadata.component, bom.components)
    outputter = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    return outputter.output_as_string(indent=2) + "\n"


def _system(system: OperatingSystem) -> CycloneDxComponent:
    return CycloneDxComponent(
        name=system.id,
        version=system.version_id or None,
        description=system.name or None,
        type=ComponentType.OPERATING_SYSTEM,
        bom_ref="operating-system",
    )


def _component(listed: Listed, reference: str) -> CycloneDxComponent:
    component = listed.component
    purl = component.package_url
    return CycloneDxComponent(
        name=component.name or component.purl,
        version=component.version or None,
        group=component.group or None,
        type=_KINDS.get(component.kind, ComponentType.LIBRARY),
        bom_ref=reference,
        purl=None if purl is None else PackageURL.from_string(str(purl)),
        cpe=component.cpes[0] if component.cpes else None,
        hashes=list(_hashes(component.digests)),
        licenses=[] if component.licence is None else [_licence(component.licence)],
        properties=list(_properties(listed)),
    )


def _hashes(digests: tuple[str, ...]) -> Iterator[HashType]:
    for digest in digests:
        name, _, value = digest.partition(":")
        algorithm = _ALGORITHMS.get(name)
        if algorithm is not None and len(value) in _LENGTHS:
            yield HashType(alg=algorithm, content=value)


def _licence(licence: LicenceExpression) -> License:
    if isinstance(licence, UnknownLicence):
        return DisjunctiveLicense(name=licence.text)
    if isinstance(licence, Licence) and not licence.exception and is_listed(licence.id):
        return DisjunctiveLicense(id=licence.id)
    return LicenseExpression(licence_reference(licence)[0])


def _properties(listed: Listed) -> Iterator[Property]:
    component = listed.component
    if component.source is not None:
        yield Property(name=f"{PROPERTY}source", value=component.source.name)
        if component.source.version:
            yield Property(name=f"{PROPERTY}sourceVersion", value=component.source.version)
    if component.layer:
        yield Property(name=f"{PROPERTY}layer", value=component.layer)
    if component.purl and component.package_url is None:
        yield Property(name=f"{PROPERTY}malformedPurl", value=component.purl)
    for path in component.paths:
        yield Property(name=f"{PROPERTY}path", value=path)
    for document in listed.documents:
        yield Property(name=f"{PROPERTY}document", value=str(document))
