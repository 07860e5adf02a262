"""One claimed intent while it is carried out, and what a step says about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import NotFoundError
from gatekeeper.core.lifecycle import CaseState, Intent, IntentDraft, IntentState
from gatekeeper.core.reference import Repository
from gatekeeper.ports import Lease, Registry
from gatekeeper.workflow import drafts
from gatekeeper.workflow.workroom import Workroom

MOVED_PRIORITY = 50
"""A tag that moved under our hands is judged before the sweeps."""
MISSING_ONCE = "the tag answered 404; it is asked for once more before it counts as gone"


@dataclass(frozen=True, slots=True)
class Step:
    """Where an intent goes next. With ``retry_after`` it stays open and is claimed again then."""

    state: IntentState
    note: str
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed intent. ``guard`` is called before every single registry write and raises where it may not be done."""

    room: Workroom
    lease: Lease
    intent: Intent
    guard: Callable[[], None]

    @property
    def draft(self) -> IntentDraft:
        """What is to be done."""
        return self.intent.draft

    @property
    def source(self) -> Registry:
        """The registry of the judged digest."""
        return self.registry_of(self.draft.repository)

    @property
    def path(self) -> str:
        """The repository of the judged digest, as its registry knows it."""
        return self.draft.repository.path

    def registry_of(self, repository: Repository) -> Registry:
        """Raises ConfigurationError when the host is not configured any more."""
        return self.room.registries.get(repository.registry)

    def stay(self, note: str, *, after: timedelta | None = None) -> Step:
        """Remains in its state and is claimed again later: later still with every attempt."""
        wait = after if after is not None else self.room.limits.retry_after(self.intent.attempts)
        return Step(self.intent.state, note, wait)

    def reviewed_away(self) -> bool:
        """True when a person released or restored the case meanwhile."""
        if self.draft.case_id is None:
            return False
        try:
            case = self.room.store.case(self.draft.case_id).case
        except NotFoundError:
            return False
        return case.state in (CaseState.RELEASED, CaseState.RESTORED)

    def finish(self, state: IntentState, note: str) -> Step:
        """Ends an intent whose holds hold nothing any more. The UNHOLD is recorded first: a crash cannot lose it."""
        if self.room.store.tags_of(self.draft.nonce):
            draft = drafts.unhold(self.draft, self.draft.nonce, reason=f"intent-{state}")
            self.room.store.add_intents((draft,), now=self.room.clock.now())
        return Step(state, note)

    def superseded(self, pointed: Digest, note: str) -> Step:
        """Somebody else moved the tag: theirs stays, and what they pushed is judged next."""
        draft = self.draft
        self.room.store.mark_due(
            draft.repository, pointed, tag=draft.tag, priority=MOVED_PRIORITY, now=self.room.clock.now()
        )
        return self.finish(IntentState.SUPERSEDED, note)


def pointed_at(registry: Registry, path: str, tag: str) -> Digest | None:
    """What a tag points at now; None when the registry says that it is not there."""
    try:
        return registry.resolve(path, tag).digest
    except NotFoundError:
        return None
