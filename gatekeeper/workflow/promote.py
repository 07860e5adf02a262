"""``promote``: copy by digest with referrers to the target, if and only if the digest passed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import timedelta

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import ConflictError
from gatekeeper.core.exit_codes import ExitCode
from gatekeeper.core.lifecycle import IntentKind, IntentState
from gatekeeper.core.reference import Reference, Repository
from gatekeeper.workflow import drafts
from gatekeeper.workflow.answer import Answer, AnswerState
from gatekeeper.workflow.enforce import enforce
from gatekeeper.workflow.promotion import refuse_foreign_target
from gatekeeper.workflow.status import status
from gatekeeper.workflow.work import pointed_at
from gatekeeper.workflow.workroom import Workroom


@dataclass(frozen=True, slots=True)
class Promotion:
    """What became of a promotion. ``core.canonical.to_plain`` makes JSON of it."""

    state: str
    """The intent's state (``planned``, ``copied`` and ``written`` are still open), or ``refused``."""
    reason_code: str
    exit_code: int
    repository: Repository
    digest: Digest | None
    target: Repository
    tag: str | None
    message: str
    intent: int | None
    answer: Answer


def promote(
    room: Workroom,
    reference: Reference,
    target: Reference,
    *,
    actor: str,
    reason: str,
    wait: timedelta | None = None,
) -> Promotion:
    """Promotes now, in this thread. The target tag defaults to none: then only digests are copied.

    Raises what ``status`` raises, and DeniedError when the policy allows no promotion to this target.
    """
    refuse_foreign_target(room, reference.repository, target.repository, target.tag)
    answer = status(room, reference, wait=wait)
    if answer.state is not AnswerState.PASSED or answer.digest is None:
        return _refused(answer, target)
    intent_id = _plan(room, answer.repository, answer.digest, target, actor, reason)
    lease = room.store.claim_intent(intent_id, now=room.clock.now(), lease_for=room.limits.lease)
    if lease is None:
        return _promotion(room, intent_id, answer, target)
    done = enforce(room, lease)
    if done.held:
        return dataclasses.replace(
            _promotion(room, intent_id, answer, target),
            reason_code="held",
            exit_code=int(ExitCode.DENIED),
            message="every registry write is stopped by `hold on`; it is carried out after `hold off`",
        )
    return _promotion(room, intent_id, answer, target)


def _plan(
    room: Workroom, source: Repository, digest: Digest, target: Reference, actor: str, reason: str
) -> int:
    """The id of the intent: a promotion left open by a crash is taken up instead of planned twice."""
    for intent in room.store.open_intents(repository=source):
        draft = intent.draft
        if (draft.kind, draft.digest, draft.target, draft.target_tag) == (
            IntentKind.PROMOTE, digest, target.repository, target.tag,
        ):  # fmt: skip
            return intent.id
    registry = room.registries.get(target.repository.registry)
    pointed = None if target.tag is None else pointed_at(registry, target.repository.path, target.tag)
    draft = drafts.promotion(source, digest, target, pointed, nonce=room.nonce(), actor=actor, reason=reason)
    added = room.store.add_intents((draft,), now=room.clock.now())
    if not added:
        raise ConflictError(f"another promotion to {target} is under way", reason_code="promotion-under-way")
    return added[0]


def _refused(answer: Answer, target: Reference) -> Promotion:
    return Promotion(
        state="refused",
        reason_code=answer.reason_code,
        exit_code=answer.exit_code,
        repository=answer.repository,
        digest=answer.digest,
        target=target.repository,
        tag=target.tag,
        message=f"not promoted, the digest is {answer.state}: {answer.message}",
        intent=None,
        answer=answer,
    )


def _promotion(room: Workroom, intent_id: int, answer: Answer, target: Reference) -> Promotion:
    intent = room.store.intent_by_id(intent_id)
    codes = {
        IntentState.CONFIRMED: ExitCode.PASSED,
        IntentState.SUPERSEDED: ExitCode.FAILED,
        IntentState.ABANDONED: ExitCode.UNREACHABLE,
    }
    return Promotion(
        state=str(intent.state),
        reason_code="promoted" if intent.state is IntentState.CONFIRMED else f"promotion-{intent.state}",
        exit_code=int(codes.get(intent.state, ExitCode.UNREACHABLE)),
        repository=answer.repository,
        digest=answer.digest,
        target=target.repository,
        tag=target.tag,
        message=intent.note,
        intent=intent.id,
        answer=answer,
    )
