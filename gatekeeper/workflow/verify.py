"""``verify``: a due subject -> evidence -> verdict -> plans -> one transaction.

1. gather evidence, or take what is stored when only policy, waivers or time changed
2. decide (pure)
3. plan for each tag that points at the digest (pure), within the budget
4. record evidence, verdict, cases and intents at once
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.core.decide import decide
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, MalformedError, NotFoundError, UnavailableError
from gatekeeper.core.evidence import Evidence
from gatekeeper.core.lifecycle import (
    Breaker,
    Budget,
    Case,
    CaseFile,
    IntentDraft,
    IntentKind,
)
from gatekeeper.core.plan import Act, Propose, plan
from gatekeeper.core.policy import Action, Mode, ScopedPolicy
from gatekeeper.core.sighting import sighted, signatures_of
from gatekeeper.core.stabilization import failed_by_feed_at, stabilizes_at
from gatekeeper.core.verdict import State, Subject, Verdict
from gatekeeper.ports import DueSubject, Judgement, Lease, TagPlan
from gatekeeper.workflow import drafts
from gatekeeper.workflow.answer import acted_on
from gatekeeper.workflow.attest import plan_attestation
from gatekeeper.workflow.collect import Collected, collect
from gatekeeper.workflow.names import OUR_PREFIX
from gatekeeper.workflow.scanning import inventory_of, scan
from gatekeeper.workflow.workroom import Workroom


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification did, for logs and metrics. ``verdict`` None: it was no subject, or no longer covered."""

    subject: str
    verdict: Verdict | None
    acts: int = 0
    proposals: int = 0


def verify(room: Workroom, lease: Lease, *, run_started: datetime) -> Verified:
    """Judges one claimed subject. Raises ConflictError when the lease was lost."""
    due = room.store.due_subject(lease)
    name = f"{due.repository}@{due.digest}"
    scoped = room.policy().resolve(due.repository)
    if scoped is None:
        room.store.release(lease, next_due=room.clock.now() + room.limits.interval_max, error=None)
        return Verified(name, None)
    if due.doubted:
        wait = room.limits.interval_max
        room.store.release(lease, next_due=room.clock.now() + wait, error="registry-doubted")
        return Verified(name, None)
    stored = _stored_evidence(room, due, scoped)
    gathered = stored or collect(room.collector, due.repository, due.digest, scoped, room.policy())
    if gathered.not_subject is not None:
        room.store.drop_subject(lease, why=gathered.not_subject, now=room.clock.now())
        return Verified(name, None)
    if _gone(room, due, gathered.evidence):
        room.store.drop_subject(lease, why="gone-from-registry", now=room.clock.now())
        return Verified(name, None)
    now = room.clock.now()
    if stored is None:
        known = room.store.first_sightings(signatures_of(gathered.evidence))
        gathered = dataclasses.replace(gathered, evidence=sighted(gathered.evidence, known, now))
    ours = room.store.ours(due.repository)
    tags = tuple(sorted(tag for tag in due.tags if ours.get(tag) != due.digest))
    subject = Subject(due.repository, due.digest, tags, due.first_seen)
    waivers = room.store.waivers(due.repository, due.digest)
    scanned = scan(room, gathered.evidence, gathered.sboms)
    inventory = inventory_of(room, gathered)
    verdict = decide(scoped, subject, gathered.evidence, waivers, now, scanned.scan, inventory=inventory)
    # What only a version of a feed says that nobody has weighed yet is told, and not acted on.
    acted = verdict
    if scanned.acted is not None:
        acted = decide(scoped, subject, gathered.evidence, waivers, now, scanned.acted, inventory=inventory)
    turned = _turned(due, verdict)
    before = None if due.previous is None else due.previous.verdict
    since = failed_by_feed_at(before, due.failed_by_feed_at, verdict, now)
    planning = _Planning(room, scoped, due, verdict, now, turned, acted, since)
    plans = _plans(planning, run_started=run_started)
    judgement = Judgement(
        subject_id=due.id,
        evidence=gathered.evidence,
        verdict=verdict,
        plans=plans,
        anchors=_anchors(room, scoped, due, verdict),
        attestation=_attestation(room, scoped, gathered.evidence, verdict, turned),
        attestations_per_hour=0 if room.attesting is None else room.attesting.terms.per_hour,
        evidence_due=_evidence_due(room, scoped, due, verdict, reused=stored is not None, now=now),
        raw_manifests=gathered.raw_manifests,
        caps=room.caps,
        run_started=run_started,
        turned=turned,
        change=scanned.change,
        failed_by_change=scanned.change if _fails_more(verdict, acted) else None,
        failed_by_feed_at=since,
        plan_again_at=planning.again,
    )
    room.store.record(lease, judgement, now=now)
    acts = sum(isinstance(tag_plan.plan, Act) for tag_plan in plans)
    return Verified(name, verdict, acts, sum(isinstance(tag_plan.plan, Propose) for tag_plan in plans))


def _turned(due: DueSubject, verdict: Verdict) -> str | None:
    """The revision in force, when it (or another version of ours) took a pass away and nobody has accepted that.

    What it takes away stays turned until it passes again, also while it cannot be judged in between.
    """
    if due.change_accepted or due.previous is None or _passes_everywhere(verdict):
        return None
    before = due.previous.verdict
    by_us = (before.policy_revision, before.evaluator) != (verdict.policy_revision, verdict.evaluator)
    passed = [tag for tag in (None, *verdict.subject.tags) if before.state_at(tag) is State.PASSED]
    took_away = by_us and any(verdict.state_at(tag) is not State.PASSED for tag in passed)
    return verdict.policy_revision if took_away or due.turned is not None else None


def _fails_more(verdict: Verdict, acted: Verdict) -> bool:
    """True when it fails somewhere where it would not by what actions rest on."""
    return any(
        verdict.state_at(tag) is State.FAILED and acted.state_at(tag) is not State.FAILED
        for tag in (None, *verdict.subject.tags)
    )


def _passes_everywhere(verdict: Verdict) -> bool:
    return all(verdict.state_at(tag) is State.PASSED for tag in (None, *verdict.subject.tags))


def _attestation(
    room: Workroom, scoped: ScopedPolicy, evidence: Evidence, verdict: Verdict, turned: str | None
) -> IntentDraft | None:
    if room.attesting is None or (turned is not None and verdict.state is not State.PASSED):
        # What a changed policy takes away stays as it was said until a person has accepted the change.
        return None
    case = room.store.newest_case(verdict.subject.repository, verdict.subject.digest)
    return plan_attestation(room, scoped, evidence, verdict, case)


def _gone(room: Workroom, due: DueSubject, evidence: Evidence) -> bool:
    """True when no tag shows the digest and the registry denied it at two verifications: one 404 is not "gone"."""
    if due.tags or due.previous is None:
        return False
    twice = (due.previous.evidence, evidence)
    if not all(any(gap.cause is Cause.VANISHED for gap in seen.unavailable) for seen in twice):
        return False
    case = room.store.newest_case(due.repository, due.digest)
    return case is None or not acted_on(case)


def _stored_evidence(room: Workroom, due: DueSubject, scoped: ScopedPolicy) -> Collected | None:
    """The evidence of the last verdict, while nothing about the subject itself asks for a new look."""
    if due.previous is None or due.evidence_due is None or room.clock.now() >= due.evidence_due:
        return None
    evidence = due.previous.evidence
    if evidence.trust != room.policy().trust.digest:
        return None
    elsewhere = scoped.scope.signature_repositories_of(due.repository)
    if evidence.looked_in != tuple(str(place) for place in elsewhere):
        return None
    return Collected(evidence)


def _evidence_due(
    room: Workroom, scoped: ScopedPolicy, due: DueSubject, verdict: Verdict, *, reused: bool, now: datetime
) -> datetime:
    if reused and due.evidence_due is not None and verdict.state is State.PASSED:
        return due.evidence_due
    asked_again = scoped.scope.evidence_interval if verdict.state is State.PASSED else room.limits.interval
    fresh = now + asked_again
    return min(fresh, due.evidence_due) if reused and due.evidence_due is not None else fresh


@dataclass(frozen=True, slots=True)
class _Planning:
    """What is the same for every tag of one judged subject."""

    room: Workroom
    scoped: ScopedPolicy
    due: DueSubject
    verdict: Verdict
    now: datetime
    turned: str | None
    acted: Verdict
    """By the versions of the feeds that actions rest on."""
    failed_by_feed_at: datetime | None

    def stabilizing(self, tag: str) -> bool:
        """True while a feed alone makes the tag fail, and not for long enough."""
        until = self._stabilizes_at(tag)
        return until is not None and self.now < until

    @property
    def again(self) -> datetime | None:
        """When a tag that is left alone now may be acted on."""
        moments = (self._stabilizes_at(tag) for tag in self.verdict.subject.tags)
        return min((until for until in moments if until is not None and self.now < until), default=None)

    def _stabilizes_at(self, tag: str) -> datetime | None:
        window = self.room.limits.stabilization_window
        return stabilizes_at(self.verdict, tag, self.failed_by_feed_at, window)


def _plans(planning: _Planning, *, run_started: datetime) -> tuple[TagPlan, ...]:
    room, due = planning.room, planning.due
    tags = [tag for tag in planning.verdict.subject.tags if planning.scoped.scope.watches(tag)]
    if not tags:
        return ()
    case = room.store.newest_case(due.repository, due.digest)
    budget = room.store.budget(due.repository, room.caps, run_started=run_started, now=planning.now)
    if budget.recovery is not None:
        # By name alone nothing is ours; but of what may be ours nobody needs a proposal.
        tags = [tag for tag in tags if not tag.startswith(OUR_PREFIX)]
    plans: list[TagPlan] = []
    for tag in tags:
        tag_plan, budget = _plan_for(planning, case, tag, budget)
        plans.append(tag_plan)
    return tuple(plans)


def _plan_for(planning: _Planning, case: Case | None, tag: str, budget: Budget) -> tuple[TagPlan, Budget]:
    """One tag's plan, and what it leaves of the budget for the next."""
    now, verdict = planning.now, planning.verdict
    planned = plan(_case_file(planning, case, tag), verdict, planning.scoped, budget, now)
    intents: tuple[IntentDraft, ...] = ()
    if isinstance(planned, Act):
        nonce = planning.room.nonce()
        review = planning.room.review
        intents = (
            drafts.enforcing(
                planned, verdict, planning.scoped, tag, nonce=nonce, opened_at=now, review=review
            ),
        )
        budget = dataclasses.replace(
            budget, run=budget.run - 1, repository=budget.repository - 1, hour=budget.hour - 1
        )
    elif isinstance(planned, Propose) and planned.trips_breaker is not None:
        budget = dataclasses.replace(budget, breaker=Breaker(f"cap-{planned.trips_breaker}", now))
    return TagPlan(tag, planned, intents), budget


def _case_file(planning: _Planning, case: Case | None, tag: str) -> CaseFile:
    due, verdict = planning.due, planning.verdict
    state = verdict.state_at(tag)
    predecessor = _predecessor(planning, tag) if state is State.FAILED else None
    since = (due.undetermined_since or planning.now) if state is State.INDETERMINATE else None
    return CaseFile(
        tag,
        due.digest,
        case,
        predecessor,
        since,
        existing=due.existing,
        turned=planning.turned is not None,
        feed_waits=state is State.FAILED and planning.acted.state_at(tag) is not State.FAILED,
        stabilizing=planning.stabilizing(tag),
    )


def _predecessor(planning: _Planning, tag: str) -> Digest | None:
    """What the tag can go back to. A rollback goes only to what an anchor holds; any other beats an empty tag."""
    room, due = planning.room, planning.due
    only_anchored = planning.scoped.scope.action is Action.ROLLBACK
    for earlier in room.store.predecessors(due.repository, tag, due.digest):
        if (earlier.anchored or not only_anchored) and _pullable(room, due, earlier.digest):
            return earlier.digest
    return None


def _pullable(room: Workroom, due: DueSubject, digest: Digest) -> bool:
    """False when the registry says that the predecessor is gone; an outage says nothing, and ``enforce`` asks again."""
    try:
        room.registries.get(due.repository.registry).manifest(due.repository.path, digest)
    except (NotFoundError, MalformedError):
        return False
    except UnavailableError:
        return True
    return True


def _anchors(
    room: Workroom, scoped: ScopedPolicy, due: DueSubject, verdict: Verdict
) -> tuple[IntentDraft, ...]:
    """Anchor intents for the tags at which this digest passed and is not held yet."""
    scope = scoped.scope
    tags = [
        tag
        for tag in verdict.subject.tags
        if scope.watches(tag)
        and verdict.state_at(tag) is State.PASSED
        and not scope.protects(due.repository, tag)
    ]
    if scope.anchors == 0 or scope.mode is not Mode.ENFORCE or not tags:
        return ()
    case = room.store.newest_case(due.repository, due.digest)
    if case is not None and acted_on(case):
        # It passes now, but nobody has released it: nothing may be rolled back to it.
        return ()
    underway = {
        intent.draft.target_tag
        for intent in room.store.open_intents(repository=due.repository)
        if intent.draft.kind is IntentKind.ANCHOR
    }
    found = []
    for tag in tags:
        draft = drafts.anchor(due.repository, due.digest, tag, nonce=room.nonce())
        held = {digest for _, digest in room.store.anchors(due.repository, tag)}
        if due.digest not in held and draft.target_tag not in underway:
            found.append(draft)
    return tuple(found)
