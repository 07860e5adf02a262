"""``hold`` and the breaker: brakes that survive restarts."""

from __future__ import annotations

from gatekeeper.core.errors import DeniedError, MalformedError
from gatekeeper.core.lifecycle import Allowance, Breaker, Hold, Intent
from gatekeeper.ports import BrakeStore
from gatekeeper.workflow.workroom import Workroom


class HeldError(DeniedError):
    """A registry write was stopped by ``hold on``, or by a brake that keeps us from acting by ourselves."""


def check_hold(store: BrakeStore) -> None:
    """Called before every registry write. Raises HeldError while the hold is on.

    A database that is behind the registry holds too: what it planned may have been decided otherwise since.
    """
    hold = store.hold() or store.recovery()
    if hold is not None:
        raise HeldError(
            f"every registry write is stopped since {hold.since:%Y-%m-%d %H:%M} UTC by {hold.actor}: {hold.reason};"
            " run `gatekeeper hold off` to go on",
            reason_code="held",
        )


def check_brakes(room: Workroom, intent: Intent) -> None:
    """Called before every write of an intent that takes a tag away from an image.

    Raises HeldError while its registry is doubted, while the breaker is open, and when the caps in force allow fewer
    acts than there are with this one: then the breaker opens. Whoever closes it lets go on what waits.
    """
    host = intent.draft.repository.registry
    doubted = next((doubt for doubt in room.store.doubts() if doubt.registry == host), None)
    if doubted is not None:
        raise HeldError(f"{host} is not believed: {doubted.reason}", reason_code="registry-doubted")
    now = room.clock.now()
    match room.store.allowance(intent.id, room.caps, now=now):
        case Allowance.BREAKER:
            raise HeldError(
                "the breaker is open; run `gatekeeper breaker close` to go on", reason_code="breaker-open"
            )
        case Allowance.PER_HOUR | Allowance.PER_REPOSITORY as cap:
            room.store.trip_breaker(cap, now=now)
            name = cap.replace("_", "-")
            raise HeldError(f"the cap `{cap}` allows no more: the breaker is open", reason_code=f"cap-{name}")


def hold_on(room: Workroom, *, actor: str, reason: str) -> Hold:
    """Stops every registry write at once. Switching it on twice keeps the first."""
    said = _said(reason)
    existing = room.store.hold()
    if existing is not None:
        return existing
    now = room.clock.now()
    hold = Hold(actor, said, now)
    room.store.set_hold(hold, actor=actor, reason=said, now=now)
    return hold


def hold_off(room: Workroom, *, actor: str, reason: str) -> None:
    """Lets registry writes go on, also where the database was found to be behind. Nothing happens when it is off."""
    said = _said(reason)
    if room.store.hold() is not None:
        room.store.set_hold(None, actor=actor, reason=said, now=room.clock.now())
    end_recovery(room, actor=actor, reason=said)


def end_recovery(room: Workroom, *, actor: str, reason: str) -> None:
    """A person has looked at what the registry shows. Nothing happens when nobody had to."""
    if room.store.recovery() is not None:
        room.store.set_recovery(None, actor=actor, reason=reason, now=room.clock.now())


def close_breaker(room: Workroom, *, actor: str, reason: str) -> None:
    """Lets enforcement act again. Raises ConflictError when the breaker is not open."""
    room.store.close_breaker(actor=actor, reason=_said(reason), now=room.clock.now())


def brakes(room: Workroom) -> tuple[Hold | None, Breaker | None]:
    """The hold and the breaker, each None while it is off."""
    return room.store.hold(), room.store.breaker()


def _said(reason: str) -> str:
    said = reason.strip()
    if not said:
        raise MalformedError("say why: the reason must not be empty", reason_code="reason-missing")
    return said
