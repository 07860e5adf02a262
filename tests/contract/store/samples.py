"""Values that the store is asked to keep, and the ways that rows come to be due, claimed and judged."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gatekeeper.core.component import SbomDocument, SbomFormat
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause
from gatekeeper.core.evidence import (
    Absent,
    Candidate,
    Candidates,
    Evidence,
    Form,
    NodeEvidence,
    Outcome,
    Purpose,
    Sbom,
    Sboms,
    Trust,
    Unavailable,
)
from gatekeeper.core.lifecycle import IntentDraft, IntentKind
from gatekeeper.core.manifest import OCI_MANIFEST
from gatekeeper.core.plan import Act, Nothing, Plan, Propose
from gatekeeper.core.policy import Action
from gatekeeper.core.reference import Repository
from gatekeeper.core.verdict import Finding, Level, Result, State, Subject, Verdict
from gatekeeper.database import Database
from gatekeeper.ports import DueSubject, GatheredSbom, Judgement, Lease, Round, TagPlan, WorkKind

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
APP = Repository("registry.example:5000", "team/app")
WEB = Repository("registry.example:5000", "team/web")
FAR = Repository("far.example", "team/app")
REVISION = "sha256:" + "1" * 64


def digest(name: str) -> Digest:
    return Digest.of(name.encode())


def nonce(name: str) -> str:
    return digest(name).encoded[:16]


def sbom_evidence(*documents: Digest) -> Sboms:
    return Sboms(
        tuple(
            Sbom(Form.SBOM_REFERRER, digest("carrier"), document, "spdx-json", Trust.UNSIGNED, 2, 0)
            for document in documents
        )
    )


def signed_evidence(subject: Digest, *signatures: Digest, refused: Digest) -> Evidence:
    """Evidence with a verified candidate for each signature, beside a refused one."""
    outcomes = [*((one, Outcome.VERIFIED) for one in signatures), (refused, Outcome.REFUSED)]
    found = tuple(
        Candidate(
            Form.SIGSTORE_BUNDLE,
            digest("carrier"),
            position,
            ("referrers-api",),
            Purpose.SIGNATURE,
            outcome,
            "signature-verified" if outcome is Outcome.VERIFIED else "subject-mismatch",
            "",
            signature=signature,
        )
        for position, (signature, outcome) in enumerate(outcomes)
    )
    gathered = evidence(subject)
    return dataclasses.replace(
        gathered, root=dataclasses.replace(gathered.root, signatures=Candidates(found))
    )


def evidence(subject: Digest, *, sboms: Sboms | Absent = Absent("sbom"), trust: str = "keys") -> Evidence:  # noqa: B008
    node = NodeEvidence(
        digest=subject,
        media_type=OCI_MANIFEST,
        platform=None,
        config=Absent("config"),
        signatures=Absent("signature"),
        sboms=sboms,
    )
    return Evidence(root=node, children=(), trust=trust)


def finding(
    subject: Digest, reason: str, *, result: Result = Result.VIOLATED, tag: str | None = None
) -> Finding:
    basis = Unavailable("referrers", Cause.TIMEOUT, "no answer")
    return Finding(
        rule="signature-missing",
        level=Level.FAIL,
        result=result,
        reason_code=reason,
        message=f"{reason}, said the rule",
        remedy="sign it",
        digest=subject,
        platform=None,
        tag=tag,
        basis=Absent("signature") if result is Result.VIOLATED else basis,
        settles=True,
        fingerprint=str(digest(f"{reason} {subject} {tag}")),
    )


def verdict(
    due: DueSubject,
    *,
    findings: Sequence[Finding] = (),
    now: datetime = NOW,
    revision: str = REVISION,
    gathered: Evidence | None = None,
) -> Verdict:
    counting = [found for found in findings if found.counts and found.tag is None]
    state, reason = State.PASSED, "passed"
    for result, said in ((Result.UNDETERMINED, State.INDETERMINATE), (Result.VIOLATED, State.FAILED)):
        for found in counting:
            if found.result is result:
                state, reason = said, found.reason_code
    return Verdict(
        state=state,
        reason_code=reason,
        subject=Subject(due.repository, due.digest, due.tags, due.first_seen),
        scope="everything",
        policy_revision=revision,
        evidence=(gathered or evidence(due.digest)).digest,
        trust="keys",
        evaluator=1,
        findings=tuple(findings),
        decided_at=now,
        recheck_at=now + 24 * HOUR,
    )


def failed(due: DueSubject, *reasons: str, now: datetime = NOW) -> Verdict:
    return verdict(
        due, findings=[finding(due.digest, reason) for reason in reasons or ("signature-missing",)], now=now
    )


def judgement(
    due: DueSubject, judged: Verdict, plans: Mapping[str, Plan | TagPlan] | None = None, **more: Any
) -> Judgement:
    planned = tuple(
        plan if isinstance(plan, TagPlan) else TagPlan(tag, plan)
        for tag, plan in sorted((plans or {}).items())
    )
    return Judgement(
        subject_id=due.id,
        evidence=more.pop("gathered", None) or evidence(due.digest),
        verdict=judged,
        plans=planned,
        anchors=more.pop("anchors", ()),
        evidence_due=judged.decided_at + 6 * HOUR,
        **more,
    )


def draft(
    due: DueSubject, tag: str, *, kind: IntentKind = IntentKind.QUARANTINE, replacement: Digest | None = None
) -> IntentDraft:
    return IntentDraft(
        kind=kind,
        repository=due.repository,
        digest=due.digest,
        tag=tag,
        expected=due.digest,
        replacement=replacement,
        target=Repository(due.repository.registry, f"quarantine/{due.repository.path}"),
        target_tag=f"{tag}--{due.digest.short}",
        nonce=nonce(f"{due.repository} {tag} {due.digest}"),
        case_id=None,
        actor="gatekeeper",
        reason="signature-missing",
    )


def act(due: DueSubject, tag: str, *, replacement: Digest | None = None, salt: str = "") -> TagPlan:
    planned = draft(due, tag, replacement=replacement)
    if salt:
        planned = dataclasses.replace(planned, nonce=nonce(salt))
    return TagPlan(tag, Act(Action.QUARANTINE, IntentKind.QUARANTINE, replacement), (planned,))


def propose(why: str = "mode-propose", trips: str | None = None) -> Propose:
    return Propose(Action.QUARANTINE, why, trips)


def nothing() -> Nothing:
    return Nothing("passed")


def a_round(
    moved: Mapping[str, Digest] | None = None,
    *,
    gone: Sequence[str] = (),
    missing: Sequence[str] = (),
    ignored: Sequence[Digest] = (),
    touched: Sequence[Digest] = (),
    now: datetime = NOW,
) -> Round:
    seen = dict(moved or {})
    return Round(
        moved=seen,
        gone=frozenset(gone),
        missing=frozenset(missing),
        ignored=frozenset(ignored),
        subjects=frozenset(seen.values()) - frozenset(ignored),
        touched=frozenset(touched),
        next_due=now + MINUTE,
        interval=MINUTE,
    )


def claim_one(store: Database, kind: WorkKind, *, now: datetime = NOW) -> Lease:
    (lease,) = store.claim(kind, now=now, limit=1, lease_for=5 * MINUTE)
    return lease


def watch(
    store: Database,
    moved: Mapping[str, Digest],
    *,
    repository: Repository = APP,
    now: datetime = NOW,
    **more: Any,
) -> None:
    """One round over one repository that saw these tags."""
    store.add_repositories([repository], now=now)
    leases = store.claim(WorkKind.REPOSITORY, now=now + 24 * HOUR, limit=100, lease_for=5 * MINUTE)
    for lease in leases:
        if store.repository(lease).repository == repository:
            store.record_round(lease, a_round(moved, now=now, **more), now=now)
        else:
            store.release(lease, next_due=now, error=None)


def due(store: Database, *, now: datetime = NOW) -> tuple[Lease, DueSubject]:
    """Claims the next due subject."""
    lease = claim_one(store, WorkKind.SUBJECT, now=now)
    return lease, store.due_subject(lease)


def quarantined(store: Database, tag: str = "v1", *, now: datetime = NOW) -> tuple[DueSubject, str]:
    """A failed image at a tag with an open case; returns the subject and the case's id."""
    watch(store, {tag: digest(f"image at {tag}")}, now=now)
    lease, subject = due(store, now=now)
    store.record(lease, judgement(subject, failed(subject, now=now), {tag: act(subject, tag)}), now=now)
    case = store.newest_case(subject.repository, subject.digest)
    assert case is not None
    return subject, case.id


def sbom(document: str, *components: Any) -> GatheredSbom:
    content = SbomDocument(SbomFormat.CYCLONEDX_JSON, "1.6", tuple(components))
    return GatheredSbom(digest(document), content)
