"""``notify``: events are delivered to each endpoint in order, again and again until it takes them or is given up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from gatekeeper.core.errors import ConflictError, NotFoundError, NotOfferedError, UnavailableError
from gatekeeper.core.event import Event
from gatekeeper.ports import Delivery
from gatekeeper.workflow.workroom import Workroom

MOST_IN_A_ROW = 100
LEASE = timedelta(minutes=2)
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=1)
ATTEMPTS = 24
"""Some sixteen hours of an endpoint that is away; then a message is a dead letter, until a person sends it again."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What happened at one endpoint. ``trouble``: why it stopped taking messages."""

    endpoint: str
    sent: int
    trouble: str | None = None
    dead: bool = False
    """True when the last message was given up."""


def address(room: Workroom) -> int:
    """Makes deliveries of what is new; returns how many."""
    return room.store.address_events(room.notifier.endpoints(), now=room.clock.now())


def deliver(room: Workroom, endpoint: str) -> Delivered:
    """Delivers what is due at one endpoint. The first message that is not taken ends it: the others would wait too."""
    sent = 0
    while sent < MOST_IN_A_ROW:
        now = room.clock.now()
        delivery = room.store.claim_delivery(endpoint, now=now, lease_for=LEASE)
        if delivery is None:
            break
        try:
            room.notifier.send(endpoint, delivery.event, now=now)
        except UnavailableError as error:
            return _not_taken(room, delivery, sent, error.message, again=delivery.attempts + 1 < ATTEMPTS)
        except NotOfferedError as error:
            return _not_taken(room, delivery, sent, error.message, again=False)
        room.store.delivered(delivery)
        sent += 1
    return Delivered(endpoint, sent)


def _not_taken(room: Workroom, delivery: Delivery, sent: int, why: str, *, again: bool) -> Delivered:
    now = room.clock.now()
    factor: int = 2 ** min(delivery.attempts, 16)
    wait = min(FIRST_WAIT * factor, LONGEST_WAIT) * (0.9 + 0.2 * room.spread())
    room.store.not_delivered(delivery, error=why, now=now, retry_at=now + wait if again else None)
    return Delivered(delivery.endpoint, sent, why, dead=not again)


def follow(room: Workroom, *, after: int, limit: int) -> Mapping[str, object]:
    """``items``: events after this one, in order; ``newest``: the id of the last one there is."""
    return {
        "items": tuple(room.store.events(after=after, limit=limit)),
        "newest": room.store.newest_event(),
    }


def resend(room: Workroom, ids: Sequence[int] | None, *, actor: str, reason: str) -> int:
    """Makes dead letters due again, all of them for None; returns how many. NotFoundError for an unknown one."""
    return room.store.resend(ids, actor=actor, reason=reason, now=room.clock.now())


def try_out(room: Workroom, endpoint: str, *, actor: str) -> None:
    """Sends one message at once, recorded nowhere. Raises what the endpoint answers, NotFoundError for another name."""
    if endpoint not in room.notifier.endpoints():
        raise NotFoundError(
            f"no webhook is called {endpoint}; configured are: "
            f"{', '.join(sorted(room.notifier.endpoints())) or 'none'}",
            reason_code="webhook-unknown",
        )
    now = room.clock.now()
    event = Event(0, now, "notification-test", f"webhook {endpoint}", actor, "a person tries it out", {}, 0)
    try:
        room.notifier.send(endpoint, event, now=now)
    except NotOfferedError as error:
        raise ConflictError(error.message, reason_code=error.reason_code) from error
