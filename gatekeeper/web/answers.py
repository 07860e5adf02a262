"""The answers of ``/v1`` that are no values of the core: pages, brakes, a listed image, a new token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gatekeeper.core.digest import Digest
from gatekeeper.core.event import Event
from gatekeeper.core.lifecycle import Brake, Breaker, CapUse, Hold
from gatekeeper.core.reference import Repository
from gatekeeper.core.verdict import State
from gatekeeper.ports import ApiToken, PolicyChange, StatusRow


@dataclass(frozen=True, slots=True)
class ListedImage:
    """A judged digest on a page of images."""

    repository: Repository
    digest: Digest
    tags: tuple[str, ...]
    first_seen: datetime
    due: bool
    """True when it waits for a new judgement."""
    state: State | None
    reason_code: str | None
    decided_at: datetime | None
    case: str | None
    """Id of its newest case."""

    @classmethod
    def of(cls, row: StatusRow) -> ListedImage:
        """A stored row as it is listed."""
        verdict = row.verdict
        return cls(
            repository=row.repository,
            digest=row.digest,
            tags=row.tags,
            first_seen=row.first_seen,
            due=row.due,
            state=verdict.state if verdict is not None else None,
            reason_code=verdict.reason_code if verdict is not None else None,
            decided_at=verdict.decided_at if verdict is not None else None,
            case=row.case.id if row.case is not None else None,
        )


@dataclass(frozen=True, slots=True)
class PageOf:
    """The type of a page: ``{"items": [...], "next": cursor | null}``."""

    item: type


@dataclass(frozen=True, slots=True)
class Members:
    """The type of an object without a ``type`` member of its own."""

    name: str
    members: tuple[tuple[str, object], ...]


BRAKES = Members(
    "Brakes",
    (
        ("hold", Hold | None),
        ("breaker", Breaker | None),
        ("brakes", tuple[Brake, ...]),
        ("caps", tuple[CapUse, ...]),
    ),
)
POLICY_IN_FORCE = Members("PolicyInForce", (("change", PolicyChange | None),))
EVENTS = Members("Events", (("items", tuple[Event, ...]), ("newest", int)))
RESENT = Members("Resent", (("resent", int),))
NEW_TOKEN = Members("NewToken", (("token", ApiToken), ("text", str)))
