"""PROMOTE: the gate, and the steps of the copy."""

from __future__ import annotations

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import DeniedError, NotFoundError
from gatekeeper.core.lifecycle import IntentState
from gatekeeper.core.policy import matches_any
from gatekeeper.core.reference import Repository
from gatekeeper.workflow import answer
from gatekeeper.workflow.answer import Answer, AnswerState
from gatekeeper.workflow.closure import copy_to
from gatekeeper.workflow.work import MISSING_ONCE, Step, Work, pointed_at
from gatekeeper.workflow.workroom import Workroom


def judged(room: Workroom, source: Repository, digest: Digest, tag: str | None) -> Answer:
    """The recorded answer about a digest, as the gate sees it: no registry is asked."""
    policy = room.policy()
    scoped = policy.resolve(source)
    if scoped is None:
        return answer.not_covered(source, tag, digest, policy)
    now = room.clock.now()
    row = room.store.status(source, digest, now=now)
    if row is None:
        return answer.unseen(source, digest, tag)
    return answer.recorded(row, tag, scoped, now=now, grace=room.limits.max_blind)


def refuse_foreign_target(room: Workroom, source: Repository, target: Repository, tag: str | None) -> None:
    """Raises DeniedError unless the source's scope may promote there and nothing protects the target."""
    policy = room.policy()
    scoped = policy.resolve(source)
    allowed = () if scoped is None else scoped.scope.promote_to
    if not matches_any(allowed, str(target)):
        raise DeniedError(
            f"{source} may not be promoted to {target}: add it to `promote_to` of its scope",
            reason_code="promotion-target-not-allowed",
        )
    protecting = policy.resolve(target)
    protected = any(matches_any(scope.protected_repositories, str(target)) for scope in policy.scopes)
    if protected or (protecting is not None and protecting.scope.protects(target, tag or "")):
        raise DeniedError(f"{target}:{tag} is protected by the policy", reason_code="protected")


def step(work: Work) -> Step:
    """Planned -> copied (closure readable at the target) -> written (target tag) -> confirmed (read back)."""
    match work.intent.state:
        case IntentState.PLANNED:
            return _copy(work)
        case IntentState.COPIED:
            return _write(work)
        case _:
            return _confirm(work)


def _gate(work: Work) -> Step | None:
    """Law 1 and 2 once more at the moment of writing: passed, and not due again."""
    found = judged(work.room, work.draft.repository, work.draft.digest, None)
    if found.state is AnswerState.PASSED:
        return None
    return Step(IntentState.ABANDONED, f"not promoted: the digest is {found.state} now ({found.reason_code})")


def _target(work: Work) -> Repository:
    assert work.draft.target is not None
    return work.draft.target


def _copy(work: Work) -> Step:
    refused = _gate(work)
    if refused is not None:
        return refused
    target = _target(work)
    count = len(copy_to(work, target))
    if work.draft.target_tag is None:
        return Step(IntentState.CONFIRMED, f"{count} manifests copied to {target}")
    return Step(IntentState.COPIED, f"{count} manifests copied to {target}")


def _write(work: Work) -> Step:
    draft, target = work.draft, _target(work)
    assert draft.target_tag is not None
    refused = _gate(work)
    if refused is not None:
        return refused
    registry = work.registry_of(target)
    manifest = registry.manifest(target.path, draft.digest)
    work.guard()
    # The last look and the write are neighbours.
    pointed = pointed_at(registry, target.path, draft.target_tag)
    if pointed == draft.digest:
        return Step(IntentState.WRITTEN, f"{target}:{draft.target_tag} shows it already")
    if pointed != draft.expected:
        shown = "nothing" if pointed is None else str(pointed)
        return Step(
            IntentState.SUPERSEDED,
            f"{target}:{draft.target_tag} moved meanwhile: it shows {shown}; promote again",
        )
    registry.put_manifest(target.path, manifest.raw, manifest.media_type, tag=draft.target_tag)
    return Step(IntentState.WRITTEN, f"{target}:{draft.target_tag} written")


def _confirm(work: Work) -> Step:
    draft, target = work.draft, _target(work)
    assert draft.target_tag is not None
    try:
        pointed = work.registry_of(target).resolve(target.path, draft.target_tag).digest
    except NotFoundError:
        if work.intent.note != MISSING_ONCE:
            return work.stay(MISSING_ONCE)
        return Step(IntentState.SUPERSEDED, f"{target}:{draft.target_tag} was removed after it was written")
    if pointed != draft.digest:
        return Step(IntentState.SUPERSEDED, f"{target}:{draft.target_tag} was moved to {pointed} meanwhile")
    return Step(IntentState.CONFIRMED, f"{target}:{draft.target_tag} shows {draft.digest}")
