"""``recover``: rebuild open cases from the registry alone, after the database was lost or put back from an old backup.

What a registry says is a pusher's word: ``find_cases`` only reads; a person confirms before ``rebuild`` believes it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, MalformedError, NotFoundError, NotOfferedError, UnavailableError
from gatekeeper.core.evidence import Unavailable
from gatekeeper.core.lifecycle import Case, CaseState, Hold, IntentDraft, IntentKind
from gatekeeper.core.manifest import Manifest
from gatekeeper.core.policy import Action, Policy
from gatekeeper.core.reference import Repository
from gatekeeper.core.tombstone import TombstoneFacts, read_case_record, read_tombstone
from gatekeeper.ports import Registry
from gatekeeper.workflow import graveyard
from gatekeeper.workflow.discover import existing
from gatekeeper.workflow.names import CASE_TAGS
from gatekeeper.workflow.work import pointed_at
from gatekeeper.workflow.workroom import DAEMON, Workroom

_REMEDY = (
    "look with `gatekeeper quarantine recover`, then add --accept, or run `gatekeeper hold off` to leave them"
)
_KINDS = {
    Action.QUARANTINE: IntentKind.QUARANTINE,
    Action.RETAG: IntentKind.RETAG,
    Action.ROLLBACK: IntentKind.ROLLBACK,
}
_IN_PLACE = (Action.RETAG, Action.ROLLBACK)
_REFUSALS = (Cause.UNAUTHORIZED, Cause.FORBIDDEN)


@dataclass(frozen=True, slots=True)
class FoundCase:
    """An open case that tombstones or case records tell of, with the intents that were carried out for it."""

    case: Case
    intents: tuple[IntentDraft, ...]
    known: bool
    """True when the database knows it already: nothing is rebuilt."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the registries tell."""

    cases: tuple[FoundCase, ...]
    unavailable: tuple[Unavailable, ...]
    """What could not be asked: the list of cases may be incomplete."""


def find_cases(room: Workroom) -> Found:
    """Opens every tag of every covered repository and quarantine repository. Reads only."""
    repositories, gaps = existing(room)
    unavailable = list(gaps)
    drafts: dict[str, IntentDraft] = {}
    for repository in repositories:
        try:
            for draft in _told(room.registries.get(repository.registry), repository):
                drafts.setdefault(draft.nonce, draft)
        except UnavailableError as error:
            unavailable.append(Unavailable.of(str(repository), error))
    by_case: dict[str, list[IntentDraft]] = {}
    for draft in drafts.values():
        try:
            if draft.case_id is not None and _still_shown(room, draft):
                by_case.setdefault(draft.case_id, []).append(draft)
        except UnavailableError as error:
            unavailable.append(Unavailable.of(f"{draft.repository}:{draft.tag}", error))
    cases = tuple(_found(room, case_id, told) for case_id, told in sorted(by_case.items()))
    return Found(cases, tuple(unavailable))


def hold_when_forgotten(room: Workroom, host: str | None = None) -> Hold | None:
    """A quarantine of which the database does not know everything: it was lost, or put back from a backup.

    Until a person has recovered it nothing is written, open intents stay open, and what would be done is proposed. To
    be asked before anything of ``host`` (None: of any registry) is judged or carried out: our own hold tags, which
    only the database knows, would be taken for anybody's. Asks nothing but the catalogs, the tag lists of the
    repositories that keep case records (quarantine repositories, and those whose scope acts in place), and the records
    that are not known. What another installation keeps in the same registry is no business of ours. Raises
    UnavailableError when it could not be told.
    """
    if room.store.recovery() is not None:
        return None
    policy = room.policy()
    repositories, gaps = existing(room, host)
    read, refused = 0, None
    for repository in repositories:
        if not _keeps_records(policy, repository):
            continue
        try:
            forgotten = _keeps_forgotten(room, repository)
        except UnavailableError as error:
            # What refuses us is not acted on either: one such repository must not keep us from all others.
            if error.cause not in _REFUSALS or policy.is_quarantine(repository):
                raise
            refused = error
            continue
        read += 1
        if forgotten:
            now = room.clock.now()
            found = Hold(DAEMON, f"{repository} holds cases that the database does not know: {_REMEDY}", now)
            room.store.set_recovery(found, actor=DAEMON, reason=found.reason, now=now)
            return found
    if gaps:
        raise UnavailableError(gaps[0].detail, cause=gaps[0].cause)
    if refused is not None and not read:
        raise refused
    return None


def _keeps_records(policy: Policy, repository: Repository) -> bool:
    """True where ``graveyard.put_case_record`` leaves what it writes."""
    scoped = policy.resolve(repository)
    return policy.is_quarantine(repository) or (scoped is not None and scoped.scope.action in _IN_PLACE)


def _keeps_forgotten(room: Workroom, repository: Repository) -> bool:
    """True when a case record in it tells of an unknown case in a repository that we watch."""
    known = frozenset(room.store.ours(repository))
    told = _told(room.registries.get(repository.registry), repository, prefix=CASE_TAGS, known=known)
    return any(_forgotten(room, draft) for draft in told)


def _forgotten(room: Workroom, draft: IntentDraft) -> bool:
    if draft.case_id is None or not room.watches(draft.repository):
        return False
    if room.policy().resolve(draft.repository) is None:
        return False
    try:
        room.store.case(draft.case_id)
    except NotFoundError:
        return True
    return False


def rebuild(room: Workroom, found: Sequence[FoundCase], *, actor: str, reason: str) -> tuple[Case, ...]:
    """Adds the unknown ones. Their intents run again: every step is there already and is only recorded anew."""
    rebuilt = []
    for entry in found:
        if entry.known:
            continue
        room.store.add_case(entry.case, entry.intents, actor=actor, reason=reason, now=room.clock.now())
        rebuilt.append(entry.case)
    return tuple(rebuilt)


def _told(
    registry: Registry, repository: Repository, *, prefix: str = "", known: frozenset[str] = frozenset()
) -> Iterator[IntentDraft]:
    """The drafts that the tombstones and case records of one repository were made from."""
    try:
        tags = registry.tags(repository.path)
    except (NotFoundError, NotOfferedError):
        return
    seen: set[Digest] = set()
    for tag in tags:
        if not tag.startswith(prefix) or tag in known:
            continue
        try:
            digest = registry.resolve(repository.path, tag).digest
            if digest in seen:
                continue
            seen.add(digest)
            manifest = registry.manifest(repository.path, digest)
        except (NotFoundError, MalformedError):
            continue
        facts = read_tombstone(manifest) or read_case_record(manifest)
        draft = None if facts is None else _draft(facts, manifest)
        if draft is not None:
            yield draft


def _draft(facts: TombstoneFacts, manifest: Manifest) -> IntentDraft | None:
    """The draft again, so exactly that the same tombstone is made from it."""
    if facts.action is None or facts.action not in _KINDS or facts.tag is None:
        return None
    return IntentDraft(
        kind=_KINDS[facts.action],
        repository=facts.repository,
        digest=facts.digest,
        tag=facts.tag,
        expected=facts.digest,
        replacement=facts.replacement,
        target=facts.target,
        target_tag=facts.target_tag,
        nonce=facts.nonce,
        case_id=facts.case_id,
        actor=DAEMON,
        reason=facts.reason,
        annotations=dict(manifest.annotations),
    )


def _still_shown(room: Workroom, draft: IntentDraft) -> bool:
    """True while the tag shows what the draft put there; a released or pushed-over case is no longer open."""
    if draft.tag is None or draft.repository.registry not in room.registries.hosts():
        return False
    registry = room.registries.get(draft.repository.registry)
    return pointed_at(registry, draft.repository.path, draft.tag) == graveyard.shown_by(draft)


def _found(room: Workroom, case_id: str, told: list[IntentDraft]) -> FoundCase:
    told = sorted(told, key=lambda draft: draft.tag or "")
    now = room.clock.now()
    facts = [_facts(draft) for draft in told]
    first = facts[0]
    case = Case(
        id=case_id,
        repository=first.repository,
        digest=first.digest,
        tags=tuple(draft.tag for draft in told if draft.tag is not None),
        state=CaseState.OPEN,
        action=first.action or Action.QUARANTINE,
        reason_code=first.reason_code or first.reason,
        why_proposed=None,
        fingerprints=frozenset().union(*(fact.fingerprints for fact in facts)),
        opened_at=min((fact.opened_at for fact in facts if fact.opened_at is not None), default=now),
        updated_at=now,
    )
    try:
        room.store.case(case_id)
    except NotFoundError:
        return FoundCase(case, tuple(told), known=False)
    return FoundCase(case, tuple(told), known=True)


def _facts(draft: IntentDraft) -> TombstoneFacts:
    facts = read_tombstone(graveyard.tombstone_of(dataclasses.replace(draft)))
    assert facts is not None, "a tombstone made from a draft can be read"
    return facts
