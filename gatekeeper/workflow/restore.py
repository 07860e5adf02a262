"""RESTORE: put a tag back to the digest it had, while it is absent or still shows what we put there."""

from __future__ import annotations

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, NotFoundError, UnavailableError
from gatekeeper.core.lifecycle import IntentState
from gatekeeper.core.manifest import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from gatekeeper.core.strict_json import loads_object
from gatekeeper.workflow import drafts
from gatekeeper.workflow.work import MISSING_ONCE, Step, Work, pointed_at


def step(work: Work) -> Step:
    """Planned -> written (the tag shows the digest again) -> confirmed (holds are let go)."""
    if work.intent.state is IntentState.WRITTEN:
        return _confirm(work)
    return _put_back(work)


def _put_back(work: Work) -> Step:
    draft = work.draft
    assert draft.tag is not None
    ended = _ended(work, _pointed(work))
    if ended is not None:
        return ended
    raw, media_type = _original(work)
    work.guard()
    # The last look and the write are neighbours: a push while the content was copied back must not be covered.
    ended = _ended(work, _pointed(work))
    if ended is not None:
        return ended
    work.source.put_manifest(work.path, raw, media_type, tag=draft.tag)
    return Step(IntentState.WRITTEN, f"{draft.tag} put back to {draft.digest}")


def _pointed(work: Work) -> Digest | None:
    assert work.draft.tag is not None
    return pointed_at(work.source, work.path, work.draft.tag)


def _ended(work: Work, pointed: Digest | None) -> Step | None:
    """None while the tag is absent or shows what we put there: it may be written."""
    draft = work.draft
    if pointed not in (None, draft.expected, draft.digest):
        return _let_go(
            work, IntentState.SUPERSEDED, f"{draft.tag} was pushed anew ({pointed}): it stays as it is"
        )
    if pointed == draft.digest:
        return Step(IntentState.WRITTEN, f"{draft.tag} shows {draft.digest} already")
    return None


def _original(work: Work) -> tuple[bytes, str]:
    """The bytes: from the source, else copied back from the quarantine repository, else from the database."""
    draft = work.draft
    try:
        manifest = work.source.manifest(work.path, draft.digest)
        return manifest.raw, manifest.media_type
    except NotFoundError:
        pass
    if draft.target is not None:
        quarantine = work.registry_of(draft.target)
        try:
            manifest = quarantine.manifest(draft.target.path, draft.digest)
        except NotFoundError:
            pass
        else:
            quarantine.copy_closure(
                draft.target.path, draft.digest, work.source, work.path, before_write=work.guard
            )
            return manifest.raw, manifest.media_type
    raw = work.room.store.raw_manifest(draft.digest)
    if raw is None:
        raise UnavailableError(
            f"{draft.digest} is neither in {draft.repository} nor in quarantine nor in the database",
            cause=Cause.VANISHED,
        )
    return raw, _media_type(raw)


def _media_type(raw: bytes) -> str:
    """As the manifest says; where it does not, OCI by its shape (image-spec: mediaType is only recommended)."""
    content = loads_object(raw)
    declared = content.get("mediaType")
    if declared in (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST):
        return str(declared)
    return OCI_INDEX if "manifests" in content else OCI_MANIFEST


def _confirm(work: Work) -> Step:
    draft = work.draft
    assert draft.tag is not None
    pointed = _pointed(work)
    if pointed is None and work.intent.note != MISSING_ONCE:
        return work.stay(MISSING_ONCE)
    if pointed == draft.digest:
        return _let_go(work, IntentState.CONFIRMED, f"{draft.tag} shows {draft.digest}")
    return _let_go(work, IntentState.SUPERSEDED, f"a pusher won: {draft.tag} shows {pointed}")


def _let_go(work: Work, state: IntentState, note: str) -> Step:
    """The holds of the undone intent go; recorded before the state, so that a crash cannot lose it."""
    nonce = work.draft.annotations[drafts.RESTORES]
    if work.room.store.tags_of(nonce):
        work.room.store.add_intents(
            (drafts.unhold(work.draft, nonce, reason=f"restore-{state}"),), now=work.room.clock.now()
        )
    return Step(state, note)
