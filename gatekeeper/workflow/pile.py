"""What was found on one manifest so far, and the finished value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gatekeeper.core.canonical import canonical_bytes
from gatekeeper.core.component import Coverage, SbomDocument, coverage_of
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.evidence import Absent, Candidate, Candidates, Form, Sbom, Sboms, Trust, Unavailable
from gatekeeper.core.scan_report import AttestedReport, AttestedVex
from gatekeeper.ports import GatheredSbom, Statement


@dataclass(frozen=True, slots=True)
class Attached:
    """Everything that hangs on one node."""

    signatures: Candidates | Absent | Unavailable
    sboms: Sboms | Absent | Unavailable
    documents: tuple[GatheredSbom, ...]
    reports: tuple[AttestedReport, ...] = ()
    vex: tuple[AttestedVex, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundSbom:
    """What is known of an SBOM before its content is."""

    form: Form
    carrier: Digest
    document: Digest
    claimed: str
    """Media type or predicate type: the carrier's word."""
    trust: Trust
    signatures: tuple[Digest, ...]

    def opened(self, format_: str, coverage: Coverage | None = None, components: int = 0) -> Sbom:
        return Sbom(
            form=self.form,
            carrier=self.carrier,
            document=self.document,
            format=format_,
            trust=self.trust,
            signatures=self.signatures,
            components=components,
            unreadable=0 if coverage is None else coverage.unreadable,
            identified=0 if coverage is None else coverage.identified,
            packages=0 if coverage is None else coverage.components,
        )


@dataclass(slots=True)
class Pile:
    """What was found so far on one node. A gap never hides what was found."""

    subject: Digest
    candidates: list[Candidate] = field(default_factory=list)
    sboms: list[Sbom] = field(default_factory=list)
    documents: dict[Digest, GatheredSbom] = field(default_factory=dict)
    summaries: list[tuple[Candidate, Statement]] = field(default_factory=list)
    """Verified verification summaries, with what they say."""
    reports: list[AttestedReport] = field(default_factory=list)
    vex: list[AttestedVex] = field(default_factory=list)
    signature_gap: Unavailable | None = None
    sbom_gap: Unavailable | None = None

    def missing(self, gap: Unavailable, *, signatures: bool = True, sboms: bool = True) -> None:
        """Notes what could not be asked; the subject's own doing outweighs an outage."""
        if signatures:
            self.signature_gap = _weightier(self.signature_gap, gap)
        if sboms:
            self.sbom_gap = _weightier(self.sbom_gap, gap)

    def sealed(self) -> Attached:
        """The finished value: nothing found and nothing missed is Absent."""
        signatures: Candidates | Absent = Absent("signature")
        if self.candidates or self.signature_gap is not None:
            signatures = Candidates(_united(self.candidates), self.signature_gap)
        sboms: Sboms | Absent = Absent("sbom")
        if self.sboms or self.sbom_gap is not None:
            sboms = Sboms(_most_trusted(self.sboms), self.sbom_gap)
        return Attached(
            signatures, sboms, tuple(self.documents.values()), tuple(self.reports), tuple(self.vex)
        )

    def add_read(self, found: FoundSbom, document: SbomDocument) -> None:
        """Adds an SBOM with the document that was read from it."""
        self.sboms.append(found.opened(document.format, coverage_of(document), len(document.components)))
        self.documents[found.document] = GatheredSbom(found.document, document)

    def add_unread(self, found: FoundSbom, error: MalformedError) -> None:
        """A format we do not read is an SBOM without components; anything else that cannot be read is a gap.

        No document is kept of it: a later reader shall read it as if it were new.
        """
        if error.reason_code != "sbom-format-unsupported":
            gap = Unavailable(f"SBOM in {found.carrier}", error.cause, error.message)
            self.missing(gap, signatures=False)
            return
        # Only what was read may bear the name of a format that is read; those have no slash.
        format_ = found.claimed[:200] if "/" in found.claimed else "application/octet-stream"
        self.sboms.append(found.opened(format_))


def _united(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    """One candidate for what lies at several places, with all of them."""
    found: dict[bytes, list[Candidate]] = {}
    for candidate in candidates:
        found.setdefault(canonical_bytes(replace(candidate, found_at=())), []).append(candidate)
    return tuple(
        replace(same[0], found_at=tuple(place for one in same for place in one.found_at))
        for same in found.values()
    )


def _weightier(known: Unavailable | None, new: Unavailable) -> Unavailable:
    if known is None or (new.cause.blames_content and not known.cause.blames_content):
        return new
    return known


def _most_trusted(sboms: list[Sbom]) -> tuple[Sbom, ...]:
    """Each document of each carrier once: BuildKit's is found in the index and, unsigned, among the referrers."""
    best: dict[tuple[Digest, Digest], Sbom] = {}
    for sbom in sboms:
        key = (sbom.carrier, sbom.document)
        if key not in best or sbom.trust.rank < best[key].trust.rank:
            best[key] = sbom
    return tuple(best.values())
