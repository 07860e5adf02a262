"""UNHOLD: take away our own tags that hold nothing any more, and only while they show what we recorded."""

from __future__ import annotations

import dataclasses

from gatekeeper.core.errors import NotOfferedError
from gatekeeper.core.lifecycle import IntentState
from gatekeeper.ports import Offered, OurTag
from gatekeeper.workflow import drafts, graveyard
from gatekeeper.workflow.work import Step, Work, pointed_at


def step(work: Work) -> Step:
    """Planned -> confirmed. A registry that can remove no tag keeps them; the note says so."""
    left: list[str] = []
    gone: list[OurTag] = []
    for tag in _tags(work):
        if _take_away(work, tag):
            gone.append(tag)
        else:
            left.append(f"{tag.repository}:{tag.tag}")
    work.room.store.drop_tags(work.lease, gone, now=work.room.clock.now())
    note = "our tags were let go"
    if left:
        note = f"the registry removes no tag, so these stay: {', '.join(left)}"
    return Step(IntentState.CONFIRMED, note)


def holds(work: Work) -> bool:
    """False when nothing is left to take away."""
    return bool(_tags(work))


def _tags(work: Work) -> tuple[OurTag, ...]:
    draft = work.draft
    if draft.target_tag is not None:
        return (OurTag(draft.repository, draft.target_tag, draft.digest),)
    return work.room.store.tags_of(draft.annotations[drafts.RESTORES])


def _take_away(work: Work, tag: OurTag) -> bool:
    """True when the tag is gone, or is no longer ours to remove."""
    registry, path = work.registry_of(tag.repository), tag.repository.path
    stone = graveyard.tombstone_of(dataclasses.replace(work.draft, repository=tag.repository, tag=tag.tag))
    pointed = pointed_at(registry, path, tag.tag)
    if pointed not in (tag.digest, stone.digest):
        return True
    if pointed == tag.digest:
        work.guard()
        try:
            registry.delete_tag(path, tag.tag)
        except NotOfferedError:
            if registry.capabilities().digest_delete is Offered.NO:
                return False
            # Deleting by digest would take every tag of the image: a unique tombstone moves the tag off it first.
            graveyard.put_empty_blob(work, tag.repository)
            work.guard()
            registry.put_manifest(path, stone.raw, stone.media_type, tag=tag.tag)
        else:
            return True
    work.guard()
    try:
        registry.delete_manifest(path, stone.digest)
    except NotOfferedError:
        return False
    return True
