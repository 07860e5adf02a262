"""ANCHOR: hold a digest that passed, so that a later rollback has where to go."""

from __future__ import annotations

from gatekeeper.core.errors import NotFoundError
from gatekeeper.core.lifecycle import IntentState
from gatekeeper.ports import OurTag
from gatekeeper.workflow import drafts
from gatekeeper.workflow.closure import put_and_read_back
from gatekeeper.workflow.work import Step, Work


def step(work: Work) -> Step:
    """Planned -> written (the anchor tag is there and reads back) -> confirmed (older anchors are let go)."""
    draft = work.draft
    assert draft.tag is not None
    assert draft.target_tag is not None
    if work.intent.state is not IntentState.WRITTEN:
        try:
            manifest = work.source.manifest(work.path, draft.digest)
        except NotFoundError:
            return Step(IntentState.ABANDONED, "the digest is no longer in the registry")
        tag = OurTag(draft.repository, draft.target_tag, draft.digest)
        work.room.store.add_tags(work.lease, (tag,), now=work.room.clock.now())
        put_and_read_back(work, tag, manifest.raw, manifest.media_type)
        return Step(IntentState.WRITTEN, f"held by {draft.target_tag}")
    _let_go_of_older(work)
    return Step(IntentState.CONFIRMED, f"held by {draft.target_tag}")


def _let_go_of_older(work: Work) -> None:
    draft = work.draft
    scoped = work.room.policy().resolve(draft.repository)
    keep = scoped.scope.anchors if scoped is not None else 0
    assert draft.tag is not None
    others = [
        (tag, digest)
        for tag, digest in work.room.store.anchors(draft.repository, draft.tag)
        if tag != draft.target_tag
    ]
    older = others[max(keep - 1, 0) :]
    if older:
        work.room.store.add_intents(
            [drafts.unanchor(draft, tag, digest) for tag, digest in older], now=work.room.clock.now()
        )
