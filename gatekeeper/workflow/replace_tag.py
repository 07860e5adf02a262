"""QUARANTINE, RETAG and ROLLBACK: hold and copy first, then replace the tag while it still shows the judged digest.

planned:  closure held (and copied, read back), case record written             -> copied
copied:   the tag is asked once more; only the judged digest is replaced         -> written | superseded
written:  read back                                                               -> confirmed | superseded
No registry offers compare-and-swap on tags: between the last look and the write a pusher can still win or lose.
"""

from __future__ import annotations

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import NotFoundError
from gatekeeper.core.lifecycle import IntentKind, IntentState
from gatekeeper.core.manifest import Manifest
from gatekeeper.ports import OurTag
from gatekeeper.workflow import graveyard
from gatekeeper.workflow.closure import copy_to, hold_closure, put_tags, read_closure
from gatekeeper.workflow.work import MISSING_ONCE, Step, Work, pointed_at


def step(work: Work) -> Step:
    """One step of a replacement, resumable after a crash anywhere."""
    match work.intent.state:
        case IntentState.PLANNED:
            return _hold_and_copy(work)
        case IntentState.COPIED:
            return _replace(work)
        case _:
            return _confirm(work)


def _tag(work: Work) -> str:
    assert work.draft.tag is not None
    return work.draft.tag


def _hold_and_copy(work: Work) -> Step:
    """Steps 1 to 4 of the sequence: nothing here changes what a puller sees."""
    draft = work.draft
    if work.reviewed_away():
        return work.finish(IntentState.ABANDONED, "released or restored before anything was done")
    # What we put there may be there already: a rebuilt case runs through all steps again.
    pointed = pointed_at(work.source, work.path, _tag(work))
    stopped = _moved_away(work, pointed, ours=graveyard.shown_by(draft))
    if stopped is not None:
        return stopped
    closure = read_closure(work)
    manifests = closure.manifests
    held = hold_closure(work, draft.repository, manifests)
    done = f"{held} manifests held in {draft.repository}"
    where = draft.repository
    if closure.incomplete is not None:
        done += f"; what hangs on it cannot be copied and stays there as it is ({closure.incomplete})"
    elif draft.kind is IntentKind.QUARANTINE:
        assert draft.target is not None
        where = draft.target
        copied = copy_to(work, where)
        hold_closure(work, where, manifests, root=False)
        done += f", {len(copied)} readable in {where}"
    if draft.target_tag is not None:
        put_tags(work, [(OurTag(where, draft.target_tag, draft.digest), manifests[0])])
    graveyard.put_case_record(work)
    return Step(IntentState.COPIED, done)


def _moved_away(work: Work, pointed: Digest | None, *, ours: Digest) -> Step | None:
    """None while the tag shows the judged digest (or what we put there); else why the intent stops or waits."""
    tag = _tag(work)
    if pointed is None:
        if work.intent.note != MISSING_ONCE:
            return work.stay(MISSING_ONCE)
        return work.finish(IntentState.SUPERSEDED, f"{tag} is gone: there is nothing to replace")
    if pointed in (work.draft.expected, ours):
        return None
    return work.superseded(pointed, f"{tag} moved to {pointed} before anything was replaced")


def _replace(work: Work) -> Step:
    tag = _tag(work)
    raw, media_type, shown = _replacement(work)
    if work.reviewed_away():
        return _undo(work, shown)
    work.guard()
    # The last look and the write are neighbours: whatever is done between them widens the window for a pusher to lose.
    pointed = pointed_at(work.source, work.path, tag)
    stopped = _moved_away(work, pointed, ours=shown)
    if stopped is not None:
        return stopped
    if pointed != shown:
        work.source.put_manifest(work.path, raw, media_type, tag=tag)
    return Step(IntentState.WRITTEN, f"{tag} written as {shown}")


def _replacement(work: Work) -> tuple[bytes, str, Digest]:
    """(bytes, media type, digest) of what the tag is to show; a tombstone's blobs are put where they are missing."""
    digest = work.draft.replacement
    if digest is None:
        stone = graveyard.tombstone_of(work.draft)
        graveyard.put_empty_blob(work, work.draft.repository)
        return stone.raw, stone.media_type, stone.digest
    manifest: Manifest = work.source.manifest(work.path, digest)
    return manifest.raw, manifest.media_type, digest


def _confirm(work: Work) -> Step:
    draft, tag = work.draft, _tag(work)
    shown = graveyard.shown_by(draft)
    if work.reviewed_away():
        return _undo(work, shown)
    try:
        pointed = work.source.resolve(work.path, tag).digest
    except NotFoundError:
        if work.intent.note != MISSING_ONCE:
            return work.stay(MISSING_ONCE)
        return work.finish(IntentState.SUPERSEDED, f"{tag} was removed after it was written")
    if pointed != shown:
        return work.superseded(pointed, f"a pusher won: {tag} shows {pointed} instead of what was written")
    return Step(IntentState.CONFIRMED, f"{tag} shows {shown}")


def _undo(work: Work, shown: Digest) -> Step:
    """The case was released or restored while we were at it: the tag is put back if we already replaced it."""
    tag = _tag(work)
    if pointed_at(work.source, work.path, tag) == shown:
        manifest = work.source.manifest(work.path, work.draft.digest)
        work.guard()
        if pointed_at(work.source, work.path, tag) == shown:
            work.source.put_manifest(work.path, manifest.raw, manifest.media_type, tag=tag)
        back = pointed_at(work.source, work.path, tag)
        if back == shown:
            return work.stay(f"{tag} still shows {shown} after it was put back")
    return work.finish(IntentState.ABANDONED, "released or restored meanwhile; the tag is as it was")
