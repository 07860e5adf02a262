"""``policy_change``: what another policy, key set or version turned from passed to failed, and who lets it act."""

from __future__ import annotations

from gatekeeper.core.errors import MalformedError
from gatekeeper.ports import PolicyChange
from gatekeeper.workflow.workroom import DAEMON, Workroom


def change(room: Workroom) -> PolicyChange | None:
    """What the policy in force turned; None before a daemon has loaded any."""
    return room.store.policy_change(hosts=None, now=room.clock.now())


def weigh(room: Workroom) -> PolicyChange | None:
    """Accepts a change that stays within the cap, once that is certain: what is not judged yet counts against it."""
    found = room.store.policy_change(hosts=room.registries.hosts(), now=room.clock.now())
    if found is None or not found.pending:
        return found
    cap = room.caps.per_change
    if found.turned + found.waiting > cap:
        return found
    reason = f"it turned {found.turned} digests, at most {cap} flow"
    room.store.accept_change(found.revision, actor=DAEMON, reason=reason, now=room.clock.now())
    return change(room)


def accept(room: Workroom, revision: str, *, actor: str, reason: str) -> PolicyChange:
    """A person accepts what ``revision`` turned: within caps and brakes it is acted on from now on.

    Raises NotFoundError when it is not in force, ConflictError when it was accepted already, MalformedError for an
    empty reason.
    """
    said = reason.strip()
    if not said:
        raise MalformedError("say why: the reason must not be empty", reason_code="reason-missing")
    room.store.accept_change(revision, actor=actor, reason=said, now=room.clock.now())
    found = change(room)
    assert found is not None, "a policy that was accepted is in force"
    return found
