"""Our tombstones and case records in a registry: written, recognised by opening, answered for."""

from __future__ import annotations

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError, UnavailableError
from gatekeeper.core.lifecycle import IntentDraft
from gatekeeper.core.manifest import Manifest, parse_manifest
from gatekeeper.core.policy import ScopedPolicy
from gatekeeper.core.reference import Reference, Repository
from gatekeeper.core.subject import EMPTY_JSON
from gatekeeper.core.tombstone import case_record, read_tombstone, tombstone
from gatekeeper.ports import OurTag
from gatekeeper.workflow import answer
from gatekeeper.workflow.answer import Answer, acted_on
from gatekeeper.workflow.closure import put_tags
from gatekeeper.workflow.names import case_tag
from gatekeeper.workflow.opened import kind_of
from gatekeeper.workflow.work import Work
from gatekeeper.workflow.workroom import Workroom


def tombstone_of(draft: IntentDraft) -> Manifest:
    """The tombstone that this draft puts at its tag, always the same bytes."""
    return parse_manifest(tombstone(draft), content_type=None, expected=None)


def shown_by(draft: IntentDraft) -> Digest:
    """What the draft's tag points at once the draft was carried out."""
    return draft.replacement if draft.replacement is not None else tombstone_of(draft).digest


def put_empty_blob(work: Work, repository: Repository) -> None:
    """Tombstones and case records name the empty blob as configuration and layer."""
    work.guard()
    work.registry_of(repository).put_blob(repository.path, EMPTY_JSON)


def put_case_record(work: Work) -> None:
    """Leaves, beside the quarantined image, all that is needed to rebuild the case without our database."""
    where = work.draft.target or work.draft.repository
    record = parse_manifest(case_record(work.draft), content_type=None, expected=None)
    put_empty_blob(work, where)
    put_tags(work, [(OurTag(where, case_tag(work.draft.nonce), record.digest), record)])


def look_at_stranger(
    room: Workroom, reference: Reference, digest: Digest, scoped: ScopedPolicy
) -> Digest | Answer:
    """What a digest is that the database does not know: itself, what its tombstone names, or an answer.

    Raises NotFoundError when the registry does not have it, UnavailableError when it could not be asked.
    """
    registry = room.registries.get(reference.repository.registry)
    try:
        manifest = registry.manifest(reference.repository.path, digest)
        kind = kind_of(registry, reference.repository.path, manifest)
    except MalformedError:
        return digest
    except UnavailableError as error:
        if error.cause.blames_content:
            return digest
        raise
    facts = read_tombstone(manifest)
    if facts is not None and facts.repository == reference.repository:
        case = room.store.newest_case(reference.repository, facts.digest)
        # Anybody can push a tombstone: it may speak for a digest that is in a case, never for one that passes.
        if case is not None and acted_on(case):
            return facts.digest
        return answer.buried(reference.repository, reference.tag, facts)
    if not kind.judged(scoped.scope.artifacts):
        return answer.no_subject(reference.repository, digest, reference.tag, str(kind))
    return digest
