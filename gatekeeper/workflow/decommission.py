"""``decommission``: take back everything that we ever wrote to a registry, so that it is as if we had never acted.

Replaced tags are restored by the review path, so that their cases end with the name and reason of who ordered it.
Then our tags go, then our attestations, then by digest the manifests that nothing names any more. All of it are
intents of the one engine: after a crash or a hold the daemon, or another run, goes on where this one stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import (
    ConflictError,
    MalformedError,
    NotFoundError,
    NotOfferedError,
    UnavailableError,
)
from gatekeeper.core.evidence import Unavailable
from gatekeeper.core.exit_codes import ExitCode
from gatekeeper.core.lifecycle import (
    ENFORCING,
    Case,
    CaseState,
    Decision,
    Intent,
    IntentDraft,
    IntentKind,
    IntentState,
)
from gatekeeper.core.manifest import Descriptor
from gatekeeper.core.policy import Mode
from gatekeeper.core.reference import Repository
from gatekeeper.core.tombstone import case_record
from gatekeeper.ports import OurTag, Page, Registry
from gatekeeper.workflow import drafts, erase, graveyard
from gatekeeper.workflow.answer import acted_on
from gatekeeper.workflow.attested import Look
from gatekeeper.workflow.discover import existing
from gatekeeper.workflow.enforce import enforce
from gatekeeper.workflow.names import OUR_PREFIX
from gatekeeper.workflow.review import review
from gatekeeper.workflow.workroom import Workroom

_ORDERED_KINDS = frozenset({IntentKind.UNHOLD, IntentKind.ATTEST, IntentKind.ERASE})
_ERASED_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Written:
    """One thing of ours in the registry, and how it is undone."""

    what: str
    """``replaced-tag``, ``tag``, ``attestation``, ``tombstone``, ``record`` or ``copy``."""
    repository: Repository
    tag: str | None
    digest: Digest
    """What the tag is restored to, what our tag shows, what an attestation hangs on, or what is deleted."""
    undo: str
    """``restore`` or ``delete``."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of one intent."""

    id: int
    kind: IntentKind
    repository: Repository
    state: IntentState
    note: str


@dataclass(frozen=True, slots=True)
class Decommission:
    """The answer. ``core.canonical.to_plain`` makes JSON of it."""

    registry: str
    dry_run: bool
    found: tuple[Written, ...]
    intents: tuple[Carried, ...]
    left: tuple[Written, ...]
    """What is still there afterwards; in a dry run nothing was tried, and this is empty."""
    unavailable: tuple[Unavailable, ...]
    """What could not be asked: the lists may be incomplete."""
    unknown: tuple[str, ...]
    """Tags named like ours that the database does not know: another installation's, or it was lost. Left alone."""
    enforcing: tuple[str, ...]
    """Scopes that still enforce in repositories found here: a daemon would act again."""
    held: bool
    exit_code: int


@dataclass(frozen=True, slots=True)
class _Copies:
    """Manifests to delete in one repository, in this order."""

    repository: Repository
    found: tuple[Written, ...]


def decommission(
    room: Workroom,
    host: str,
    *,
    dry_run: bool,
    actor: str,
    reason: str,
    tell: Callable[[str], None] = lambda _: None,
) -> Decommission:
    """Lists what is ours in the registry ``host``; without ``dry_run`` undoes it. Doing it again does what is left.

    Raises ConfigurationError for a host that is not configured, MalformedError for an empty reason.
    """
    room.registries.get(host)
    said = reason.strip()
    if not dry_run and not said:
        raise MalformedError("say why: the reason must not be empty", reason_code="reason-missing")
    gaps: list[Unavailable] = []
    found = tuple(_found(room, host, gaps))
    unknown = tuple(_unknown(room, host, gaps))
    enforcing = _enforcing(room, found)
    if dry_run:
        code = ExitCode.UNREACHABLE if gaps else ExitCode.PASSED
        return Decommission(
            host, True, found, (), (), tuple(dict.fromkeys(gaps)), unknown, enforcing, False, int(code)
        )
    undoing = _Undoing(room, host, actor, said, tell)
    held = not undoing.run(gaps)
    left = tuple(_found(room, host, gaps))
    return Decommission(
        registry=host,
        dry_run=False,
        found=found,
        intents=tuple(undoing.carried.values()),
        left=left,
        unavailable=tuple(dict.fromkeys(gaps)),
        unknown=unknown,
        enforcing=enforcing,
        held=held,
        exit_code=int(_code(held, left, gaps)),
    )


def _code(held: bool, left: Sequence[Written], gaps: Sequence[Unavailable]) -> ExitCode:
    if held:
        return ExitCode.DENIED
    if gaps:
        return ExitCode.UNREACHABLE
    return ExitCode.FAILED if left else ExitCode.PASSED


class _Undoing:
    """The phases: each is planned from what the one before left."""

    def __init__(
        self, room: Workroom, host: str, actor: str, reason: str, tell: Callable[[str], None]
    ) -> None:
        self._room = room
        self._host = host
        self._actor = actor
        self._reason = reason
        self._tell = tell
        self.carried: dict[int, Carried] = {}

    def run(self, gaps: list[Unavailable]) -> bool:
        """False when the hold stopped it: what was planned is carried out after ``hold off``."""
        self._tell("restoring replaced tags")
        self._restore()
        if not self._carry_out():
            return False
        self._tell("taking our tags and attestations away")
        self._plan([*self._unholds(), *self._withdrawals(gaps)])
        if not self._carry_out():
            return False
        self._tell("deleting what we wrote by digest")
        self._plan(list(self._erasures(gaps)))
        return self._carry_out()

    def _restore(self) -> None:
        for case in acted_on_at(self._room, self._host):
            try:
                review(self._room, case.id, Decision.RESTORE, actor=self._actor, reason=self._reason)
            except ConflictError:
                # Another reviewer was faster: it was released or restored.
                continue

    def _plan(self, planned: list[IntentDraft]) -> None:
        if planned:
            self._room.store.add_intents(planned, now=self._room.clock.now())

    def _carry_out(self) -> bool:
        """Every open intent here that undoes something; those that follow from them too."""
        store, room, tried = self._room.store, self._room, set[int]()
        while True:
            waiting = [
                one for one in _open_at(room, self._host) if _undoes(room, one) and one.id not in tried
            ]
            if not waiting:
                return True
            # Ordered ones first: what waits only because the policy does not enforce here then has nothing to do.
            for intent in sorted(waiting, key=lambda one: drafts.ORDERED not in one.draft.annotations):
                tried.add(intent.id)
                lease = store.claim_intent(intent.id, now=room.clock.now(), lease_for=room.limits.lease)
                try:
                    if lease is not None and enforce(room, lease).held:
                        return False
                except ConflictError as error:
                    # The lease ran out and a daemon goes on with it.
                    self._tell(f"intent {intent.id}: {error.message}")
                done = store.intent_by_id(intent.id)
                draft = done.draft
                self.carried[done.id] = Carried(done.id, draft.kind, draft.repository, done.state, done.note)

    def _unholds(self) -> Iterator[IntentDraft]:
        under_way = {
            intent.draft.annotations.get(drafts.RESTORES)
            for intent in _open_at(self._room, self._host)
            if intent.draft.kind is IntentKind.RESTORE or drafts.ORDERED in intent.draft.annotations
        }
        for nonce, tag in _first_tags(self._room, self._host):
            if nonce not in under_way:
                yield drafts.ordered_unhold(
                    tag, nonce, own=self._room.nonce(), actor=self._actor, reason=self._reason
                )

    def _withdrawals(self, gaps: list[Unavailable]) -> Iterator[IntentDraft]:
        if self._room.attesting is None:
            return
        for one in _attestations(self._room, self._host, gaps):
            yield drafts.withdrawal(
                one.repository, one.digest, own=self._room.nonce(), actor=self._actor, reason=self._reason
            )

    def _erasures(self, gaps: list[Unavailable]) -> Iterator[IntentDraft]:
        for copies in _manifests(self._room, self._host, gaps):
            digests = [one.digest for one in copies.found]
            for start in range(0, len(digests), _ERASED_AT_ONCE):
                yield drafts.erasure(
                    copies.repository,
                    digests[start : start + _ERASED_AT_ONCE],
                    copies=any(one.what == "copy" for one in copies.found),
                    own=self._room.nonce(),
                    actor=self._actor,
                    reason=self._reason,
                )


def _open_at(room: Workroom, host: str) -> list[Intent]:
    return [one for one in room.store.open_intents() if one.draft.repository.registry == host]


def _undoes(room: Workroom, intent: Intent) -> bool:
    draft = intent.draft
    if draft.kind in ENFORCING:
        return draft.case_id is not None and room.store.case(draft.case_id).case.state.closed
    return draft.kind in (IntentKind.RESTORE, IntentKind.UNHOLD) or (
        draft.kind in _ORDERED_KINDS and drafts.ORDERED in draft.annotations
    )


def acted_on_at(room: Workroom, host: str) -> tuple[Case, ...]:
    """Every case of this registry whose tags show what we put there."""
    found: list[Case] = []
    after: str | None = None
    while True:
        states = frozenset({CaseState.OPEN, CaseState.KEPT})
        page, after = room.store.cases(states=states, repositories=("**",), page=Page(1000, after))
        found += [case for case in page if case.repository.registry == host and acted_on(case)]
        if after is None:
            return tuple(found)


def _first_tags(room: Workroom, host: str) -> Iterator[tuple[str, OurTag]]:
    """One tag of each intent that left some."""
    seen: set[str] = set()
    for nonce, tag in room.store.tags_at(host):
        if nonce not in seen:
            seen.add(nonce)
            yield nonce, tag


# --- what is there --------------------------------------------------------------------------------------------------


def _found(room: Workroom, host: str, gaps: list[Unavailable]) -> Iterator[Written]:
    """Everything of ours, in the order in which it is undone. Reads only."""
    for case in acted_on_at(room, host):
        for tag in case.tags:
            yield Written("replaced-tag", case.repository, tag, case.digest, "restore")
    for _, ours in room.store.tags_at(host):
        yield Written("tag", ours.repository, ours.tag, ours.digest, "delete")
    yield from _attestations(room, host, gaps)
    for copies in _manifests(room, host, gaps):
        yield from copies.found


def _enforcing(room: Workroom, found: Sequence[Written]) -> tuple[str, ...]:
    policy = room.policy()
    scoped = (policy.resolve(repository) for repository in {one.repository for one in found})
    enforcing = (one for one in scoped if one is not None and one.scope.mode is Mode.ENFORCE)
    return tuple(sorted({one.scope.name for one in enforcing}))


def _unknown(room: Workroom, host: str, gaps: list[Unavailable]) -> Iterator[str]:
    repositories, missing = existing(room, host)
    gaps.extend(missing)
    known = {(tag.repository, tag.tag) for _, tag in room.store.tags_at(host)}
    for repository in repositories:
        try:
            tags = room.registries.get(host).tags(repository.path)
        except (NotFoundError, NotOfferedError):
            continue
        except UnavailableError as error:
            gaps.append(Unavailable.of(str(repository), error))
            continue
        for tag in tags:
            if tag.startswith(OUR_PREFIX) and (repository, tag) not in known:
                yield f"{repository}:{tag}"


def _attestations(room: Workroom, host: str, gaps: list[Unavailable]) -> Iterator[Written]:
    """Where attestations of ours hang. Without the key that we sign with it is said of all that were ever hung."""
    hung = dict.fromkeys(
        (intent.draft.repository, intent.draft.digest)
        for intent in room.store.intents_at(host, frozenset({IntentKind.ATTEST}))
        if drafts.STATEMENT in intent.draft.annotations and intent.state is not IntentState.PLANNED
    )
    registry = room.registries.get(host)
    for repository, digest in hung:
        try:
            if _hangs(room, registry, repository, digest):
                yield Written("attestation", repository, None, digest, "delete")
        except (NotFoundError, MalformedError):
            # Gone with the image, or an image that nothing was ever hung on.
            continue
        except UnavailableError as error:
            gaps.append(Unavailable.of(f"{repository}@{digest}", error))


def _hangs(room: Workroom, registry: Registry, repository: Repository, digest: Digest) -> bool:
    """Raises NotFoundError when the image is gone, and what hung on it with it."""
    manifest = registry.manifest(repository.path, digest)
    if room.attesting is None:
        return True
    look = Look(
        registry,
        repository,
        room.signatures,
        room.attesting.signer,
        room.limits.candidate_bytes,
        room.clock.now(),
    )
    return bool(look.at(Descriptor(manifest.media_type, manifest.digest, len(manifest.raw))).ours)


def _manifests(room: Workroom, host: str, gaps: list[Unavailable]) -> Iterator[_Copies]:
    """Tombstones, case records and quarantine copies of everything that is closed, for each repository."""
    acting = {case.id for case in acted_on_at(room, host)}
    open_here = _open_at(room, host)
    # An unhold only lets our tags go, which are gone by now; it waits for ever where nothing is enforced any more.
    busy = {one.draft.case_id for one in open_here if one.draft.kind is not IntentKind.UNHOLD}
    erasing = {one.draft.repository for one in open_here if one.draft.kind is IntentKind.ERASE}
    registry = room.registries.get(host)
    by_repository: dict[Repository, dict[Digest, Written]] = {}
    for intent in room.store.intents_at(host, ENFORCING):
        draft = intent.draft
        if intent.state.open or draft.case_id in acting or draft.case_id in busy:
            continue
        try:
            for one in _of(registry, draft):
                by_repository.setdefault(one.repository, {}).setdefault(one.digest, one)
        except UnavailableError as error:
            gaps.append(Unavailable.of(f"{draft.target or draft.repository}", error))
    for repository, found in sorted(by_repository.items()):
        if repository not in erasing:
            yield _Copies(repository, tuple(found.values()))


def _of(registry: Registry, draft: IntentDraft) -> Iterator[Written]:
    """What one closed intent left that is still there."""
    where = draft.target or draft.repository
    records = [("record", where, Digest.of(case_record(draft)))]
    if draft.replacement is None:
        records.append(("tombstone", draft.repository, graveyard.shown_by(draft)))
    for what, repository, digest in records:
        if erase.there(registry, repository.path, digest):
            yield Written(what, repository, None, digest, "delete")
    if draft.kind is IntentKind.QUARANTINE and where != draft.repository:
        for digest in erase.members(registry, where.path, draft.digest):
            yield Written("copy", where, None, digest, "delete")
