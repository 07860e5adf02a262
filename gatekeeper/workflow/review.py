"""``review``: what a person decides about a case: release, keep or restore."""

from __future__ import annotations

from datetime import datetime

from gatekeeper.core.errors import ConflictError, MalformedError
from gatekeeper.core.lifecycle import ENFORCING, Case, CaseState, Decision, Intent, IntentDraft, IntentState
from gatekeeper.core.waiver import Waiver
from gatekeeper.ports import CaseRow
from gatekeeper.workflow import drafts, graveyard
from gatekeeper.workflow.waive import refuse_past
from gatekeeper.workflow.workroom import Workroom

_ALLOWED = {
    Decision.RELEASE: frozenset({CaseState.PROPOSED, CaseState.OPEN, CaseState.KEPT}),
    Decision.KEEP: frozenset({CaseState.PROPOSED, CaseState.OPEN}),
    Decision.RESTORE: frozenset({CaseState.OPEN, CaseState.KEPT}),
}
_BECOMES = {
    Decision.RELEASE: CaseState.RELEASED,
    Decision.KEEP: CaseState.KEPT,
    Decision.RESTORE: CaseState.RESTORED,
}


def review(
    room: Workroom,
    case_id: str,
    decision: Decision,
    *,
    actor: str,
    reason: str,
    expires_at: datetime | None = None,
) -> Case:
    """Decides a case. The tags are put back by intents that the daemon carries out.

    A release accepts exactly the findings shown, until ``expires_at`` if that is given; then they come back as a
    proposal. A restore accepts nothing. Raises NotFoundError for an unknown case,
    ConflictError when the case does not allow this decision or another reviewer was faster, MalformedError for an
    empty reason.
    """
    said = reason.strip()
    if not said:
        raise MalformedError("say why: the reason must not be empty", reason_code="reason-missing")
    if expires_at is not None:
        if decision is not Decision.RELEASE:
            raise MalformedError(
                f"only a release ends; to {decision} has none", reason_code="expiry-not-possible"
            )
        refuse_past(expires_at, room.clock.now())
    row = room.store.case(case_id)
    case = row.case
    if case.state not in _ALLOWED[decision]:
        raise ConflictError(
            f"case {case.id} is {case.state}: {decision} is not possible any more"
            if case.state.closed
            else f"case {case.id} is {case.state}: there is nothing to {decision}",
            reason_code=f"case-{case.state}",
        )
    if decision is Decision.RESTORE and case.why_proposed is not None:
        raise ConflictError(
            f"case {case.id} is only a proposal: nothing was done that could be restored",
            reason_code="case-proposed",
        )
    puts_back = decision is not Decision.KEEP
    return room.store.review(
        case,
        _BECOMES[decision],
        actor=actor,
        reason=said,
        waiver=_release_waiver(room, case, actor, said, expires_at) if decision is Decision.RELEASE else None,
        intents=_restores(row, actor, said) if puts_back else (),
        now=room.clock.now(),
    )


def _release_waiver(
    room: Workroom, case: Case, actor: str, reason: str, expires_at: datetime | None
) -> Waiver:
    return Waiver(
        id=f"release-{case.id}-{room.nonce()}",
        rule=None,
        fingerprints=case.fingerprints,
        digest=case.digest,
        repository_glob=str(case.repository),
        reason=reason,
        owner=actor,
        approver=actor,
        expires_at=expires_at,
    )


def _restores(row: CaseRow, actor: str, reason: str) -> tuple[IntentDraft, ...]:
    """One RESTORE for every tag that we replaced. An intent still open undoes itself: it sees the case closed."""
    newest: dict[str, Intent] = {}
    for intent in row.intents:
        tag = intent.draft.tag
        if tag is None or intent.draft.kind not in ENFORCING or intent.state is not IntentState.CONFIRMED:
            continue
        if tag not in newest or newest[tag].id < intent.id:
            newest[tag] = intent
    return tuple(
        drafts.restore(intent.draft, graveyard.shown_by(intent.draft), actor=actor, reason=reason)
        for _, intent in sorted(newest.items())
    )
