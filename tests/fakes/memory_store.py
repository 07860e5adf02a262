"""``ports.Store`` in memory: one process, no transactions, the same answers as the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import ConflictError
from gatekeeper.core.lifecycle import (
    ENFORCING,
    Breaker,
    Budget,
    Caps,
    Case,
    CaseState,
    Hold,
    Intent,
    IntentDraft,
    IntentKind,
    IntentState,
)
from gatekeeper.core.plan import Act, Propose, Supersede
from gatekeeper.core.reference import Repository
from gatekeeper.core.verdict import State, Verdict
from gatekeeper.core.waiver import Waiver
from gatekeeper.ports import (
    DueSubject,
    Judgement,
    Lease,
    OurTag,
    RecordedVerdict,
    Round,
    WatchedRepository,
    WorkKind,
)
from tests.fakes.memory_reading import MemoryReading
from tests.fakes.memory_rows import IntentRow, Leased, RepositoryRow, SubjectRow

HOUR = timedelta(hours=1)


class MemoryStore(MemoryReading):
    """What the daemon writes; see ``MemoryReading`` for the rest."""

    # watching

    def add_repositories(self, repositories: Sequence[Repository], *, now: datetime) -> int:
        known = {row.repository for row in self.tables.repositories.values()}
        new = [repository for repository in repositories if repository not in known]
        for repository in new:
            row = RepositoryRow(self.new_id(), now, repository=repository)
            self.tables.repositories[row.id] = row
        return len(new)

    def claim(
        self,
        kind: WorkKind,
        *,
        now: datetime,
        limit: int,
        lease_for: timedelta,
        hosts: frozenset[str] | None = None,
    ) -> tuple[Lease, ...]:
        with self.lock:
            due = [
                row
                for row in self._rows(kind)
                if row.due is not None
                and row.due <= now
                and (row.until is None or row.until <= now)
                and (hosts is None or self._host(row) in hosts)
            ]
            due.sort(key=lambda row: (-row.priority, row.due, row.id))
            return tuple(self._lease(kind, row, now + lease_for) for row in due[:limit])

    def _lease(self, kind: WorkKind, row: Leased, until: datetime) -> Lease:
        row.token += 1
        row.until = until
        return Lease(kind, row.id, row.token, until, self._host(row))

    def _rows(self, kind: WorkKind) -> Iterator[Leased]:
        tables: Mapping[WorkKind, Mapping[int, Leased]] = {
            WorkKind.REPOSITORY: self.tables.repositories,
            WorkKind.SUBJECT: self.tables.subjects,
            WorkKind.INTENT: self.tables.intents,
        }
        yield from tables[kind].values()

    def _held(self, lease: Lease) -> Leased:
        for row in self._rows(lease.kind):
            if row.id == lease.id and row.token == lease.token:
                return row
        raise ConflictError("the lease was lost", reason_code="lease-lost")

    @staticmethod
    def _host(row: Leased) -> str:
        if isinstance(row, IntentRow):
            return row.draft.repository.registry
        assert isinstance(row, RepositoryRow | SubjectRow)
        return row.repository.registry

    def release(self, lease: Lease, *, next_due: datetime, error: str | None) -> None:
        with self.lock:
            for row in self._rows(lease.kind):
                if row.id == lease.id and row.token == lease.token:
                    row.until, row.due, row.error = None, next_due, error

    def repository(self, lease: Lease) -> WatchedRepository:
        row = self._held(lease)
        assert isinstance(row, RepositoryRow)
        return WatchedRepository(row.id, row.repository, row.interval, dict(row.tags), frozenset(row.missing))

    def record_round(self, lease: Lease, outcome: Round, *, now: datetime) -> None:
        with self.lock:
            row = self._held(lease)
            assert isinstance(row, RepositoryRow)
            for tag, digest in outcome.moved.items():
                self._unpoint(row, tag)
                row.tags[tag] = digest
                row.seen.insert(0, (tag, digest, now))
                subject = self.subject_row(row.repository, digest)
                if subject is None and digest in outcome.subjects:
                    subject = self._add_subject(row.repository, digest, now)
                if subject is not None:
                    subject.tags.add(tag)
                    subject.due = now
            for tag in outcome.gone:
                self._unpoint(row, tag)
                row.tags.pop(tag, None)
            row.missing = set(outcome.missing)
            row.ignored |= outcome.ignored
            for digest in outcome.touched:
                subject = self.subject_row(row.repository, digest)
                if subject is not None:
                    subject.due = subject.evidence_due = now
            row.interval, row.due, row.until, row.error = outcome.interval, outcome.next_due, None, None
            self.changed()

    def _unpoint(self, row: RepositoryRow, tag: str) -> None:
        subject = self.subject_row(row.repository, row.tags[tag]) if tag in row.tags else None
        if subject is not None:
            subject.tags.discard(tag)

    def _add_subject(self, repository: Repository, digest: Digest, now: datetime) -> SubjectRow:
        row = SubjectRow(self.new_id(), now, repository=repository, digest=digest, first_seen=now)
        self.tables.subjects[row.id] = row
        return row

    def mark_due(
        self, repository: Repository, digest: Digest, *, tag: str | None, priority: int, now: datetime
    ) -> None:
        with self.lock:
            row = self.subject_row(repository, digest) or self._add_subject(repository, digest, now)
            row.due, row.priority = now, max(row.priority, priority)
            for watched in self.tables.repositories.values():
                if tag is not None and watched.repository == repository:
                    self._unpoint(watched, tag)
                    watched.tags[tag] = digest
            row.tags |= {tag} if tag is not None else set()
            self.changed()

    def mark_policy(self, revision: str, *, now: datetime) -> int:
        with self.lock:
            stale = [
                row
                for row in self.tables.subjects.values()
                if row.previous is not None and row.previous.verdict.policy_revision != revision
            ]
            for row in stale:
                row.due = now
            return len(stale)

    # verifying

    def due_subject(self, lease: Lease) -> DueSubject:
        row = self._held(lease)
        assert isinstance(row, SubjectRow)
        return DueSubject(
            row.id,
            row.repository,
            row.digest,
            tuple(sorted(row.tags)),
            row.first_seen,
            row.previous,
            row.undetermined_since,
            row.evidence_due,
        )

    def waivers(self, repository: Repository, digest: Digest) -> tuple[Waiver, ...]:
        return tuple(waiver for waiver in self.tables.waivers if waiver.digest in (None, digest))

    def newest_case(self, repository: Repository, digest: Digest) -> Case | None:
        found = [
            case
            for case in self.tables.cases.values()
            if (case.repository, case.digest) == (repository, digest)
        ]
        return found[-1] if found else None

    def predecessor(self, repository: Repository, tag: str, digest: Digest) -> tuple[Digest | None, bool]:
        anchored = [found for _, found in self.anchors(repository, tag) if found != digest]
        return (anchored[0] if anchored else None, bool(anchored))

    def budget(self, repository: Repository, caps: Caps, *, run_started: datetime, now: datetime) -> Budget:
        acts = [row for row in self.tables.intents.values() if row.draft.kind in ENFORCING]
        lately = [row for row in acts if row.created > now - HOUR]
        here = [row for row in lately if row.draft.repository == repository]
        return Budget(
            run=caps.per_run - sum(row.created >= run_started for row in acts),
            repository=caps.per_repository - len(here),
            hour=caps.per_hour - len(lately),
            hold=self.tables.hold,
            breaker=self.tables.breaker,
        )

    def record(self, lease: Lease | None, judgement: Judgement, *, now: datetime) -> None:
        with self.lock:
            row = self.tables.subjects[judgement.subject_id]
            if lease is not None:
                self._held(lease)
            verdict = judgement.verdict
            row.previous = RecordedVerdict(self.new_id(), verdict, judgement.evidence)
            row.evidence_due = judgement.evidence_due
            row.due, row.priority, row.until = min(verdict.recheck_at, judgement.evidence_due), 0, None
            indeterminate = verdict.state is State.INDETERMINATE
            row.undetermined_since = (row.undetermined_since or now) if indeterminate else None
            self.tables.raw.update(judgement.raw_manifests)
            for planned in judgement.plans:
                self._apply(planned.tag, planned.plan, planned.intents, verdict, now)
            self.add_intents(judgement.anchors, now=now)
            self.audit("verdict-recorded", str(row.digest), verdict.reason_code, now)

    def _apply(
        self, tag: str, plan: object, intents: Sequence[IntentDraft], verdict: Verdict, now: datetime
    ) -> None:
        match plan:
            case Propose():
                self._case(tag, plan, verdict, CaseState.PROPOSED, plan.why, now)
                if plan.trips_breaker is not None and self.tables.breaker is None:
                    self.tables.breaker = Breaker(f"cap-{plan.trips_breaker}", now)
                    self.audit("breaker-opened", "", plan.trips_breaker, now)
            case Act():
                case = self._case(tag, plan, verdict, CaseState.OPEN, None, now)
                self.add_intents([replace(draft, case_id=case.id) for draft in intents], now=now)
            case Supersede():
                self._move_case(plan.case_id, CaseState.SUPERSEDED, now)

    def _case(
        self,
        tag: str,
        plan: Propose | Act,
        verdict: Verdict,
        state: CaseState,
        why: str | None,
        now: datetime,
    ) -> Case:
        subject = verdict.subject
        shown = frozenset(finding.fingerprint for finding in verdict.violations_at(tag))
        current = self.newest_case(subject.repository, subject.digest)
        if current is not None and current.state in (CaseState.PROPOSED, state):
            case = replace(
                current,
                state=state,
                why_proposed=why,
                tags=tuple(sorted({*current.tags, tag})),
                fingerprints=current.fingerprints | shown,
                updated_at=now,
            )
        else:
            case = Case(
                f"case-{self.new_id()}",
                subject.repository,
                subject.digest,
                (tag,),
                state,
                plan.action,
                verdict.reason_at(tag),
                why,
                shown,
                now,
                now,
            )
        self.tables.cases[case.id] = case
        self.audit(f"case-{case.state}", case.id, case.reason_code, now)
        return case

    def drop_subject(self, lease: Lease, *, why: str, now: datetime) -> None:
        with self.lock:
            self._held(lease)
            del self.tables.subjects[lease.id]
            self.audit("subject-dropped", str(lease.id), why, now)

    # intents

    def add_intents(self, drafts: Sequence[IntentDraft], *, now: datetime) -> tuple[int, ...]:
        ids = []
        with self.lock:
            for draft in drafts:
                rows = self.tables.intents.values()
                known = [row.id for row in rows if row.draft.nonce == draft.nonce]
                if not known and draft.tag is not None and draft.kind is not IntentKind.ANCHOR:
                    self._refuse_second(draft)
                if not known:
                    row = IntentRow(self.new_id(), now, draft=draft, created=now, updated=now)
                    self.tables.intents[row.id] = row
                    known = [row.id]
                    self.audit("intent-planned", str(row.id), draft.reason, now)
                ids.append(known[0])
        return tuple(ids)

    def _refuse_second(self, draft: IntentDraft) -> None:
        for row in self.tables.intents.values():
            same = (row.draft.repository, row.draft.tag) == (draft.repository, draft.tag)
            if same and row.state.open and row.draft.kind is not IntentKind.ANCHOR:
                raise ConflictError("another intent is open at this tag", reason_code="intent-open")

    def claim_intent(self, intent_id: int, *, now: datetime, lease_for: timedelta) -> Lease | None:
        with self.lock:
            row = self.tables.intents[intent_id]
            if not row.state.open or (row.until is not None and row.until > now):
                return None
            return self._lease(WorkKind.INTENT, row, now + lease_for)

    def intent(self, lease: Lease) -> Intent:
        row = self._held(lease)
        assert isinstance(row, IntentRow)
        return self.intent_of(row)

    def advance(
        self,
        lease: Lease,
        state: IntentState,
        *,
        note: str,
        now: datetime,
        retry_at: datetime | None = None,
    ) -> Intent:
        with self.lock:
            row = self._held(lease)
            assert isinstance(row, IntentRow)
            row.state, row.note, row.updated = state, note, now
            if retry_at is not None:
                row.attempts, row.due, row.until = row.attempts + 1, retry_at, None
            if not state.open:
                row.due = row.until = None
                self._settle_case(row, now)
            if state is IntentState.CONFIRMED and row.draft.kind is IntentKind.ANCHOR:
                draft = row.draft
                assert draft.tag is not None
                assert draft.target_tag is not None
                self.tables.anchors.append((draft.repository, draft.tag, draft.target_tag, draft.digest))
            self.audit(f"intent-{state}", str(row.id), note, now)
            return self.intent_of(row)

    def _settle_case(self, row: IntentRow, now: datetime) -> None:
        case_id = row.draft.case_id
        if row.state is IntentState.CONFIRMED or row.draft.kind not in ENFORCING or case_id is None:
            return
        others = [
            other.state.open or other.state is IntentState.CONFIRMED
            for other in self.tables.intents.values()
            if other.draft.case_id == case_id and other.draft.kind in ENFORCING and other is not row
        ]
        if self.tables.cases[case_id].state is CaseState.OPEN and not any(others):
            self._move_case(case_id, CaseState.SUPERSEDED, now)

    def _move_case(self, case_id: str, state: CaseState, now: datetime) -> None:
        self.tables.cases[case_id] = replace(self.tables.cases[case_id], state=state, updated_at=now)
        self.audit(f"case-{state}", case_id, "", now)

    def add_tags(self, lease: Lease, tags: Sequence[OurTag], *, now: datetime) -> None:
        with self.lock:
            nonce = self.intent(lease).draft.nonce
            self.tables.our_tags += [(nonce, tag) for tag in tags if (nonce, tag) not in self.tables.our_tags]

    def drop_tags(self, lease: Lease, tags: Sequence[OurTag], *, now: datetime) -> None:
        with self.lock:
            self._held(lease)
            self.tables.our_tags = [entry for entry in self.tables.our_tags if entry[1] not in tags]
            names = {(tag.repository, tag.tag) for tag in tags}
            self.tables.anchors = [
                entry for entry in self.tables.anchors if (entry[0], entry[2]) not in names
            ]

    # reviewing

    def set_hold(self, hold: Hold | None, *, actor: str, reason: str, now: datetime) -> None:
        self.tables.hold = hold
        self.audit("hold-off" if hold is None else "hold-on", "", reason, now, actor=actor)

    def close_breaker(self, *, actor: str, reason: str, now: datetime) -> None:
        if self.tables.breaker is None:
            raise ConflictError("the breaker is not open", reason_code="breaker-closed")
        self.tables.breaker = None
        self.audit("breaker-closed", "", reason, now, actor=actor)

    def review(
        self,
        case: Case,
        state: CaseState,
        *,
        actor: str,
        reason: str,
        waiver: Waiver | None,
        intents: Sequence[IntentDraft],
        now: datetime,
    ) -> Case:
        with self.lock:
            if self.tables.cases[case.id].state is not case.state:
                raise ConflictError("another reviewer was faster", reason_code="case-changed")
            self.tables.cases[case.id] = replace(case, state=state, updated_at=now)
            self.tables.waivers += [waiver] if waiver is not None else []
            self.add_intents(intents, now=now)
            row = self.subject_row(case.repository, case.digest)
            if row is not None:
                row.due = now
            self.audit(f"case-{state}", case.id, reason, now, actor=actor)
            return self.tables.cases[case.id]

    def add_case(
        self, case: Case, intents: Sequence[IntentDraft], *, actor: str, reason: str, now: datetime
    ) -> None:
        with self.lock:
            if case.id not in self.tables.cases:
                self.tables.cases[case.id] = case
                self.add_intents(intents, now=now)
                self.audit("case-opened", case.id, reason, now, actor=actor)
