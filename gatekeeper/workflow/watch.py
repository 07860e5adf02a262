"""``watch``: one round over one repository: list the tags once, one HEAD for each, a GET only for what is new.

1. list tags (one that vanished is "gone" when it is still missing a whole interval later: a single 404 says nothing)
2. resolve each watched tag; the known digest makes the HEAD conditional
3. open each digest never seen here, once, to tell subjects from evidence, tombstones and other artifacts
4. record what moved; a moved evidence tag makes the subject it names due. Where too much of a registry has changed at
   once, nothing of it is recorded (``doubt``)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, MalformedError, NotFoundError, UnavailableError
from gatekeeper.core.policy import ScopedPolicy
from gatekeeper.ports import Lease, Registry, Round, WatchedRepository
from gatekeeper.workflow.doubt import believed
from gatekeeper.workflow.opened import kind_of
from gatekeeper.workflow.slices import in_slices
from gatekeeper.workflow.workroom import Limits, Workroom

_EVIDENCE_TAG = re.compile(r"sha256-([0-9a-f]{64})(?:\.[a-z]+)?", re.ASCII)
_STOPS_THE_ROUND = frozenset({
    Cause.TIMEOUT, Cause.CONNECT, Cause.TLS, Cause.UNAUTHORIZED, Cause.RATE_LIMITED, Cause.SERVER_ERROR
})  # fmt: skip


Asked = tuple[str, Digest | None]
"""A tag to resolve, and what it must point at to be ours (None: it is not one of ours)."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What a round did, for logs and metrics."""

    repository: str
    tags: int
    moved: int
    gone: int
    error: UnavailableError | None = None


@dataclass(slots=True)
class _Sight:
    """What has been seen so far in this round."""

    moved: dict[str, Digest] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    ignored: set[Digest] = field(default_factory=set)
    subjects: set[Digest] = field(default_factory=set)
    touched: set[Digest] = field(default_factory=set)
    error: UnavailableError | None = None


def watch(room: Workroom, lease: Lease) -> Watched:
    """One round. Raises ConflictError when the lease was lost; what the registry does wrong ends in ``error``."""
    watched = room.store.repository(lease, gone_since=room.clock.now() - room.limits.interval_max)
    repository = watched.repository
    scoped = room.policy().resolve(repository)
    if scoped is None:
        now = room.clock.now()
        room.store.release(lease, next_due=now + room.limits.interval_max, error=None, read_at=now)
        return Watched(str(repository), 0, 0, 0)
    registry = room.registries.get(repository.registry)
    try:
        listed = _list(registry, repository.path)
    except UnavailableError as error:
        _back_off(room, lease, watched, error)
        return Watched(str(repository), 0, 0, 0, error)
    room.tag_lists.put(repository, listed, now=room.clock.now())
    wanted = _tags_to_ask(scoped, watched, listed, room.store.ours(repository))
    sight = _look(room, registry, wanted, watched)
    changed = (sight.moved.keys() | sight.gone | sight.missing) & watched.tags.keys()
    if not believed(room, lease, watched, len(changed)):
        return Watched(str(repository), len(wanted), 0, 0, sight.error)
    if watched.believed:
        # A person has looked: what is missing now is gone.
        sight.gone, sight.missing = sight.gone | sight.missing, set()
    _open_new(room, registry, scoped, watched, sight)
    _record(room, lease, watched, sight, len(changed))
    return Watched(str(repository), len(wanted), len(sight.moved), len(sight.gone), sight.error)


def _list(registry: Registry, path: str) -> tuple[str, ...]:
    try:
        return registry.tags(path)
    except NotFoundError:
        return ()


def _tags_to_ask(
    scoped: ScopedPolicy, watched: WatchedRepository, listed: tuple[str, ...], ours: Mapping[str, Digest]
) -> tuple[Asked, ...]:
    """Every tag to resolve, known ones that left the list included."""
    names = sorted({*listed, *watched.tags})
    return tuple(
        (tag, ours.get(tag))
        for tag in names
        if tag in ours or scoped.scope.watches(tag) or _EVIDENCE_TAG.fullmatch(tag) is not None
    )


def _look(room: Workroom, registry: Registry, wanted: Sequence[Asked], watched: WatchedRepository) -> _Sight:
    """One HEAD for each tag. An error that concerns the whole registry ends the round for every thread."""
    sight = _Sight()
    stopped = Event()
    slices = in_slices(
        lambda part: _look_at(registry, part, watched, stopped), wanted, at_once=room.limits.heads_at_once
    )
    for part in slices:
        sight.moved.update(part.moved)
        sight.gone |= part.gone
        sight.missing |= part.missing
        sight.error = sight.error or part.error
    sight.moved = dict(sorted(sight.moved.items()))
    evidence_tags = (_EVIDENCE_TAG.fullmatch(tag) for tag in (*sight.moved, *sight.gone))
    sight.touched.update(Digest("sha256", name.group(1)) for name in evidence_tags if name is not None)
    return sight


def _look_at(registry: Registry, part: Sequence[Asked], watched: WatchedRepository, stopped: Event) -> _Sight:
    sight = _Sight()
    path = watched.repository.path
    for tag, ours in part:
        if stopped.is_set():
            break
        known = watched.tags.get(tag)
        try:
            found = registry.resolve(path, tag, known=known or ours)
        except NotFoundError:
            if known is not None:
                (sight.gone if tag in watched.missing else sight.missing).add(tag)
            continue
        except UnavailableError as error:
            sight.error = error
            if error.cause in _STOPS_THE_ROUND:
                stopped.set()
            continue
        if found.digest == ours and known is not None:
            # Rebuilt from the registry: it was taken for somebody's tag before the database knew it as ours.
            sight.gone.add(tag)
        elif found.digest not in (known, ours):
            sight.moved[tag] = found.digest
    return sight


def _open_new(
    room: Workroom, registry: Registry, scoped: ScopedPolicy, watched: WatchedRepository, sight: _Sight
) -> None:
    """Tells subjects from what is none. What could not be opened is left for the next round, unrecorded."""
    unread: set[Digest] = set()
    path = watched.repository.path
    for digest in dict.fromkeys(sight.moved.values()):
        if room.store.status(watched.repository, digest, now=room.clock.now()) is not None:
            sight.subjects.add(digest)
            continue
        try:
            manifest = registry.manifest(path, digest)
            subject = kind_of(registry, path, manifest).judged(scoped.scope.artifacts)
        except MalformedError:
            # Junk is judged (and found indeterminate by its own content): it must not be a hiding place.
            subject = True
        except NotFoundError:
            unread.add(digest)
            continue
        except UnavailableError as error:
            if not error.cause.blames_content:
                sight.error = error
                unread.add(digest)
                continue
            subject = True
        (sight.subjects if subject else sight.ignored).add(digest)
    sight.moved = {tag: digest for tag, digest in sight.moved.items() if digest not in unread}


def _record(
    room: Workroom, lease: Lease, watched: WatchedRepository, sight: _Sight, changed_tags: int
) -> None:
    now = room.clock.now()
    if sight.error is None:
        changed = bool(sight.moved or sight.gone or sight.missing)
        interval = adapted(room.limits, watched.interval, changed=changed)
        wait = interval * (0.9 + 0.2 * room.spread())
    else:
        interval = watched.interval
        wait = _wait_of(room.limits, sight.error)
    outcome = Round(
        moved=sight.moved,
        gone=frozenset(sight.gone),
        missing=frozenset(sight.missing),
        ignored=frozenset(sight.ignored),
        subjects=frozenset(sight.subjects),
        touched=frozenset(sight.touched),
        next_due=now + wait,
        interval=interval,
        known=len(watched.tags),
        changed=0 if watched.believed else changed_tags,
        error=None if sight.error is None else f"{sight.error.reason_code}: {sight.error.message}",
    )
    room.store.record_round(lease, outcome, now=now)


def adapted(limits: Limits, interval: timedelta, *, changed: bool) -> timedelta:
    """Halved after a change, half as long again after none, inside the limits; whole seconds."""
    seconds = interval.total_seconds() * (0.5 if changed else 1.5)
    return min(max(timedelta(seconds=int(seconds)), limits.interval_min), limits.interval_max)


def _back_off(room: Workroom, lease: Lease, watched: WatchedRepository, error: UnavailableError) -> None:
    wait = max(_wait_of(room.limits, error), watched.interval)
    room.store.release(lease, next_due=room.clock.now() + wait, error=f"{error.reason_code}: {error.message}")


def _wait_of(limits: Limits, error: UnavailableError) -> timedelta:
    asked = timedelta(seconds=error.retry_after or 0)
    return min(max(asked, limits.back_off), limits.back_off_max)
