"""Evidence: verified facts about one subject, plus what was absent and what could not be asked.

One frozen value per subject. It holds facts (who signed, with which key, which components), not policy answers, so
that a changed policy re-judges it without the registry. ``Absent`` (the registry says there is none) and
``Unavailable`` (could not ask) are different types: law 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gatekeeper.core.canonical import canonical_bytes, canonical_digest
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.core.predicate import Predicate
from gatekeeper.core.scan_report import AttestedReport, AttestedVex


@dataclass(frozen=True, slots=True)
class Absent:
    """Asked everywhere it could be, and there is none."""

    kind: str
    """What there is none of: ``signature``, ``sbom``, ``config-user`` …"""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Could not be asked, or the answer could not be believed."""

    source: str
    """What was asked: ``referrers``, ``manifest``, ``config``, ``candidate sha256:…`` …"""
    cause: Cause
    detail: str

    @classmethod
    def of(cls, source: str, error: UnavailableError) -> Unavailable:
        """The stored form of an error met while asking ``source``."""
        return cls(source, error.cause, error.message)


class Form(StrEnum):
    """How a candidate is stored in a registry (reference: sigstore.md section 1, forms A to H)."""

    COSIGN_SIGNATURE_TAG = "cosign-signature-tag"
    COSIGN_ATTESTATION_TAG = "cosign-attestation-tag"
    COSIGN_SBOM_TAG = "cosign-sbom-tag"
    COSIGN_SIGNATURE_REFERRER = "cosign-signature-referrer"
    COSIGN_SBOM_REFERRER = "cosign-sbom-referrer"
    SIGSTORE_BUNDLE = "sigstore-bundle"
    DSSE_REFERRER = "dsse-referrer"
    NOTATION_SIGNATURE = "notation-signature"
    BUILDKIT_ATTESTATION = "buildkit-attestation"
    SBOM_REFERRER = "sbom-referrer"
    HARBOR_SBOM = "harbor-sbom"
    SCANNER = "scanner"
    """Nothing was stored: a scanner that is configured made it now."""
    IMAGE_LAYERS = "image-layers"
    """Nothing was stored: we read the image's own package databases."""


class Outcome(StrEnum):
    """What verification said of a candidate."""

    VERIFIED = "verified"
    REFUSED = "refused"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"


class Purpose(StrEnum):
    """What a candidate claims to be. An attestation is never a signature, whoever signed it."""

    SIGNATURE = "signature"
    ATTESTATION = "attestation"
    UNKNOWN = "unknown"


class TimeSource(StrEnum):
    """Who says when a signature was made."""

    LOG = "transparency-log"
    """A log's signed promise or entry (Rekor v1 integrated time)."""
    TIMESTAMP = "timestamp-authority"
    """An RFC 3161 timestamp by a trusted authority."""
    SIGNING_AUTHORITY = "signing-authority"
    """A Notary Project signing authority (``io.cncf.notary.authenticSigningTime``)."""
    CLAIMED = "claimed"
    """The signer alone: informs people, proves nothing."""


@dataclass(frozen=True, slots=True)
class SignedTime:
    """A moment at which the signature existed, and who says so."""

    at: datetime
    source: TimeSource
    authority: str = ""
    """Name of the log or authority: a log's base URL or origin, a certificate's subject."""

    @property
    def proven(self) -> bool:
        """True when somebody other than the signer vouches for it, cryptographically."""
        return self.source is not TimeSource.CLAIMED


@dataclass(frozen=True, slots=True)
class Certificate:
    """The signing certificate of a verified candidate."""

    fingerprint: str
    """sha256 over its DER form, in hexadecimal."""
    not_before: datetime
    not_after: datetime
    subject: str = ""
    """Distinguished name (RFC 4514); empty for Fulcio's."""
    identity_kind: str = ""
    """What kind of name the identity is: ``email`` | ``uri`` | ``other-name``; empty for Notary Project's."""
    extensions: Mapping[str, str] = field(default_factory=dict)
    """Fulcio's extensions by field name (``core.identity.FULCIO_FIELDS``)."""


@dataclass(frozen=True, slots=True)
class NotationResult:
    """What one Notary Project trust policy says of a signature."""

    trust: str
    """``NotationTrust.name``."""
    statement: str
    """Name of the trust policy statement that applied; empty when none did."""
    level: str
    """``strict`` | ``permissive`` | ``audit`` | ``skip``; empty when no statement applied."""
    outcome: Outcome
    reason_code: str
    detail: str
    logged: tuple[str, ...] = ()
    """Reason codes of checks that failed and that the level only logs."""
    good_until: datetime | None = None
    """From then on a verified result no longer holds: expiry, or the end of a certificate; None: time alone changes
    nothing."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A found signature or attestation with its outcome and, once it is verified, everything that it says.

    ``key_ids`` are the trusted keys that verify it, ``trust_roots`` the roots under which its certificate does,
    ``notation`` what each Notary Project trust policy says. Whether that suffices is matched when deciding.
    """

    form: Form
    carrier: Digest
    """Digest of the manifest that carries it."""
    position: int
    """Index of the layer in that manifest: two layers may share a digest."""
    found_at: tuple[str, ...]
    """Every place that named the carrier: ``referrers-api``, ``fallback-tag``, ``tag:sha256-….sig``."""
    purpose: Purpose
    outcome: Outcome
    reason_code: str
    detail: str
    key_ids: tuple[str, ...] = ()
    identity: str | None = None
    """Who signed with a certificate: its subject alternative name (Sigstore) or distinguished name (notation)."""
    issuer: str | None = None
    """The OpenID issuer that vouched for the identity (Sigstore)."""
    predicate_type: str | None = None
    signed_at: datetime | None = None
    """The moment at which its certificate was checked to be in force; None for a managed key."""
    anomalies: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Signed annotations (``cosign sign -a``); only of a verified signature."""
    signed_reference: str | None = None
    """The image reference the signature itself names (simple signing); a copied image keeps its first home's."""
    signature: Digest | None = None
    """Names the signature itself, wherever it is stored: sha256(sha256(signed bytes) + signature bytes)."""
    certificate: Certificate | None = None
    trust_roots: tuple[str, ...] = ()
    """Names of the Sigstore roots under which certificate, log entry and time hold."""
    log_index: int | None = None
    log_id: str | None = None
    """The transparency log's key id, in hexadecimal."""
    times: tuple[SignedTime, ...] = ()
    """Every moment that was verified, and what the signer claims; in canonical order."""
    expires_at: datetime | None = None
    """After which the signature itself says that it no longer holds (Notary Project)."""
    signing_scheme: str | None = None
    """``notary.x509`` | ``notary.x509.signingAuthority``."""
    notation: tuple[NotationResult, ...] = ()
    predicate: Predicate | None = None
    """What a verified attestation says."""
    first_seen: datetime | None = None
    """When we first recorded this signature anywhere; None: never recorded, which counts as now."""

    def __post_init__(self) -> None:
        # The order in which places answered says nothing: equal findings are one value.
        for name in ("found_at", "key_ids", "trust_roots", "times", "notation"):
            given = getattr(self, name)
            # Most have one, and one has no order; a candidate is made for everything that hangs on any image.
            if len(given) > 1:
                by_content = canonical_bytes if name in ("times", "notation") else None
                object.__setattr__(self, name, tuple(sorted(set(given), key=by_content)))

    @property
    def proven_at(self) -> datetime | None:
        """The earliest moment at which somebody other than the signer proves that it existed."""
        return min((time.at for time in self.times if time.proven), default=None)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidates that were found, in canonical order. ``gap`` says what could not be asked beside them."""

    items: tuple[Candidate, ...]
    gap: Unavailable | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(sorted(self.items, key=canonical_bytes)))


class Trust(StrEnum):
    """The trust ladder of an SBOM, highest first. Unsigned may raise findings, never clear an image."""

    SIGNED = "signed"
    """By an identity that the policy trusts."""
    SIGNED_INDEX = "signed-index"
    """Bound by digest in an index that such an identity signed (BuildKit)."""
    REGISTRY = "registry"
    """Made by the registry's own scanner (Harbor): worth as much as the right to push there."""
    GENERATED = "generated"
    """Made by us from the image's layers, or by a scanner of ours."""
    UNSIGNED = "unsigned"
    """Anybody who can push may have written it."""

    @property
    def rank(self) -> int:
        """0 for the highest."""
        return list(Trust).index(self)


@dataclass(frozen=True, slots=True)
class Sbom:
    """One SBOM that names this node: where it hung, how far it is trusted, what could be read."""

    form: Form
    carrier: Digest
    document: Digest
    """Digest of the SBOM document's bytes; the components are stored under it."""
    format: str
    """A ``core.component.SbomFormat``, or the media type of one that we cannot read."""
    trust: Trust
    signatures: tuple[Digest, ...] = field(default=(), kw_only=True)
    """``Candidate.signature`` of the verified signatures that vouch for it: its own, or the index's."""
    components: int
    unreadable: int
    """Components that could not be read; the others still count."""
    identified: int = 0
    """Components that can be looked up: package, version and, for an OS package, its distribution are said."""
    packages: int = 0
    """Components that ought to be: all but operating systems and plain files."""


@dataclass(frozen=True, slots=True)
class Sboms:
    """SBOMs that were found, in canonical order. ``gap`` says what could not be asked or read beside them."""

    items: tuple[Sbom, ...]
    gap: Unavailable | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(sorted(self.items, key=canonical_bytes)))


@dataclass(frozen=True, slots=True)
class Platform:
    """OCI image-spec, image-index.md, "platform"."""

    os: str
    architecture: str
    variant: str | None = None

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True, slots=True)
class ConfigFacts:
    """What rules ask of an image configuration (OCI image-spec, config.md)."""

    digest: Digest
    user: str
    """Exactly as written; the empty string when it is not set, which means root."""
    labels: Mapping[str, str]
    created: datetime | None
    """None when absent or unreadable. Zero dates (0001, 1970) are kept as they are: a rule's matter."""
    platform: Platform | None


@dataclass(frozen=True, slots=True)
class NodeEvidence:
    """What is known of one manifest: the subject itself, or one platform child of it."""

    digest: Digest
    media_type: str
    platform: Platform | None
    """As the index declares it, or as the configuration says; None for an index."""
    config: ConfigFacts | Absent | Unavailable
    """Absent for an index."""
    signatures: Candidates | Absent | Unavailable
    sboms: Sboms | Absent | Unavailable
    reports: tuple[AttestedReport, ...] = ()
    """Scan reports in verified attestations, in canonical order."""
    vex: tuple[AttestedVex, ...] = ()
    """VEX documents in verified attestations, in canonical order."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reports", tuple(sorted(self.reports, key=canonical_bytes)))
        object.__setattr__(self, "vex", tuple(sorted(self.vex, key=canonical_bytes)))


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything gathered about one subject at one time. For an index, ``children`` are its platform images."""

    root: NodeEvidence
    children: tuple[NodeEvidence, ...]
    trust: str = ""
    """``TrustMaterial.digest`` of what candidates were verified with; empty in what an older version stored."""
    looked_in: tuple[str, ...] = field(default=(), kw_only=True)
    """Repositories beside its own in which signatures were looked for: with others, evidence is gathered anew."""
    unavailable: tuple[Unavailable, ...] = ()
    """What could not be asked about the subject as a whole (its manifest, a child); in canonical order."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "unavailable", tuple(sorted(self.unavailable, key=canonical_bytes)))

    @property
    def digest(self) -> Digest:
        """The evidence digest: two equal gatherings are one."""
        return canonical_digest(self)

    @property
    def images(self) -> tuple[NodeEvidence, ...]:
        """The nodes that configuration rules judge: the platform children, or the image itself."""
        return self.children or (self.root,)
