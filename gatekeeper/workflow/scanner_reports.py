"""What is answered to somebody who asks us as a scanner: the recorded findings of one image, or its SBOM.

No registry is asked. What cannot be told is an error with its reason, never an empty report: without evidence that the
policy trusts, or with a feed that is too old, nobody knows what else there is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from gatekeeper.core.advisory import NO_TEXT, AdvisoryText
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import NotFoundError
from gatekeeper.core.evidence import Evidence, NodeEvidence, Trust
from gatekeeper.core.inventory import Described, merge
from gatekeeper.core.match import Gap
from gatekeeper.core.policy import ScopedPolicy
from gatekeeper.core.rules.rule import Context
from gatekeeper.core.rules.sboms import SbomTrust, sboms_of
from gatekeeper.core.rules.scan_evidence_missing import ScanEvidenceMissing
from gatekeeper.core.rules.scanned import Found, Scanned, scanned_images
from gatekeeper.core.rules.vulnerability_epss import VulnerabilityEpss
from gatekeeper.core.rules.vulnerability_known_exploited import VulnerabilityKnownExploited
from gatekeeper.core.rules.vulnerability_severity import VulnerabilitySeverity
from gatekeeper.core.scan import Vulnerability, cves_reported
from gatekeeper.core.scan_request import ScanRequest
from gatekeeper.core.verdict import Finding, Level, Verdict
from gatekeeper.core.vex import VexStatement
from gatekeeper.ports import StatusRow
from gatekeeper.workflow import answer
from gatekeeper.workflow.answer import AnswerState
from gatekeeper.workflow.scanning import carried
from gatekeeper.workflow.workroom import Workroom

PATIENCE = timedelta(minutes=25)
"""How long somebody is kept waiting for an answer: Harbor itself gives up after half an hour."""
_SOONEST, _LATEST = 2, 30
"""Seconds until somebody who waits may ask again. Harbor reads no more than 127."""

_Rule = VulnerabilitySeverity | VulnerabilityKnownExploited | VulnerabilityEpss | ScanEvidenceMissing
_RULES: tuple[type[_Rule], ...] = (
    VulnerabilitySeverity,
    VulnerabilityKnownExploited,
    VulnerabilityEpss,
    ScanEvidenceMissing,
)
"""Whose terms (trust, signers, VEX) a report follows: of the first that the policy has."""
_Key = tuple[str, str, str]
"""A vulnerability of one package: advisory, name, version."""
Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class Waiting:
    """There is no answer yet."""

    why: str
    seconds: int
    """After which it is worth asking again."""


@dataclass(frozen=True, slots=True)
class NotJudged:
    """Nobody can tell, and waiting will not help."""

    reason_code: str
    message: str


@dataclass(frozen=True, slots=True)
class OpenVulnerability:
    """One that nobody excuses."""

    vulnerability: Vulnerability
    text: AdvisoryText
    in_feeds: bool
    """False: only a scan report names it."""
    findings: tuple[Finding, ...]
    """What the rules of the policy said of it, with deadlines and waivers."""


@dataclass(frozen=True, slots=True)
class ExcusedVulnerability:
    """One that a signed VEX statement of somebody entitled excuses."""

    vulnerability: Vulnerability
    statement: VexStatement


@dataclass(frozen=True, slots=True)
class VulnerabilityReport:
    """What is known about the vulnerabilities of one image."""

    request: ScanRequest
    generated_at: datetime
    open: tuple[OpenVulnerability, ...]
    """Worst first."""
    excused: tuple[ExcusedVulnerability, ...]
    doubts: tuple[Gap, ...]
    """Advisories of which nobody can tell whether they concern the image, and ecosystems that no feed tells of."""
    components: int
    unjudged: int
    """Components for which nobody could say anything."""


@dataclass(frozen=True, slots=True)
class SbomReport:
    """What is known to be in one image."""

    request: ScanRequest
    generated_at: datetime
    document: str
    """JSON text."""


@dataclass(frozen=True, slots=True)
class _Image:
    """A judged image with everything that a report rests on."""

    row: StatusRow
    verdict: Verdict
    scoped: ScopedPolicy
    context: Context
    """Of this image alone, with the index that lists it."""


def vulnerabilities(room: Workroom, request: ScanRequest) -> VulnerabilityReport | Waiting | NotJudged:
    """The report as of now. Raises NotFoundError ``scan-unknown`` for an image that nobody asked about."""
    return _told(room, request, _vulnerabilities)


def sbom(room: Workroom, request: ScanRequest, *, spdx: bool) -> SbomReport | Waiting | NotJudged:
    """The same for the SBOM: of documents that are trusted as much as Harbor's own, or more.

    Harbor keeps the answer as an SBOM that the registry made. Less trusted documents would become more trusted by that.
    """
    return _told(room, request, _spdx if spdx else _cyclonedx)


def can_tell(room: Workroom, request: ScanRequest) -> bool:
    """True when there is a report of vulnerabilities now."""
    now = room.clock.now()
    return any(
        isinstance(image, _Image)
        and isinstance(_vulnerabilities(room, image, request, now), VulnerabilityReport)
        for image in _images(room, request, now)
    )


def _told(
    room: Workroom,
    request: ScanRequest,
    tell: Callable[[Workroom, _Image, ScanRequest, datetime], Told | NotJudged],
) -> Told | Waiting | NotJudged:
    """By the first that can tell: an SBOM of any index that lists the image counts for it."""
    now = room.clock.now()
    left: list[Waiting | NotJudged] = []
    for image in _images(room, request, now):
        if isinstance(image, _Image):
            told = tell(room, image, request, now)
            if not isinstance(told, NotJudged):
                return told
            left.append(_settled(told, image, request, now))
        else:
            left.append(image)
    if not left:
        raise NotFoundError(
            "nothing is known of the image of this scan; ask for one again", reason_code="scan-unknown"
        )
    waiting = next((one for one in left if isinstance(one, Waiting)), None)
    if waiting is None:
        return left[0]
    if now - request.asked_at >= PATIENCE:
        return NotJudged("scan-late", f"no answer within {PATIENCE.seconds // 60} minutes: {waiting.why}")
    return waiting


def _waiting(why: str, request: ScanRequest, now: datetime) -> Waiting:
    age = int((now - request.asked_at).total_seconds())
    return Waiting(why, min(max(age // 10, _SOONEST), _LATEST))


def _settled(told: NotJudged, image: _Image, request: ScanRequest, now: datetime) -> NotJudged | Waiting:
    """It is said only after a look that is newer than the request, and not while evidence may still arrive."""
    looked = image.verdict.decided_at >= request.asked_at
    arriving = now < image.row.first_seen + image.scoped.scope.settle
    return told if looked and not arriving else _waiting(told.message, request, now)


def _images(room: Workroom, request: ScanRequest, now: datetime) -> Iterator[_Image | Waiting | NotJudged]:
    """By the indexes that name the image, then by itself: what hangs on an index counts for its images too."""
    policy = room.policy()
    scoped = policy.resolve(request.repository)
    if scoped is None:
        said = answer.not_covered(request.repository, None, request.digest, policy)
        yield NotJudged(said.reason_code, f"{said.message}; {said.next}")
        return
    for digest in (*room.store.indexes_naming(request.repository, request.digest), request.digest):
        row = room.store.status(request.repository, digest, now=now)
        if row is not None:
            yield _of_row(room, row, request, scoped, now)


def _of_row(
    room: Workroom, row: StatusRow, request: ScanRequest, scoped: ScopedPolicy, now: datetime
) -> _Image | Waiting | NotJudged:
    said = answer.recorded(row, None, scoped, now=now, grace=room.limits.max_blind)
    verdict = row.verdict
    if verdict is None or (said.state is AnswerState.WAITING and said.reason_code != "settling"):
        return _waiting(said.message, request, now)
    evidence = room.store.evidence(verdict.evidence)
    if evidence is None:
        return _waiting("its evidence is gathered anew", request, now)
    node = next((one for one in evidence.images if one.digest == request.digest), None)
    if node is None:
        if evidence.unavailable:
            return NotJudged(str(evidence.unavailable[0].cause), evidence.unavailable[0].detail)
        return NotJudged("no-image", f"{request.digest} is no image that was judged with {row.digest}")
    alone = evidence if node.digest == evidence.root.digest else _only(evidence, node)
    wanted = {node.digest, evidence.root.digest}
    nodes = {digest: sboms for digest, sboms in carried(alone).items() if digest in wanted}
    scanned = room.store.scan(
        nodes, room.matcher, max_age=room.limits.feed_max_age, reported=cves_reported(alone)
    )
    context = Context(
        subject=verdict.subject,
        evidence=alone,
        signers=scoped.signers,
        now=now,
        scan=scanned.scan,
        trust_roots={root.name: root for root in scoped.trust_roots},
    )
    return _Image(row, verdict, scoped, context)


def _only(evidence: Evidence, node: NodeEvidence) -> Evidence:
    return dataclasses.replace(evidence, children=(node,))


def _rules(scoped: ScopedPolicy) -> tuple[_Rule, ...]:
    """Those of the policy that are about vulnerabilities, the one whose terms count first; never empty."""
    found = [
        rule
        for kind in _RULES
        for rule in scoped.rules.rules
        if isinstance(rule, kind) and rule.level is not Level.OFF
    ]
    return tuple(found) or (VulnerabilitySeverity(),)


def _scanned(image: _Image, rule: _Rule) -> Scanned:
    vex = () if isinstance(rule, ScanEvidenceMissing) else rule.vex
    (scanned,) = scanned_images(image.context, trust=rule.trust, signers=rule.signers, vex=vex)
    return scanned


def _vulnerabilities(
    room: Workroom, image: _Image, request: ScanRequest, now: datetime
) -> VulnerabilityReport | NotJudged:
    rules = _rules(image.scoped)
    scanned = _scanned(image, rules[0])
    uncleared = scanned.uncleared()
    if uncleared is not None:
        known = f" {len(scanned.found)} vulnerabilities are known." if scanned.found else ""
        return NotJudged(uncleared.reason_code, f"{uncleared.message}{known} {uncleared.remedy}".strip())
    node = image.context.scan.of(request.digest)
    if not scanned.reports and (node is None or not node.ecosystems):
        return NotJudged("nothing-to-judge", "The SBOM lists no package that could be looked up.")
    excuses = _excuses(image, rules, scanned)
    open_ = [found.vulnerability for found in scanned.found if _key(found.vulnerability) not in excuses]
    records = room.store.advisory_records(one.match.advisory for one in open_)
    findings = _findings(image.verdict, request.digest)
    return VulnerabilityReport(
        request=request,
        generated_at=now,
        open=tuple(
            OpenVulnerability(
                one,
                _text(room, records, one),
                one.match.advisory in records,
                tuple(findings.get(Found(one, None).subject, ())),
            )
            for one in open_
        ),
        excused=tuple(
            ExcusedVulnerability(found.vulnerability, excuses[_key(found.vulnerability)])
            for found in scanned.found
            if _key(found.vulnerability) in excuses
        ),
        doubts=() if node is None else node.gaps,
        components=0 if node is None else node.components,
        unjudged=0 if node is None else node.unjudged,
    )


def _text(room: Workroom, records: Mapping[str, bytes], vulnerability: Vulnerability) -> AdvisoryText:
    record = records.get(vulnerability.match.advisory)
    return NO_TEXT if record is None else room.matcher.describe(record)


def _key(vulnerability: Vulnerability) -> _Key:
    match = vulnerability.match
    return match.advisory, match.package.name, match.package.version


def _excuses(image: _Image, rules: tuple[_Rule, ...], scanned: Scanned) -> dict[_Key, VexStatement]:
    """What is excused for every rule that it concerns: each rule names who may excuse."""
    excuses = {_key(found.vulnerability): found.excuse for found in scanned.found if found.excuse is not None}
    for rule in rules[1:] if excuses else ():
        for found in _scanned(image, rule).found:
            if found.excuse is None and _concerns(rule, found.vulnerability):
                excuses.pop(_key(found.vulnerability), None)
    return excuses


def _concerns(rule: _Rule, vulnerability: Vulnerability) -> bool:
    match rule:
        case VulnerabilityKnownExploited():
            return vulnerability.exploited_at is not None
        case VulnerabilityEpss(percent=percent):
            return bool(vulnerability.epss) and 100 * float(vulnerability.epss) >= percent
        case VulnerabilitySeverity():
            return True
        case ScanEvidenceMissing():
            return False


def _findings(verdict: Verdict, digest: Digest) -> dict[str, list[Finding]]:
    """What the recorded verdict says, by ``Found.subject``, which ends their reason codes."""
    kept: dict[str, list[Finding]] = {}
    for finding in verdict.findings:
        if finding.digest == digest:
            kept.setdefault(finding.reason_code.partition(":")[2], []).append(finding)
    return kept


def _spdx(room: Workroom, image: _Image, request: ScanRequest, now: datetime) -> SbomReport | NotJudged:
    described = _described(room, image, request)
    if isinstance(described, NotJudged):
        return described
    return SbomReport(request, now, room.sbom_writer.spdx(described, now=now))


def _cyclonedx(room: Workroom, image: _Image, request: ScanRequest, now: datetime) -> SbomReport | NotJudged:
    described = _described(room, image, request)
    if isinstance(described, NotJudged):
        return described
    return SbomReport(request, now, room.sbom_writer.cyclonedx(described, now=now))


def _described(room: Workroom, image: _Image, request: ScanRequest) -> Described | NotJudged:
    """By the signed documents; without any by those that the registry made, where the policy trusts these."""
    rule = _rules(image.scoped)[0]
    trust = SbomTrust.SIGNED if rule.trust is SbomTrust.SIGNED else SbomTrust.REGISTRY
    (sboms,) = sboms_of(image.context, trust, rule.signers)
    signed = [sbom for sbom in sboms.trusted if sbom.trust is not Trust.REGISTRY]
    documents = dict.fromkeys(sbom.document for sbom in signed or sboms.trusted)
    kept = ((digest, room.store.document(digest)) for digest in documents)
    contents = [(digest, content) for digest, content in kept if content is not None]
    if not contents:
        check = sboms.untrusted()
        return NotJudged(check.reason_code, f"{check.message} {check.remedy}".strip())
    systems = (content.operating_system for _, content in contents)
    return Described(
        f"{request.repository}@{request.digest}",
        str(request.digest),
        tuple(digest for digest, _ in contents),
        next((system for system in systems if system is not None), None),
        merge(contents),
    )


__all__ = [
    "PATIENCE",
    "ExcusedVulnerability",
    "NotJudged",
    "OpenVulnerability",
    "SbomReport",
    "VulnerabilityReport",
    "Waiting",
    "can_tell",
    "sbom",
    "vulnerabilities",
]
