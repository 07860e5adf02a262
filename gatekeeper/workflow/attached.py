"""What hangs on one manifest: signatures, attestations and SBOMs, each opened once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gatekeeper.core.component import SbomFormat
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, MalformedError, NotFoundError, UnavailableError
from gatekeeper.core.evidence import (
    Candidate,
    Form,
    Outcome,
    Purpose,
    Trust,
    Unavailable,
)
from gatekeeper.core.manifest import OCI_EMPTY, Descriptor, ImageManifest, Manifest
from gatekeeper.core.reference import Repository
from gatekeeper.core.scan_report import AttestedReport, AttestedVex, ScanReport
from gatekeeper.core.trust import TrustMaterial
from gatekeeper.core.verification_summary import PREDICATE_TYPE
from gatekeeper.core.vex import VexDocument
from gatekeeper.ports import (
    FoundReferrer,
    Judged,
    Registry,
    Statement,
    Wanted,
    WantedSbom,
)
from gatekeeper.workflow.os_only import document_digest
from gatekeeper.workflow.pile import FoundSbom, Pile
from gatekeeper.workflow.workroom import Collector

MOST_STATEMENTS = 5000
"""VEX statements of one document that are kept; a vendor's document about everything is no evidence of one image."""
MOST_WARNINGS = 20

_OUR_FORMS = (Form.SIGSTORE_BUNDLE, Form.COSIGN_ATTESTATION_TAG)


_SIGNATURE_TYPES = (
    "application/vnd.dev.sigstore.bundle",
    "application/vnd.dev.cosign.artifact.sig",
    "application/vnd.cncf.notary.signature",
    OCI_EMPTY,
)
"""Artifact types of signatures; cosign 2.6 writes the empty configuration's into fallback indexes."""
_BUILDKIT_STATEMENT = "application/vnd.in-toto+json"
_BUILDKIT_PREDICATE = "in-toto.io/predicate-type"


@dataclass(slots=True)
class Spent:
    """What was opened so far of all that hangs on one subject and its children."""

    opened: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Site:
    """Where is looked, and with which trust material."""

    collector: Collector
    registry: Registry
    repository: Repository
    trust: TrustMaterial
    tags: frozenset[str] | None
    """The repository's tag list, when it could be had: it answers which cosign tags exist without asking."""
    spent: Spent = field(default_factory=Spent)
    elsewhere: bool = False
    """True for a signature repository, which is not the image's own."""

    def found_at(self, places: tuple[str, ...]) -> tuple[str, ...]:
        """The places as a candidate tells them."""
        return tuple(f"{place} of {self.repository}" for place in places) if self.elsewhere else places

    def spend(self, size: int = 0) -> Unavailable | None:
        """Counts one more thing to open, of so many bytes; what to say when that is more than is opened."""
        limits = self.collector.limits
        self.spent.opened += 1
        self.spent.size += size
        if self.spent.opened > limits.attached:
            return Unavailable("attached", Cause.JUNK, f"more than {limits.attached} manifests and blobs")
        if self.spent.size > limits.attached_bytes:
            return Unavailable("attached", Cause.JUNK, f"more than {limits.attached_bytes} bytes")
        return None


def gather_attached(site: Site, manifest: Descriptor, pile: Pile) -> None:
    """Opens every referrer of ``manifest`` and adds what it carries to the pile."""
    subject = manifest.digest
    try:
        referrers = site.registry.referrers(site.repository.path, subject, tags=site.tags)
    except UnavailableError as error:
        pile.missing(Unavailable.of(f"referrers of {subject}", error))
        return
    except (NotFoundError, MalformedError) as error:
        pile.missing(Unavailable(f"referrers of {subject}", Cause.PROTOCOL, error.message))
        return
    if referrers.gap is not None:
        pile.missing(referrers.gap)
    limit = site.collector.limits.referrers
    ordered = sorted(referrers.items, key=_opened_first)
    if len(ordered) > limit:
        pile.missing(
            Unavailable(f"referrers of {subject}", Cause.JUNK, f"{len(ordered)} referrers, {limit} are read")
        )
    for found in ordered[:limit]:
        _open(site, manifest, found, pile)


def _opened_first(found: FoundReferrer) -> tuple[bool, bool, str]:
    """Cosign's tags, then what may be a signature by its entry, then the rest. Only the order: entries are claims."""
    claimed = found.descriptor.artifact_type or OCI_EMPTY
    return found.tag is None, not claimed.startswith(_SIGNATURE_TYPES), str(found.descriptor.digest)


def _open(site: Site, subject: Descriptor, found: FoundReferrer, pile: Pile) -> None:
    digest = found.descriptor.digest
    too_much = site.spend()
    if too_much is not None:
        pile.missing(too_much)
        return
    try:
        manifest = site.registry.manifest(site.repository.path, digest)
    except NotFoundError as error:
        pile.missing(Unavailable(f"referrer {digest}", Cause.VANISHED, error.message))
    except UnavailableError as error:
        pile.missing(Unavailable.of(f"referrer {digest}", error))
    except MalformedError as error:
        if error.cause is Cause.OVER_CAP:
            pile.missing(Unavailable(f"referrer {digest}", error.cause, error.message))
        else:
            pile.candidates.append(_unreadable(found, error))
    else:
        add_carried(site, subject, manifest, site.found_at(found.found_at), found.tag, pile)


def add_carried(
    site: Site,
    subject: Descriptor,
    manifest: Manifest,
    found_at: tuple[str, ...],
    tag: str | None,
    pile: Pile,
) -> None:
    """Verifies and reads what one opened manifest carries."""
    for wanted in site.collector.signatures.wanted(manifest, found_at=found_at, tag=tag):
        _verify(site, subject, wanted, pile)
    for document in site.collector.sboms.wanted(manifest, tag=tag):
        add_sbom(site, subject.digest, document, pile, trust=document.trust, signatures=())


def _verify(site: Site, subject: Descriptor, wanted: Wanted, pile: Pile) -> None:
    content = b""
    source = f"candidate {wanted.carrier}"
    if wanted.fetch:
        too_much = site.spend(wanted.descriptor.size)
        if too_much is not None:
            pile.missing(too_much)
            return
        try:
            content = site.registry.blob(
                site.repository.path, wanted.descriptor, cap=site.collector.limits.candidate_bytes
            )
        except NotFoundError as error:
            pile.missing(Unavailable(source, Cause.VANISHED, error.message))
            return
        except UnavailableError as error:
            pile.missing(Unavailable.of(source, error))
            return
    judged = Judged(subject, site.repository, site.collector.clock.now())
    verified = site.collector.signatures.verify(wanted, content, subject=judged, trust=site.trust)
    if _is_own_summary(site, wanted, content, judged):
        return
    if verified.statement is not None:
        verified = replace(verified, candidate=_add_said(site, verified.candidate, verified.statement, pile))
    pile.candidates.append(verified.candidate)
    if verified.statement is not None:
        if verified.statement.predicate_type == PREDICATE_TYPE:
            pile.summaries.append((verified.candidate, verified.statement))
        _add_attested(site, verified.candidate, verified.statement, pile)
    elif verified.candidate.outcome is not Outcome.VERIFIED:
        _add_unverified(site, subject.digest, verified.candidate, content, pile)


def _is_own_summary(site: Site, wanted: Wanted, content: bytes, subject: Judged) -> bool:
    """What we said ourselves is no evidence: else a verdict would rest on the verdict before."""
    attesting = site.collector.attesting
    if attesting is None or wanted.form not in _OUR_FORMS:
        return False
    statement = attesting.signer.ours(wanted, content, subject=subject)
    return statement is not None and statement.predicate_type == PREDICATE_TYPE


def _add_said(site: Site, candidate: Candidate, statement: Statement, pile: Pile) -> Candidate:
    """Scan reports and VEX. One that cannot be read is an anomaly of its candidate: a warning, and no evidence."""
    try:
        said = site.collector.scans.read(statement)
    except MalformedError as error:
        return replace(candidate, anomalies=(*candidate.anomalies, error.reason_code))
    document = Digest.of(statement.predicate)
    signatures = () if candidate.signature is None else (candidate.signature,)
    for found in said:
        match found:
            case ScanReport():
                pile.reports.append(AttestedReport(candidate.carrier, document, found, signatures))
            case VexDocument():
                kept = replace(
                    found,
                    statements=found.statements[:MOST_STATEMENTS],
                    warnings=found.warnings[:MOST_WARNINGS],
                )
                pile.vex.append(AttestedVex(candidate.carrier, document, kept, signatures))
    return candidate


def _add_attested(site: Site, candidate: Candidate, statement: Statement, pile: Pile) -> None:
    found = FoundSbom(
        candidate.form,
        candidate.carrier,
        Digest.of(statement.predicate),
        statement.predicate_type,
        Trust.SIGNED,
        () if candidate.signature is None else (candidate.signature,),
    )
    try:
        document = site.collector.sboms.read_predicate(statement)
    except MalformedError as error:
        pile.add_unread(found, error)
        return
    if document is not None:
        pile.add_read(found, document)


def _add_unverified(site: Site, subject: Digest, candidate: Candidate, content: bytes, pile: Pile) -> None:
    """What somebody unknown attested is an unsigned SBOM: it may raise findings, never clear an image."""
    document = site.collector.sboms.read_unverified(content, subject=subject)
    if document is not None:
        claimed = candidate.predicate_type or ""
        digest = Digest.of(content)
        pile.add_read(
            FoundSbom(candidate.form, candidate.carrier, digest, claimed, Trust.UNSIGNED, ()), document
        )


def add_sbom(
    site: Site,
    subject: Digest,
    wanted: WantedSbom,
    pile: Pile,
    *,
    trust: Trust,
    signatures: tuple[Digest, ...],
) -> None:
    """Fetches and reads one blob that says to be an SBOM."""
    source = f"SBOM in {wanted.carrier}"
    descriptor = wanted.descriptor
    found = FoundSbom(
        wanted.form, wanted.carrier, descriptor.digest, descriptor.media_type, trust, signatures
    )
    too_much = site.spend(descriptor.size)
    if too_much is not None:
        pile.missing(too_much, signatures=False)
        return
    try:
        content = site.registry.blob(site.repository.path, descriptor, cap=site.collector.limits.sbom_bytes)
        document = (
            site.collector.sboms.read_statement(content, subject=subject)
            if wanted.predicate
            else site.collector.sboms.read(content)
        )
    except NotFoundError as error:
        pile.missing(Unavailable(source, Cause.VANISHED, error.message), signatures=False)
        return
    except UnavailableError as error:
        pile.missing(Unavailable.of(source, error), signatures=False)
        return
    except MalformedError as error:
        pile.add_unread(found, error)
        return
    if document is not None:
        pile.add_read(found, document)


def unsigned_attestations(manifest: Manifest) -> list[Candidate]:
    """What BuildKit says about an image: seen and shown, and never believed by itself."""
    return [
        Candidate(
            form=Form.BUILDKIT_ATTESTATION,
            carrier=manifest.digest,
            position=position,
            found_at=("index",),
            purpose=Purpose.ATTESTATION,
            outcome=Outcome.SKIPPED,
            reason_code="attestation-unsigned",
            detail="nobody signed it; a signature of the index binds it, and vouches for the SBOM in it",
            predicate_type=layer.annotations.get(_BUILDKIT_PREDICATE),
        )
        for position, layer in enumerate(manifest.layers if isinstance(manifest, ImageManifest) else ())
        if layer.media_type == _BUILDKIT_STATEMENT
    ]


def _unreadable(found: FoundReferrer, error: MalformedError) -> Candidate:
    """A referrer whose manifest breaks the specification is a refused candidate, not a gap: law 4."""
    by_suffix = {
        ".sig": Form.COSIGN_SIGNATURE_TAG,
        ".att": Form.COSIGN_ATTESTATION_TAG,
        ".sbom": Form.COSIGN_SBOM_TAG,
    }
    suffix = "." + found.tag.rpartition(".")[2] if found.tag is not None else ""
    return Candidate(
        form=by_suffix.get(suffix, Form.DSSE_REFERRER),
        carrier=found.descriptor.digest,
        position=0,
        found_at=found.found_at,
        purpose=Purpose.UNKNOWN,
        outcome=Outcome.REFUSED,
        reason_code="carrier-malformed",
        detail=error.message[:400],
    )


def add_layers(site: Site, manifest: ImageManifest, pile: Pile) -> None:
    """Reads the package databases of an image without a readable SBOM. A gap where its layers cannot be read."""
    if any(sbom.format in frozenset(SbomFormat) for sbom in pile.sboms):
        return
    known = site.collector.layers.get(manifest.digest)
    if known is None:
        source = f"layers of {manifest.digest}"
        path = site.repository.path
        try:
            known = site.collector.sboms.read_layers(
                site.registry.open_blob(path, layer) for layer in manifest.layers
            )
        except NotFoundError as error:
            pile.missing(Unavailable(source, Cause.VANISHED, error.message), signatures=False)
            return
        except UnavailableError as error:
            pile.missing(Unavailable.of(source, error), signatures=False)
            return
        except MalformedError as error:
            pile.missing(Unavailable(source, error.cause, error.message), signatures=False)
            return
        site.collector.layers.put(manifest.digest, known)
    if known.components:
        found = FoundSbom(Form.IMAGE_LAYERS, manifest.digest, document_digest(known), "", Trust.GENERATED, ())
        pile.add_read(found, known)
