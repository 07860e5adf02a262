"""Which vulnerabilities an image has: what the rules about them have in common.

They come from the SBOMs that the feeds know by heart (``core.scan``), and from attested scan reports. What an
unsigned SBOM lists may fail an image and never clear it. What a feed could not tell is undetermined, never failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.evidence import Absent, NodeEvidence, Trust, Unavailable
from gatekeeper.core.feed import FeedKind
from gatekeeper.core.match import Ground, LookedUp, Match, Why
from gatekeeper.core.package_url import PackageUrl, parse_purl
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.sboms import NodeSboms, SbomTrust, sboms_of
from gatekeeper.core.rules.signed import Named, SignedVia, candidates_in, places_of
from gatekeeper.core.rules.unasked import unasked
from gatekeeper.core.scan import NodeScan, Vulnerability
from gatekeeper.core.scan_report import AttestedReport, AttestedVex, ReportedVulnerability
from gatekeeper.core.verdict import Level, Result
from gatekeeper.core.vex import VexStatement, VexSubject, excuse_of

MOST_TOLD = 200
"""Findings of one rule about one image; the rest are counted in one more."""
_ANY_PACKAGE = "pkg:"
_GENERATED = (SbomTrust.GENERATED, SbomTrust.ANY)
"""Where what our own scanners report counts."""


@dataclass(frozen=True, slots=True)
class Found:
    """A vulnerability of an image, with the statement that excuses it, if one does."""

    vulnerability: Vulnerability
    excuse: VexStatement | None

    @property
    def subject(self) -> str:
        """Vulnerability and package, as a reason code ends."""
        match = self.vulnerability.match
        return f"{match.advisory}:{match.package.name}"[:200]

    @property
    def sentence(self) -> str:
        """``openssl 3.0.11 has CVE-… (high)``."""
        match = self.vulnerability.match
        name = f"{match.package.name} {match.package.version}".strip()
        others = f" ({', '.join(match.aliases[:3])})" if match.aliases else ""
        return f"{name} has {match.advisory}{others}, {match.rating.severity}"


@dataclass(frozen=True, slots=True)
class Scanned:
    """One image with everything known about its vulnerabilities."""

    sboms: NodeSboms
    scans: tuple[NodeScan, ...]
    reports: tuple[AttestedReport, ...]
    """By a signer whom the rule names."""
    outage: Unavailable | None
    """Why the advisories of its ecosystems cannot be believed."""
    found: tuple[Found, ...]

    @property
    def node(self) -> NodeEvidence:
        """The image."""
        return self.sboms.node

    @property
    def matched(self) -> tuple[Digest, ...]:
        """The trusted SBOMs that the feeds were asked about."""
        known = {document for scan in self.scans for document in scan.documents}
        return tuple(sbom.document for sbom in self.sboms.trusted if sbom.document in known)

    @property
    def basis(self) -> Digest | Absent:
        """The document that an answer about the whole image rests on."""
        documents = (*self.matched, *(report.document for report in self.reports))
        return documents[0] if documents else Absent("scan")

    def check(
        self, result: Result, reason_code: str, message: str, remedy: str = "", *, level: Level | None = None
    ) -> Check:
        """A Check about the image as a whole."""
        return self.sboms.check(result, reason_code, message, remedy, self.basis, level=level)

    def uncleared(self, outage: Unavailable | None = None) -> Check | None:
        """Why nothing that was not found may be taken for clean; None when it may.

        ``outage``: of another feed that the rule needs.
        """
        own = self._uncleared()
        return (
            unasked(outage, self.node.digest, self.sboms.platform)
            if own is None and outage is not None
            else own
        )

    def _uncleared(self) -> Check | None:
        if self.matched:
            return (
                None if self.outage is None else unasked(self.outage, self.node.digest, self.sboms.platform)
            )
        if self.reports:
            return None
        if self.sboms.trusted:
            gap = Unavailable("scan", self.outage.cause, self.outage.detail) if self.outage else None
            if gap is not None:
                return unasked(gap, self.node.digest, self.sboms.platform)
            message = "The image has an SBOM that was not matched with the feeds yet."
            return self.check(
                Result.UNDETERMINED, "scan-not-done", message, "Ask again when it was judged anew."
            )
        if self.sboms.gap is not None:
            return unasked(self.sboms.gap, self.node.digest, self.sboms.platform)
        message = "Nothing trusted says what is in the image, so nobody knows its vulnerabilities."
        return self.check(Result.UNDETERMINED, "not-scanned", message, "Attach a signed SBOM or scan report.")


def scanned_images(
    context: Context,
    *,
    trust: SbomTrust,
    signers: tuple[str, ...],
    vex: tuple[str, ...] = (),
) -> Iterator[Scanned]:
    """For each image that is judged.

    ``signers``: whose SBOMs and reports count. ``vex``: who may excuse, ``SIGNER`` or ``SIGNER=pkg:type/namespace``.
    """
    root = context.evidence.root
    for sboms in sboms_of(context, trust, signers):
        node = sboms.node
        nodes = (node,) if node.digest == root.digest else (node, root)
        scans = tuple(scan for scan in (context.scan.of(item.digest) for item in nodes) if scan is not None)
        reports = tuple(
            report
            for item in nodes
            for report in item.reports
            if (trust in _GENERATED if report.generated else _signed_by(context, node, signers, report))
        )
        outage = context.scan.outage(FeedKind.OSV, context.now, scans) if sboms.read else None
        statements = _statements(context, node, nodes, vex)
        subject = VexSubject(str(context.subject.repository), tuple(str(item.digest) for item in nodes))
        found = (
            [vulnerability for scan in scans for vulnerability in scan.vulnerabilities]
            if outage is None
            else []
        )
        found += [
            _reported(item, report, context) for report in reports for item in report.report.vulnerabilities
        ]
        yield Scanned(
            sboms,
            scans,
            reports,
            outage,
            tuple(Found(item, _excuse(item, subject, statements)) for item in _once(found)),
        )


def told(checks: list[Check], scanned: Scanned, clean: Check) -> Iterator[Check]:
    """What a rule says of one image: its findings, worst first; ``clean`` where nothing was found and all was asked."""
    yield from checks[:MOST_TOLD]
    if len(checks) > MOST_TOLD:
        rest = checks[MOST_TOLD:]
        worst = next((check for check in rest if check.result is Result.VIOLATED), rest[0])
        message = f"{len(rest)} more findings of this rule."
        yield scanned.check(
            worst.result, "vulnerabilities-not-shown", message, worst.remedy, level=worst.level
        )
    uncleared = scanned.uncleared()
    if uncleared is not None:
        yield uncleared
    elif not checks:
        yield clean


def _signed_by(
    context: Context, node: NodeEvidence, signers: tuple[str, ...], item: AttestedReport | AttestedVex
) -> bool:
    named = Named.of(context, signers, 1)
    vouching = candidates_in(places_of(context, node, SignedVia.ANY))
    return any(
        candidate.signature in item.signatures and named.reached((candidate,))
        for candidate in vouching
        if candidate.signature is not None
    )


def _statements(
    context: Context, node: NodeEvidence, nodes: tuple[NodeEvidence, ...], vex: tuple[str, ...]
) -> tuple[tuple[str, VexStatement], ...]:
    """(prefix of the purls it may be about, statement) of everybody who may excuse."""
    found = []
    for entry in vex:
        signer, _, prefix = entry.partition("=")
        found += [
            (prefix or _ANY_PACKAGE, statement)
            for item in nodes
            for document in item.vex
            if _signed_by(context, node, (signer,), document)
            for statement in document.content.statements
        ]
    return tuple(found)


def _excuse(
    vulnerability: Vulnerability, subject: VexSubject, statements: tuple[tuple[str, VexStatement], ...]
) -> VexStatement | None:
    purl = vulnerability.match.component
    package = _purl(purl)
    if package is None:
        return None
    said = [statement for prefix, statement in statements if purl.startswith(prefix)]
    return excuse_of(vulnerability.match, package, subject, said)


def _purl(text: str) -> PackageUrl | None:
    try:
        return parse_purl(text)
    except MalformedError:
        return None


def _reported(item: ReportedVulnerability, report: AttestedReport, context: Context) -> Vulnerability:
    since = report.report.scanned_at or context.now
    exploited_at, epss = context.scan.told_of((item.id, *item.aliases))
    return Vulnerability(
        match=Match(
            component=item.purl or item.package,
            package=LookedUp("", item.package, item.version),
            advisory=item.id,
            advisories=(item.id,),
            aliases=item.aliases,
            why=Why(Ground.RANGE, f"reported by {report.report.scanner}", next(iter(item.fixed), "")),
            fixed=item.fixed,
            rating=item.rating,
        ),
        documents=(report.document,),
        trust=Trust.SIGNED,
        known_at=since,
        fix_known_at=since if item.fixed else None,
        exploited_at=exploited_at,
        epss=epss,
    )


def _once(found: list[Vulnerability]) -> list[Vulnerability]:
    """Each vulnerability of each package once, what the feeds say before what a report says; worst first."""
    kept: dict[tuple[str, str, str], Vulnerability] = {}
    for item in found:
        match = item.match
        names = [
            (name, match.package.name, match.package.version) for name in (match.advisory, *match.aliases)
        ]
        if not any(name in kept for name in names):
            kept.update((name, item) for name in names)
    unique = dict.fromkeys(id(item) for item in kept.values())
    by_id = {id(item): item for item in kept.values()}
    return sorted(
        (by_id[key] for key in unique),
        key=lambda item: (-item.match.rating.severity.rank, item.match.component, item.match.advisory),
    )
