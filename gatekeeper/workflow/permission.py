"""What must hold before every registry write of an intent: no hold, no brake, a policy that still wants it, a verdict
that still fails. What was decided when it was planned may have been decided otherwise since.
"""

from __future__ import annotations

from gatekeeper.core.errors import DeniedError
from gatekeeper.core.lifecycle import ENFORCING, IntentKind, IntentState
from gatekeeper.core.policy import Mode
from gatekeeper.core.verdict import State
from gatekeeper.workflow import drafts, graveyard, promotion
from gatekeeper.workflow.hold import check_brakes, check_hold
from gatekeeper.workflow.work import Step, Work, pointed_at

_OF_THE_POLICY = frozenset({*ENFORCING, IntentKind.ANCHOR, IntentKind.ATTEST})


class UnwantedError(DeniedError):
    """An intent was forbidden while it was under way: ``step`` is where it goes instead."""

    def __init__(self, step: Step) -> None:
        super().__init__(step.note, reason_code="intent-unwanted")
        self.step = step


def check(work: Work) -> None:
    """Raises HeldError (it waits) or UnwantedError (it ends) unless the next write may be done."""
    check_hold(work.room.store)
    step = unwanted(work)
    if step is not None:
        raise UnwantedError(step)
    if enforces_now(work):
        check_brakes(work.room, work.intent)


def enforces_now(work: Work) -> bool:
    """True while it takes a tag away from an image: what a person decided meanwhile is put back, whatever is braked."""
    before_the_tag = work.intent.state in (IntentState.PLANNED, IntentState.COPIED)
    return work.draft.kind in ENFORCING and before_the_tag and not work.reviewed_away()


def unwanted(work: Work) -> Step | None:
    """Where an intent goes that nobody wants any more; None while it is wanted. What was written is confirmed."""
    if work.intent.state is IntentState.WRITTEN:
        return None
    if work.draft.kind is IntentKind.PROMOTE:
        return _promotion(work)
    if drafts.ORDERED in work.draft.annotations or work.draft.kind is IntentKind.RESTORE:
        return None
    if not _policy_enforces(work):
        return _forbidden(work)
    if enforces_now(work) and _passes(work) and not _shows_ours(work):
        return work.finish(IntentState.ABANDONED, "the image passes now; the tag was left as it is")
    return None


def _promotion(work: Work) -> Step | None:
    draft = work.draft
    assert draft.target is not None
    try:
        promotion.refuse_foreign_target(work.room, draft.repository, draft.target, draft.target_tag)
    except DeniedError as error:
        return Step(IntentState.ABANDONED, f"not promoted: {error.message}")
    return None


def _policy_enforces(work: Work) -> bool:
    draft = work.draft
    scoped = work.room.policy().resolve(draft.repository)
    return (
        scoped is not None
        and scoped.scope.mode is Mode.ENFORCE
        and not scoped.scope.protects(draft.repository, draft.tag or "")
    )


def _forbidden(work: Work) -> Step:
    """The policy in force may forbid what an older one planned: ``observe`` and ``protected`` hold at once."""
    draft = work.draft
    if draft.kind not in _OF_THE_POLICY:
        return work.stay(
            "our tags stay while the policy does not enforce here", after=work.room.limits.back_off_max
        )
    if draft.kind in ENFORCING and _shows_ours(work):
        # It was written before: the case must stay, else nobody could put the tag back.
        return Step(IntentState.WRITTEN, f"{draft.tag} shows what was put there already")
    return work.finish(
        IntentState.ABANDONED, "the policy does not enforce here any more; the tag was left as it is"
    )


def _passes(work: Work) -> bool:
    """True when nothing that was recorded since speaks against the image at this tag."""
    draft = work.draft
    row = work.room.store.status(draft.repository, draft.digest, now=work.room.clock.now())
    return row is not None and row.verdict is not None and row.verdict.state_at(draft.tag) is State.PASSED


def _shows_ours(work: Work) -> bool:
    draft = work.draft
    assert draft.tag is not None
    return pointed_at(work.source, work.path, draft.tag) == graveyard.shown_by(draft)
