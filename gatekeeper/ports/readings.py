"""What reviewing and asking read from the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Evidence
from gatekeeper.core.lifecycle import Case, CaseState, Intent, IntentDraft
from gatekeeper.core.reference import Repository
from gatekeeper.core.verdict import Verdict
from gatekeeper.core.waiver import Waiver
from gatekeeper.ports.audit import AuditRow
from gatekeeper.ports.work import Page


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case with what a reviewer has to see."""

    case: Case
    verdict: Verdict | None
    intents: tuple[Intent, ...]
    history: tuple[AuditRow, ...]


class ReviewStore(Protocol):
    """What ``workflow.review`` needs."""

    def cases(
        self, *, states: frozenset[CaseState], repositories: tuple[str, ...], page: Page
    ) -> tuple[Sequence[Case], str | None]:
        """Cases, newest first, and the cursor of the next page."""
        ...

    def case(self, case_id: str) -> CaseRow:
        """NotFoundError when there is none."""
        ...

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
        """Decides a case in one transaction; ConflictError when it is no longer in ``case.state``."""
        ...

    def add_case(
        self, case: Case, intents: Sequence[IntentDraft], *, actor: str, reason: str, now: datetime
    ) -> None:
        """A case found in the registry alone (recovery). Nothing happens when it is known."""
        ...


@dataclass(frozen=True, slots=True)
class StatusRow:
    """What is recorded about one digest in one repository."""

    repository: Repository
    digest: Digest
    tags: tuple[str, ...]
    first_seen: datetime
    due: bool
    """True when something happened that asks for a new judgement; a routine look for new evidence is no such thing."""
    verdict: Verdict | None
    case: Case | None
    version: str
    """Changes whenever anything in this row does: the ETag."""


class StatusStore(Protocol):
    """The read side."""

    def status(self, repository: Repository, digest: Digest, *, now: datetime) -> StatusRow | None:
        """One query. None for a digest never seen in this repository."""
        ...

    def evidence(self, digest: Digest) -> Evidence | None:
        """The evidence that a verdict rests on (``Verdict.evidence``); None when it is not kept."""
        ...

    def observed(self, repository: Repository, tag: str) -> tuple[tuple[Digest, datetime], ...]:
        """What the tag pointed at, newest first."""
        ...

    def tombstoned(self, repository: Repository, tag: str, pointed: Digest) -> Digest | None:
        """The original digest, when ``pointed`` is a tombstone that we wrote at this tag."""
        ...

    def images(
        self, *, repositories: tuple[str, ...], state: str | None, page: Page
    ) -> tuple[Sequence[StatusRow], str | None]:
        """Subjects with their newest verdict."""
        ...

    def change_counter(self) -> int:
        """Rises with every write that could change an answer; polled by caches of other processes."""
        ...

    def counts(self) -> Mapping[str, int]:
        """For metrics: subjects by state, cases by state, intents by state, repositories, audit rows."""
        ...
