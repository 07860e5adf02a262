"""What watching, judging and acting write to the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from gatekeeper.core.digest import Digest
from gatekeeper.core.lifecycle import (
    Allowance,
    Breaker,
    Budget,
    Caps,
    CapUse,
    Case,
    Hold,
    Intent,
    IntentDraft,
    IntentKind,
    IntentState,
)
from gatekeeper.core.reference import Repository
from gatekeeper.core.waiver import Waiver
from gatekeeper.ports.work import (
    DueSubject,
    Judgement,
    Lease,
    OurTag,
    Predecessor,
    Round,
    WatchedRepository,
    WorkKind,
)


class WatchStore(Protocol):
    """What ``workflow.watch`` and the scheduler need."""

    def add_repositories(self, repositories: Sequence[Repository], *, now: datetime) -> int:
        """Inserts unknown ones as due now; returns how many were new."""
        ...

    def claim(
        self,
        kind: WorkKind,
        *,
        now: datetime,
        limit: int,
        lease_for: timedelta,
        hosts: frozenset[str] | None = None,
    ) -> tuple[Lease, ...]:
        """Claims due rows (one statement, SKIP LOCKED where it exists). Highest priority and longest due first."""
        ...

    def release(
        self, lease: Lease, *, next_due: datetime, error: str | None, read_at: datetime | None = None
    ) -> None:
        """Gives a lease back without a result, due again at ``next_due``. A lost lease is silently ignored.

        ``read_at``: of a repository that is not to be read; it does not count as one that cannot be.
        """
        ...

    def renew(self, leases: Sequence[Lease], *, until: datetime) -> None:
        """Work under way takes longer than its lease. A lost lease stays lost: nothing happens to it."""
        ...

    def give_back(self, leases: Sequence[Lease]) -> None:
        """Work that was never begun is free for others at once, due as it was. Lost leases are silently ignored."""
        ...

    def repository(self, lease: Lease, *, gone_since: datetime | None = None) -> WatchedRepository:
        """The claimed row. ConflictError when the lease was lost.

        ``gone_since``: a tag missing since then at least is gone when it is missing once more; None: since any round.
        """
        ...

    def record_round(self, lease: Lease, outcome: Round, *, now: datetime) -> None:
        """Observations, due subjects, next due time; fenced by the lease. One transaction."""
        ...

    def mark_due(
        self, repository: Repository, digest: Digest, *, tag: str | None, priority: int, now: datetime
    ) -> None:
        """Makes one subject due now (an unseen digest asked for by status, a push event). Creates it if unknown."""
        ...


class VerifyStore(Protocol):
    """What ``workflow.verify`` needs."""

    def due_subject(self, lease: Lease) -> DueSubject:
        """The claimed row. ConflictError when the lease was lost."""
        ...

    def waivers(self, repository: Repository, digest: Digest) -> tuple[Waiver, ...]:
        """Every waiver and release that could concern it, expired ones too (``decide`` checks the time)."""
        ...

    def newest_case(self, repository: Repository, digest: Digest) -> Case | None:
        """The newest case of this digest in this repository."""
        ...

    def predecessors(self, repository: Repository, tag: str, digest: Digest) -> tuple[Predecessor, ...]:
        """Other digests that passed at this tag and pass now, the last that passed there first."""
        ...

    def budget(self, repository: Repository, caps: Caps, *, run_started: datetime, now: datetime) -> Budget:
        """What is left of the caps, with hold and breaker."""
        ...

    def record(self, lease: Lease | None, judgement: Judgement, *, now: datetime) -> None:
        """Evidence, verdict, sightings, cases, intents, outbox and audit rows in one transaction, fenced by the lease.

        Applies the plans: Propose and Act create or extend the case, Act adds the intents (their ``case_id`` is
        filled in), ProposeRelease and Supersede change it; a tripped breaker is opened. The caps are checked again
        inside: what would exceed them is recorded as a proposal.
        """
        ...

    def drop_subject(self, lease: Lease, *, why: str, now: datetime) -> None:
        """It turned out not to be a subject (evidence, tombstone, other artifact)."""
        ...


class IntentStore(Protocol):
    """What ``workflow.enforce`` needs."""

    def intent(self, lease: Lease) -> Intent:
        """The claimed intent. ConflictError when the lease was lost."""
        ...

    def add_intents(self, drafts: Sequence[IntentDraft], *, now: datetime) -> tuple[int, ...]:
        """Records intents that come from no verdict (promotion, unhold). One open intent per (repository, tag).

        A draft whose nonce is known already is not added again (its id is given), so that a crash between two
        calls is healed by repeating them. ConflictError when another open intent holds the (repository, tag).
        """
        ...

    def claim_intent(self, intent_id: int, *, now: datetime, lease_for: timedelta) -> Lease | None:
        """Claims one open intent, due or not; None when another holds it or it is finished."""
        ...

    def add_tags(self, lease: Lease, tags: Sequence[OurTag], *, now: datetime) -> None:
        """Records, before they are written, the tags that the claimed intent is about to write. Idempotent, fenced."""
        ...

    def drop_tags(self, lease: Lease, tags: Sequence[OurTag], *, now: datetime) -> None:
        """Forgets tags that an UNHOLD intent took away (anchors too). Idempotent, fenced."""
        ...

    def tags_of(self, nonce: str) -> tuple[OurTag, ...]:
        """What the intent with this nonce recorded by ``add_tags`` and nobody dropped, in the order of recording."""
        ...

    def advance(
        self, lease: Lease, state: IntentState, *, note: str, now: datetime, retry_at: datetime | None = None
    ) -> Intent:
        """Moves an intent on, with its audit row, case change and anchors, fenced. ``retry_at`` keeps it open."""
        ...

    def newest_attestation(self, repository: Repository, digest: Digest) -> Intent | None:
        """The ATTEST intent that was recorded last for this digest here, whatever its state."""
        ...

    def observe_own(
        self,
        repository: Repository,
        tag: str,
        *,
        before: Digest | None,
        after: Digest | None,
        now: datetime,
    ) -> None:
        """We changed a tag that others write too: known as ``before``, it is known as ``after``, and nothing falls due.

        Nothing happens when it was not known as ``before`` (None: not at all): then somebody else changed it as well.
        """
        ...

    def raw_manifest(self, digest: Digest) -> bytes | None:
        """A manifest we kept when it was judged."""
        ...

    def tags_at(self, host: str) -> tuple[tuple[str, OurTag], ...]:
        """(nonce of the intent that recorded it, tag) of everything recorded in this registry and not dropped."""
        ...

    def intents_at(self, host: str, kinds: frozenset[IntentKind]) -> tuple[Intent, ...]:
        """Every intent of these kinds about repositories of this registry, whatever its state, oldest first."""
        ...

    def anchors(self, repository: Repository, tag: str) -> tuple[tuple[str, Digest], ...]:
        """(anchor tag, digest) kept for this tag, newest first."""
        ...

    def open_intents(self, *, repository: Repository | None = None) -> tuple[Intent, ...]:
        """Everything unfinished."""
        ...

    def intent_by_id(self, intent_id: int) -> Intent:
        """NotFoundError when there is none."""
        ...

    def ours(self, repository: Repository) -> Mapping[str, Digest]:
        """Anchor, hold, quarantine and case tags that we wrote here (``add_tags``), with what each must point at."""
        ...


class BrakeStore(Protocol):
    """Hold and breaker, across restarts."""

    def hold(self) -> Hold | None:
        """The hold, if it is on."""
        ...

    def set_hold(self, hold: Hold | None, *, actor: str, reason: str, now: datetime) -> None:
        """Switches it on (a Hold) or off (None), with an audit row."""
        ...

    def recovery(self) -> Hold | None:
        """Set while the registry shows more than this database knows."""
        ...

    def set_recovery(self, recovery: Hold | None, *, actor: str, reason: str, now: datetime) -> None:
        """Switches it on (a Hold) or off (None), with an audit row."""
        ...

    def breaker(self) -> Breaker | None:
        """The breaker, if it is open."""
        ...

    def cap_uses(self, caps: Caps, *, now: datetime) -> Sequence[CapUse]:
        """How much of the caps per hour and per repository is used."""
        ...

    def allowance(self, intent_id: int, caps: Caps, *, now: datetime) -> Allowance:
        """Whether an act may go on: not while the breaker is open, nor beyond the caps, older acts counted first.

        What was planned before somebody closed the breaker may.
        """
        ...

    def trip_breaker(self, cap: str, *, now: datetime) -> None:
        """Opens it because a cap was used up. Nothing happens when it is open already."""
        ...

    def close_breaker(self, *, actor: str, reason: str, now: datetime) -> None:
        """ConflictError when it is not open."""
        ...
