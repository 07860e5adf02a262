"""What the workflow asks of the rooms that read signatures and SBOMs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from gatekeeper.core.component import SbomDocument
from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Candidate, Form, Trust
from gatekeeper.core.manifest import Descriptor, Manifest
from gatekeeper.core.reference import Repository
from gatekeeper.core.scan_report import ScanReport
from gatekeeper.core.trust import TrustMaterial
from gatekeeper.core.vex import VexDocument


@dataclass(frozen=True, slots=True)
class Judged:
    """What candidates have to be about: one manifest, in one repository, at one time."""

    manifest: Descriptor
    """Media type, digest and size, as the registry serves it: Notary Project signatures bind all three."""
    repository: Repository
    """Selects the statement of a Notary Project trust policy."""
    now: datetime

    @property
    def digest(self) -> Digest:
        """The manifest's digest."""
        return self.manifest.digest


@dataclass(frozen=True, slots=True)
class Wanted:
    """A blob that has to be fetched to verify one candidate."""

    form: Form
    carrier: Digest
    position: int
    descriptor: Descriptor
    found_at: tuple[str, ...]
    fetch: bool = True
    """False: the manifest alone decides (an index at a ``.sig`` tag, a foreign layer); verify with ``b""``."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """The carrier's own annotations: claims, compared with what is verified and never believed."""
    carrier_subject: Digest | None = None
    """What the carrier itself says it belongs to (OCI ``subject``): a claim as well."""
    defect: str = ""
    """How the carrier breaks the specification of this form, in words; empty when it does not."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A verified in-toto statement. ``predicate`` is the predicate as canonical JSON bytes."""

    predicate_type: str
    predicate: bytes


@dataclass(frozen=True, slots=True)
class Verified:
    """A candidate with its outcome; the statement only when the outcome is verified and it is an attestation."""

    candidate: Candidate
    statement: Statement | None = None


class SignatureVerifier(Protocol):
    """Bytes in; verified content, or a refused candidate with a reason code, out. No network, no clock but ``now``."""

    def wanted(self, manifest: Manifest, *, found_at: tuple[str, ...], tag: str | None) -> tuple[Wanted, ...]:
        """Which blobs of this opened manifest are candidates; empty when it carries no form we know."""
        ...

    def verify(self, wanted: Wanted, content: bytes, *, subject: Judged, trust: TrustMaterial) -> Verified:
        """Never raises for what the bytes say: whatever a parser raises becomes a refused candidate."""
        ...

    def remedy(self, reason_code: str) -> str:
        """What a person can do about a candidate with this code; the empty string for a code of somebody else's."""
        ...


@dataclass(frozen=True, slots=True)
class WantedSbom:
    """A blob that has to be fetched because it says to be an SBOM."""

    form: Form
    carrier: Digest
    descriptor: Descriptor
    predicate: bool
    """True when the blob is an in-toto statement whose predicate is the SBOM (BuildKit)."""
    trust: Trust = Trust.UNSIGNED
    """As far as the carrier alone says."""


LayerBytes: TypeAlias = Iterator[bytes]
"""A layer as it is stored, in pieces; the last is followed by an error when digest or size are wrong."""


class SbomReader(Protocol):
    """Finds SBOMs in opened manifests and reads them."""

    def wanted(self, manifest: Manifest, *, tag: str | None) -> tuple[WantedSbom, ...]:
        """Which blobs of this opened manifest say to be SBOMs (referrers, ``.sbom`` tags, BuildKit)."""
        ...

    def read(self, content: bytes) -> SbomDocument:
        """CycloneDX, SPDX or syft's, found by content. MalformedError when it is none or cannot be read."""
        ...

    def read_statement(self, content: bytes, *, subject: Digest | None = None) -> SbomDocument | None:
        """An unsigned in-toto statement (BuildKit) -> its SBOM; None when its predicate is none.

        With ``subject`` the statement must name it: MalformedError ``sbom-subject-mismatch`` when it does not.
        """
        ...

    def read_predicate(self, statement: Statement) -> SbomDocument | None:
        """A verified statement -> its SBOM; None when its predicate is none."""
        ...

    def read_unverified(self, content: bytes, *, subject: Digest) -> SbomDocument | None:
        """The SBOM in an envelope that nobody trusted signed; None when there is none about ``subject``."""
        ...

    def read_layers(self, layers: Iterable[AbstractContextManager[LayerBytes]]) -> SbomDocument:
        """The package databases in an image's layers, lowest first, as an SBOM of the operating system alone.

        Raises MalformedError, and whatever opening or reading a layer raises.
        """
        ...


class ScanReader(Protocol):
    """Reads what verified attestations say about vulnerabilities."""

    def read(self, statement: Statement) -> tuple[ScanReport | VexDocument, ...]:
        """Scan reports and VEX in a predicate; empty for one about anything else.

        Raises MalformedError ``scan-report-malformed`` | ``vex-malformed``.
        """
        ...
