"""VEX: what somebody says about the exploitability of a vulnerability in a product.

OpenVEX, CSAF and CycloneDX in one model. A statement excuses; it never deletes: the vulnerability stays, with who
excused it, why and where.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gatekeeper.core.match import Match
from gatekeeper.core.package_url import PackageUrl


class VexStatus(StrEnum):
    """The four statuses of VEX (CISA, "Minimum Requirements for VEX")."""

    NOT_AFFECTED = "not_affected"
    AFFECTED = "affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"


_EXCUSING = frozenset({VexStatus.NOT_AFFECTED, VexStatus.FIXED})


@dataclass(frozen=True, slots=True)
class VexProduct:
    """What a statement is about: a package, or packages inside a product."""

    purl: PackageUrl | None
    """Of the product; None where it is named otherwise (``name``)."""
    name: str = ""
    """An IRI, a CPE, a product's name; as written."""
    subcomponents: tuple[PackageUrl, ...] = ()
    """Packages inside the product; empty: the product as a whole."""
    digests: tuple[str, ...] = ()
    """Of the product, as ``algorithm:hex``: an image, or a file in one."""


@dataclass(frozen=True, slots=True)
class VexStatement:
    """One statement about one vulnerability, with the document's author and time where it has none of its own."""

    author: str
    document: str
    """The document's id, as written."""
    vulnerabilities: tuple[str, ...]
    """The vulnerability's id first, then the aliases that the statement gives."""
    products: tuple[VexProduct, ...]
    status: VexStatus
    justification: str
    """Label, impact statement or detail; what is not affected needs one."""
    at: datetime
    signer: str = ""
    """Name of the policy's signer whose signature the document carries; empty for one that was given by hand."""


@dataclass(frozen=True, slots=True)
class VexDocument:
    """A read document."""

    format: str
    """``openvex`` | ``csaf`` | ``cyclonedx``."""
    author: str
    id: str
    statements: tuple[VexStatement, ...]
    warnings: tuple[str, ...] = ()
    """What was left out and why: a statement without product, ``not_affected`` without a reason …"""


@dataclass(frozen=True, slots=True)
class VexSubject:
    """What is judged, as statements may name it."""

    repository: str = ""
    """``registry/path`` of an image; empty when it is not known."""
    digests: tuple[str, ...] = ()
    """``sha256:…`` of the index and the image."""
    packages: tuple[PackageUrl, ...] = ()
    """Every component: a product may be one of them."""
    any_image: bool = False
    """True where the statements were given for this very document, which does not say what it is about."""


def excuse_of(
    match: Match,
    package: PackageUrl,
    subject: VexSubject,
    said: Iterable[VexStatement],
    digests: tuple[str, ...] = (),
) -> VexStatement | None:
    """The statement that excuses a match, if one does. ``digests``: of the package's file, where they are known.

    Of each author the newest applicable statement about the vulnerability counts (OpenVEX 0.2, "Determining the
    status"); it excuses when it says ``fixed``, or ``not_affected`` for a reason that it gives.
    """
    ids = {match.advisory, *match.advisories, *match.aliases}
    newest: dict[str, VexStatement] = {}
    for statement in said:
        if ids.isdisjoint(statement.vulnerabilities):
            continue
        if not any(_covers(product, package, subject, digests) for product in statement.products):
            continue
        known = newest.get(statement.author)
        if known is None or _later(statement, known):
            newest[statement.author] = statement
    excusing = [statement for statement in newest.values() if statement.status in _EXCUSING]
    return max(excusing, key=lambda statement: (statement.at, statement.author), default=None)


def _later(statement: VexStatement, known: VexStatement) -> bool:
    """At the same moment the one that excuses less."""
    return (statement.at, statement.status not in _EXCUSING) > (known.at, known.status not in _EXCUSING)


def _covers(product: VexProduct, package: PackageUrl, subject: VexSubject, digests: tuple[str, ...]) -> bool:
    if product.purl is not None and not product.subcomponents and is_package(product.purl, package):
        return True
    if product.purl is None and not product.subcomponents and not set(product.digests).isdisjoint(digests):
        return True
    if not _is_subject(product, subject):
        return False
    return not product.subcomponents or any(is_package(part, package) for part in product.subcomponents)


def _is_subject(product: VexProduct, subject: VexSubject) -> bool:
    purl = product.purl
    if purl is None:
        return not {product.name, *product.digests}.isdisjoint(subject.digests)
    if purl.type in ("oci", "docker"):
        return _is_image(purl, subject)
    return bool(product.subcomponents) and any(is_package(purl, package) for package in subject.packages)


def _is_image(purl: PackageUrl, subject: VexSubject) -> bool:
    """purl-spec, type oci: the digest is its version, ``repository_url`` its whole place."""
    if subject.any_image:
        return True
    if purl.version and subject.digests and purl.version not in subject.digests:
        return False
    if not subject.repository:
        return bool(purl.version) and purl.version in subject.digests
    place = purl.qualifier("repository_url").removeprefix("https://").rstrip("/")
    if place:
        return place in (subject.repository, subject.repository.rpartition("/")[0])
    return subject.repository.rpartition("/")[2] == purl.name


def is_package(said: PackageUrl, package: PackageUrl) -> bool:
    """Whether ``said`` means ``package``: no version means every version, and each qualifier that it has must hold."""
    return (
        said.package == package.package
        and said.version in ("", package.version)
        and all(
            package.qualifier(key) == value
            for key, value in said.qualifiers
            if package.qualifier(key) or key == "distro"
        )
    )
