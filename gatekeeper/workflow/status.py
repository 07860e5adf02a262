"""``status``: the recorded answer about one digest, with one HEAD when a tag is asked for."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.policy import ScopedPolicy
from gatekeeper.core.reference import Reference
from gatekeeper.workflow import answer, graveyard
from gatekeeper.workflow.answer import Answer, AnswerState
from gatekeeper.workflow.brakes import brakes_at
from gatekeeper.workflow.workroom import Workroom

ASKED_PRIORITY = 100
"""Ahead of every sweep: somebody is waiting for the answer."""
POLL_SECONDS = 0.25


def status(room: Workroom, reference: Reference, *, wait: timedelta | None = None) -> Answer:
    """The answer now, or as soon as there is one that waiting cannot change any more.

    Raises NotFoundError (no such tag or digest), UnavailableError (registry or database could not be asked): exit
    code 5; ConfigurationError (the registry is not configured): exit code 3.
    """
    policy = room.policy()
    scoped = policy.resolve(reference.repository)
    if scoped is None:
        return answer.not_covered(reference.repository, reference.tag, reference.digest, policy)
    digest, shown = _resolve(room, reference)
    found = _look_up(room, reference, digest, scoped)
    if found is None:
        stranger = graveyard.look_at_stranger(room, reference, digest, scoped)
        if isinstance(stranger, Answer):
            return stranger
        digest, shown = stranger, stranger == digest and shown
        found = _look_up(room, reference, digest, scoped) or answer.unseen(
            reference.repository, digest, reference.tag
        )
    if found.state.final:
        return found
    if found.reason_code != "settling":
        tag = reference.tag if shown else None
        room.tag_lists.forget(reference.repository)
        room.store.mark_due(
            reference.repository, digest, tag=tag, priority=ASKED_PRIORITY, now=room.clock.now()
        )
    return found if wait is None else _wait(room, reference, found, wait)


def again(room: Workroom, reference: Reference, found: Answer) -> Answer:
    """What is recorded by now about the digest that ``found`` answers for. Asks no registry, makes nothing due."""
    policy = room.policy()
    scoped = policy.resolve(reference.repository)
    if scoped is None:
        return answer.not_covered(reference.repository, reference.tag, found.digest, policy)
    if found.digest is None:
        return found
    return _look_up(room, reference, found.digest, scoped) or found


def _resolve(room: Workroom, reference: Reference) -> tuple[Digest, bool]:
    """(the digest in question, True when the tag really shows it and not a tombstone of it)."""
    repository, tag = reference.repository, reference.tag
    if reference.digest is not None:
        return reference.digest, False
    if tag is None:
        raise MalformedError(f"{reference} names neither tag nor digest", reason_code="reference-incomplete")
    pointed = room.registries.get(repository.registry).resolve(repository.path, tag).digest
    original = room.store.tombstoned(repository, tag, pointed)
    return (pointed, True) if original is None else (original, False)


def _look_up(room: Workroom, reference: Reference, digest: Digest, scoped: ScopedPolicy) -> Answer | None:
    now = room.clock.now()
    row = room.store.status(reference.repository, digest, now=now)
    if row is None:
        return None
    found = answer.recorded(row, reference.tag, scoped, now=now, grace=room.limits.max_blind)
    if found.state not in (AnswerState.FAILED, AnswerState.QUARANTINED):
        return found
    return dataclasses.replace(found, brakes=brakes_at(room, reference.repository, reference.tag))


def _wait(room: Workroom, reference: Reference, found: Answer, wait: timedelta) -> Answer:
    deadline = room.clock.now() + wait
    while not found.state.final:
        left = (deadline - room.clock.now()).total_seconds()
        if left <= 0:
            return dataclasses.replace(
                found, reason_code="wait-ran-out", message=f"the wait ran out: {found.message}"
            )
        room.pause(min(POLL_SECONDS, left))
        found = again(room, reference, found)
    return found
