"""What an SBOM says is in an image: components, and the document that lists them.

Every format is read into these values (room ``sbom``); matching, rules and storage know no format. Texts are as the
document writes them: hostile wherever they are shown (law 10).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gatekeeper.core.licence import LicenceExpression
from gatekeeper.core.package_url import PackageUrl


class SbomFormat(StrEnum):
    """The formats that are read."""

    CYCLONEDX_JSON = "cyclonedx-json"
    CYCLONEDX_XML = "cyclonedx-xml"
    SPDX_JSON = "spdx-json"
    SPDX_TAG_VALUE = "spdx-tag-value"
    SPDX3_JSON = "spdx3-json"
    SYFT_JSON = "syft-json"
    OS_ONLY = "os-only"
    """Read by ourselves from the package databases in the layers."""


@dataclass(frozen=True, slots=True)
class OperatingSystem:
    """The distribution that OS packages belong to (os-release(5)); without it they cannot be matched."""

    id: str
    """``ID``: ``debian``, ``alpine``, ``rhel`` …; lower case."""
    version_id: str = ""
    """``VERSION_ID``: ``12``, ``3.20.1``, ``9.4``; empty for a rolling release."""
    name: str = ""
    """``PRETTY_NAME`` or ``NAME``, for people."""
    codename: str = ""
    """``VERSION_CODENAME``, where it is said."""


@dataclass(frozen=True, slots=True)
class SourcePackage:
    """The package that a binary package was built from: what Debian, Alpine and RPM advisories name."""

    name: str
    version: str = ""
    """Empty: the version of the binary package."""


@dataclass(frozen=True, slots=True)
class Component:
    """One thing that an SBOM lists; empty for what the document does not say."""

    name: str
    version: str = ""
    purl: str = ""
    """As written, even when it cannot be parsed."""
    package_url: PackageUrl | None = None
    """The purl's parts; None when there is no purl or it breaks the specification."""
    group: str = ""
    """What the name is within: a Maven group, an npm scope, a vendor; purls say it in their namespace."""
    kind: str = ""
    """CycloneDX's word for what it is: ``library``, ``application``, ``operating-system``, ``file`` …"""
    source: SourcePackage | None = None
    licences: tuple[str, ...] = ()
    """As declared, each text once."""
    licence: LicenceExpression | None = None
    """What they say together; None when nothing is declared (or ``NOASSERTION``, ``NONE``)."""
    digests: tuple[str, ...] = ()
    """Of the component's file: ``algorithm:hex``, the algorithm as ``md5``, ``sha1``, ``sha256`` …"""
    layer: str = ""
    """Digest of the (uncompressed) layer it was found in."""
    cpes: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    """Where in the image it was found."""
    brought_by: str = ""
    """purl of the OS package whose files it was found by, where the document says so."""


@dataclass(frozen=True, slots=True)
class Unread:
    """One item of a document that could not be read; it is counted, and never hides the others."""

    place: str
    """Where: ``components[3]``, ``packages[17]``, ``line 211``."""
    reason: str


@dataclass(frozen=True, slots=True)
class SbomDocument:
    """A read SBOM."""

    format: SbomFormat
    version: str
    """Of the format, as written: ``1.6``, ``SPDX-2.3``, ``3.0.1``, ``16.0.24``."""
    components: tuple[Component, ...]
    unreadable: int = 0
    """How many items could not be read at all."""
    unread: tuple[Unread, ...] = ()
    """The first of them, with reasons."""
    operating_system: OperatingSystem | None = None
    created: datetime | None = None
    tools: tuple[str, ...] = ()
    """Who made it, as it says itself."""
    subject: str = ""
    """What it says it describes: the image's name, as written."""
    root: Component | None = None
    """Which of its components it says to be about, when it is about one of them."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a document can be looked up: only what names its ecosystem, its version and its distribution."""

    components: int
    identified: int
    """Components with a purl that names package and version, and for an OS package a known distribution."""
    ecosystems: tuple[tuple[str, int], ...]
    """Identified components by purl type, sorted."""
    without_purl: int
    malformed_purl: int
    without_version: int
    without_distribution: int
    """OS packages of a document that does not say which distribution they belong to."""
    unreadable: int


OS_PACKAGE_TYPES = frozenset({"alpm", "apk", "deb", "rpm"})
"""purl types of packages that an operating system's own package tool installs."""

NO_PACKAGE_KINDS = frozenset(
    {
        "container",
        "cryptographic-asset",
        "data",
        "device",
        "file",
        "machine-learning-model",
        "operating-system",
    }
)
"""Kinds that are no packages: without a purl nobody publishes advisories about them by name."""


def coverage_of(document: SbomDocument) -> Coverage:
    """Counts what can be looked up and why the rest cannot. What is no package is not counted."""
    ecosystems: dict[str, int] = {}
    without_purl = malformed = without_version = without_distribution = 0
    counted = 0
    for component in document.components:
        if component.kind in NO_PACKAGE_KINDS and not component.purl:
            continue
        counted += 1
        purl = component.package_url
        if purl is None:
            if component.purl:
                malformed += 1
            else:
                without_purl += 1
        elif not (purl.version or component.version):
            without_version += 1
        elif (
            purl.type in OS_PACKAGE_TYPES
            and document.operating_system is None
            and not purl.qualifier("distro")
        ):
            without_distribution += 1
        else:
            ecosystems[purl.type] = ecosystems.get(purl.type, 0) + 1
    return Coverage(
        components=counted,
        identified=sum(ecosystems.values()),
        ecosystems=tuple(sorted(ecosystems.items())),
        without_purl=without_purl,
        malformed_purl=malformed,
        without_version=without_version,
        without_distribution=without_distribution,
        unreadable=document.unreadable,
    )
