"""``enforce``: carry out one claimed intent, step by step, each step recorded before the next begins.

Every step can be repeated: a crash between a registry write and its record leads to the same write again, with the
same bytes. Errors keep the intent open and make it wait longer each time; nothing loops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gatekeeper.core.errors import (
    Cause,
    ConfigurationError,
    ConflictError,
    MalformedError,
    NotFoundError,
    NotOfferedError,
    UnavailableError,
)
from gatekeeper.core.lifecycle import Intent, IntentKind, IntentState
from gatekeeper.ports import Lease
from gatekeeper.workflow import anchor, attest, erase, promotion, replace_tag, restore, unhold
from gatekeeper.workflow.hold import HeldError
from gatekeeper.workflow.permission import UnwantedError, check, unwanted
from gatekeeper.workflow.work import Step, Work
from gatekeeper.workflow.workroom import Workroom

_STEPS: Mapping[IntentKind, Callable[[Work], Step]] = {
    IntentKind.QUARANTINE: replace_tag.step,
    IntentKind.RETAG: replace_tag.step,
    IntentKind.ROLLBACK: replace_tag.step,
    IntentKind.RESTORE: restore.step,
    IntentKind.PROMOTE: promotion.step,
    IntentKind.ANCHOR: anchor.step,
    IntentKind.UNHOLD: unhold.step,
    IntentKind.ATTEST: attest.step,
    IntentKind.ERASE: erase.step,
}
_REFUSALS = frozenset({Cause.METHOD_NOT_ALLOWED, Cause.FORBIDDEN, Cause.UNAUTHORIZED})


@dataclass(frozen=True, slots=True)
class Enforced:
    """How far an intent came. ``held``: the hold, or another brake, stopped it before a write."""

    intent: Intent
    held: bool = False
    error: UnavailableError | None = None


def enforce(room: Workroom, lease: Lease) -> Enforced:
    """Carries a claimed intent as far as it goes. Raises ConflictError when the lease was lost."""
    intent = room.store.intent(lease)
    error: UnavailableError | None = None
    while intent.state.open:
        work = _work(room, lease, intent)
        error = None
        try:
            step = unwanted(work) or _STEPS[intent.draft.kind](work)
        except HeldError as held:
            room.store.release(
                lease,
                next_due=room.clock.now() + room.limits.back_off,
                error=f"{held.reason_code}: {held.message}",
            )
            return Enforced(intent, held=True)
        except UnwantedError as stopped:
            step = stopped.step
        except UnavailableError as unavailable:
            error, step = unavailable, _failed(work, unavailable)
        except ConflictError as conflict:
            if conflict.reason_code == "lease-lost":
                raise
            step = work.stay(f"{conflict.reason_code}: {conflict.message}")
        except (NotFoundError, NotOfferedError, MalformedError, ConfigurationError) as refused:
            step = work.stay(f"{refused.reason_code}: {refused.message}")
        now = room.clock.now()
        retry_at = None if step.retry_after is None else now + step.retry_after
        intent = room.store.advance(lease, step.state, note=step.note, now=now, retry_at=retry_at)
        if retry_at is not None:
            break
    return Enforced(intent, error=error)


def _work(room: Workroom, lease: Lease, intent: Intent) -> Work:
    work = Work(room, lease, intent, lambda: check(work))
    return work


def _failed(work: Work, error: UnavailableError) -> Step:
    note = f"{error.reason_code}: {error.message}"
    if error.cause in _REFUSALS:
        note = f"the registry refuses this write, nothing was done: {note}"
        if work.draft.kind is IntentKind.PROMOTE and work.intent.state is not IntentState.WRITTEN:
            return Step(IntentState.ABANDONED, note)
    return work.stay(note)
