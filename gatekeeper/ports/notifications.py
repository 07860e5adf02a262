"""Events, and how they are delivered to the webhooks that people configured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from gatekeeper.core.event import Event


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one endpoint, claimed: whoever else claims it later has a higher token."""

    id: int
    token: int
    endpoint: str
    attempts: int
    """Those that failed before."""
    event: Event


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that an endpoint never took."""

    id: int
    endpoint: str
    attempts: int
    error: str
    dead_at: datetime
    event: Event


class Notifier(Protocol):
    """Delivers events."""

    def endpoints(self) -> Mapping[str, tuple[str, ...]]:
        """Name -> globs over the kinds of events that it is told."""
        ...

    def send(self, endpoint: str, event: Event, *, now: datetime) -> None:
        """Raises UnavailableError when it was not taken, NotOfferedError when the endpoint is gone for good."""
        ...


class OutboxStore(Protocol):
    """Events and their deliveries. Events are recorded by the audit trail, in the transaction they tell of."""

    def events(self, *, after: int, limit: int) -> Sequence[Event]:
        """In order."""
        ...

    def newest_event(self) -> int:
        """0 when there is none."""
        ...

    def address_events(self, endpoints: Mapping[str, tuple[str, ...]], *, now: datetime) -> int:
        """Makes a delivery of each new event for each endpoint that wants it; returns how many."""
        ...

    def claim_delivery(self, endpoint: str, *, now: datetime, lease_for: timedelta) -> Delivery | None:
        """The oldest that waits, when it is due and free: later ones wait behind it, so that order is kept."""
        ...

    def delivered(self, delivery: Delivery) -> None:
        """It was taken. Nothing happens when another has claimed it meanwhile."""
        ...

    def not_delivered(
        self, delivery: Delivery, *, error: str, now: datetime, retry_at: datetime | None
    ) -> None:
        """It was not taken: again at ``retry_at``, or never (None) until a person says so."""
        ...

    def dead_letters(self) -> Sequence[DeadLetter]:
        """Oldest first, at most 1,000."""
        ...

    def resend(self, ids: Sequence[int] | None, *, actor: str, reason: str, now: datetime) -> int:
        """Makes dead letters due again, all of them for None; returns how many. NotFoundError for an unknown id."""
        ...

    def forget_events(self, *, before: datetime) -> int:
        """Drops events older than this that wait for nobody; returns how many."""
        ...

    def raise_alarm(self, kind: str, subject: str, *, reason: str, now: datetime) -> bool:
        """Tells people once; False when they know already."""
        ...

    def alarms(self, kind: str) -> Mapping[str, datetime]:
        """What lasts of this kind: subject and since when."""
        ...

    def end_alarms(
        self, kind: str, lasting: frozenset[str], *, told_as: str, now: datetime
    ) -> tuple[str, ...]:
        """Ends every alarm of this kind whose subject is not among ``lasting``, and tells so; returns those."""
        ...
