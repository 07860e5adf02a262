"""The read side of the store in memory, with audit trail and tokens."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import RLock

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import NotFoundError
from gatekeeper.core.lifecycle import ENFORCING, Breaker, Case, CaseState, Hold, Intent, IntentState
from gatekeeper.core.policy import matches_any
from gatekeeper.core.reference import Repository
from gatekeeper.core.tombstone import tombstone
from gatekeeper.ports import (
    ApiToken,
    AuditHead,
    AuditRow,
    CaseRow,
    OurTag,
    Page,
    StatusRow,
)
from tests.fakes.memory_rows import IntentRow, SubjectRow, Tables


class MemoryReading:
    """What is only read, and what every write needs."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.lock = RLock()

    def close(self) -> None:
        """Nothing is open."""

    def new_id(self) -> int:
        self.tables.next_id += 1
        return self.tables.next_id

    def changed(self) -> None:
        self.tables.changes += 1

    def subject_row(self, repository: Repository, digest: Digest) -> SubjectRow | None:
        for row in self.tables.subjects.values():
            if (row.repository, row.digest) == (repository, digest):
                return row
        return None

    @staticmethod
    def intent_of(row: IntentRow) -> Intent:
        return Intent(row.id, row.draft, row.state, row.note, row.attempts, row.created, row.updated)

    # intents

    def raw_manifest(self, digest: Digest) -> bytes | None:
        return self.tables.raw.get(digest)

    def anchors(self, repository: Repository, tag: str) -> tuple[tuple[str, Digest], ...]:
        return tuple(
            (anchor, digest)
            for where, at, anchor, digest in reversed(self.tables.anchors)
            if (where, at) == (repository, tag)
        )

    def open_intents(self, *, repository: Repository | None = None) -> tuple[Intent, ...]:
        return tuple(
            self.intent_of(row)
            for row in self.tables.intents.values()
            if row.state.open and repository in (None, row.draft.repository)
        )

    def intent_by_id(self, intent_id: int) -> Intent:
        if intent_id not in self.tables.intents:
            raise NotFoundError(f"no intent {intent_id}", reason_code="intent-unknown")
        return self.intent_of(self.tables.intents[intent_id])

    def ours(self, repository: Repository) -> Mapping[str, Digest]:
        return {tag.tag: tag.digest for _, tag in self.tables.our_tags if tag.repository == repository}

    def tags_of(self, nonce: str) -> tuple[OurTag, ...]:
        return tuple(tag for owner, tag in self.tables.our_tags if owner == nonce)

    def hold(self) -> Hold | None:
        return self.tables.hold

    def breaker(self) -> Breaker | None:
        return self.tables.breaker

    # cases

    def cases(
        self, *, states: frozenset[CaseState], repositories: tuple[str, ...], page: Page
    ) -> tuple[Sequence[Case], str | None]:
        found = [
            case
            for case in reversed(self.tables.cases.values())
            if case.state in states and matches_any(repositories, str(case.repository))
        ]
        return found[: page.limit], None

    def case(self, case_id: str) -> CaseRow:
        case = self.tables.cases.get(case_id)
        if case is None:
            raise NotFoundError(f"no case {case_id}", reason_code="case-unknown")
        subject = self.subject_row(case.repository, case.digest)
        verdict = subject.previous.verdict if subject is not None and subject.previous is not None else None
        intents = tuple(
            self.intent_of(row) for row in self.tables.intents.values() if row.draft.case_id == case_id
        )
        return CaseRow(
            case, verdict, intents, tuple(row for row in self.tables.audit if row.subject == case_id)
        )

    # status

    def status(self, repository: Repository, digest: Digest, *, now: datetime) -> StatusRow | None:
        row = self.subject_row(repository, digest)
        if row is None:
            return None
        cases = [
            case
            for case in self.tables.cases.values()
            if (case.repository, case.digest) == (repository, digest)
        ]
        return StatusRow(
            repository,
            digest,
            tuple(sorted(row.tags)),
            row.first_seen,
            row.due is not None and row.due <= now,
            row.previous.verdict if row.previous is not None else None,
            cases[-1] if cases else None,
            str(self.tables.changes),
        )

    def observed(self, repository: Repository, tag: str) -> tuple[tuple[Digest, datetime], ...]:
        for row in self.tables.repositories.values():
            if row.repository == repository:
                return tuple((digest, at) for seen, digest, at in row.seen if seen == tag)
        return ()

    def tombstoned(self, repository: Repository, tag: str, pointed: Digest) -> Digest | None:
        for row in reversed(self.tables.intents.values()):
            draft = row.draft
            if draft.kind not in ENFORCING or (draft.repository, draft.tag) != (repository, tag):
                continue
            if row.state in (IntentState.COPIED, IntentState.WRITTEN, IntentState.CONFIRMED):
                shown = draft.replacement or Digest.of(tombstone(draft))
                if shown == pointed and draft.case_id is not None:
                    state = self.tables.cases[draft.case_id].state
                    return draft.digest if not state.closed else None
        return None

    def images(
        self, *, repositories: tuple[str, ...], state: str | None, page: Page
    ) -> tuple[Sequence[StatusRow], str | None]:
        now = max((row.at for row in self.tables.audit), default=datetime.max.replace(tzinfo=UTC))
        rows = [
            self.status(row.repository, row.digest, now=now)
            for row in self.tables.subjects.values()
            if matches_any(repositories, str(row.repository))
        ]
        found = [
            row
            for row in rows
            if row is not None and (state is None or (row.verdict is not None and row.verdict.state == state))
        ]
        return found[: page.limit], None

    def change_counter(self) -> int:
        return self.tables.changes

    def counts(self) -> Mapping[str, int]:
        found: Counter[str] = Counter()
        found.update(f"intent-{row.state}" for row in self.tables.intents.values())
        found.update(f"case-{case.state}" for case in self.tables.cases.values())
        found["subjects"] = len(self.tables.subjects)
        found["repositories"] = len(self.tables.repositories)
        found["audit"] = len(self.tables.audit)
        return found

    # audit

    def audit(
        self, action: str, subject: str, reason: str, now: datetime, *, actor: str = "gatekeeper"
    ) -> None:
        self.append(actor=actor, action=action, subject=subject, reason=reason, detail={}, now=now)

    def head(self) -> AuditHead:
        if not self.tables.audit:
            return AuditHead(0, "0" * 64)
        last = self.tables.audit[-1]
        return AuditHead(last.seq, last.hash)

    def rows(self, *, after: int, limit: int) -> Sequence[AuditRow]:
        return self.tables.audit[after : after + limit]

    def broken_at(self) -> str | None:
        return None

    def append(
        self,
        *,
        actor: str,
        action: str,
        subject: str,
        reason: str,
        detail: Mapping[str, str],
        now: datetime,
    ) -> AuditHead:
        with self.lock:
            previous = self.head()
            digest = hashlib.sha256(f"{previous}{actor}{action}{subject}{reason}".encode()).hexdigest()
            self.tables.audit.append(
                AuditRow(previous.seq + 1, now, actor, action, subject, reason, detail, previous.hash, digest)
            )
            self.changed()
            return self.head()

    # tokens

    def add_token(self, token: ApiToken, secret_hash: bytes) -> None:
        self.tables.tokens[token.id] = (token, secret_hash)

    def token(self, token_id: str) -> tuple[ApiToken, bytes] | None:
        return self.tables.tokens.get(token_id)

    def tokens(self) -> Sequence[ApiToken]:
        return [token for token, _ in reversed(self.tables.tokens.values())]

    def revoke_token(self, token_id: str, *, actor: str, now: datetime) -> None:
        if token_id not in self.tables.tokens:
            raise NotFoundError(f"no token {token_id}", reason_code="token-unknown")
        token, secret_hash = self.tables.tokens[token_id]
        self.tables.tokens[token_id] = (replace(token, revoked_at=now), secret_hash)
