"""What is recorded about whole registries: whether they are believed, and whether they can be read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatekeeper.core.doubt import Doubt, Unrest
from gatekeeper.core.reference import Repository
from gatekeeper.ports.work import Lease

CATALOG_UNREAD = "catalog-unread"
"""The alarm that lasts while a registry's list of repositories cannot be read."""


def registry_subject(host: str) -> str:
    """How events and the audit trail name a registry."""
    return f"registry {host}"


@dataclass(frozen=True, slots=True)
class RegistryRow:
    """One registry by what its repositories told."""

    host: str
    repositories: int
    blind: int
    """Repositories that nobody could read for longer than is allowed."""
    blind_since: datetime | None
    """When the first of those was read last."""
    blind_example: str | None
    """One of those, with the error of its last round."""
    doubt: Doubt | None
    unlisted_since: datetime | None = None
    """Since when its list of repositories could not be read, when that is longer than is allowed."""


@dataclass(frozen=True, slots=True)
class BlindRepository:
    """One repository that nobody could read for longer than is allowed."""

    repository: Repository
    since: datetime
    """When it was read last, or when it became known."""
    error: str | None
    """Of its last round; None when no round has begun since."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What a round saw that is not recorded."""

    known: int
    changed: int
    next_due: datetime


class RegistryStore(Protocol):
    """What ``workflow.doubt`` needs."""

    def unrest(self, lease: Lease, *, known: int, changed: int, since: datetime) -> Unrest:
        """The leased repository with these figures, and the others as seen since the first change after ``since``."""
        ...

    def doubts(self) -> tuple[Doubt, ...]:
        """Registries that are not believed."""
        ...

    def doubt(self, host: str, *, reason: str, now: datetime) -> bool:
        """Believes nothing of it from now on. False when that is so already."""
        ...

    def record_glance(self, lease: Lease, glance: Glance, *, now: datetime) -> None:
        """Remembers what a round saw without recording any of it; fenced by the lease."""
        ...

    def believe(
        self, host: str, *, actor: str, reason: str, now: datetime, dues: Sequence[float], accepted: bool
    ) -> int:
        """Believes it again; returns how many repositories that concerns. NotFoundError when it is not doubted.

        Its repositories are due after ``dues`` seconds in turn, the one that changed last first. ``accepted``: what
        each shows then is recorded whatever it is.
        """
        ...

    def repositories_of(self, host: str) -> int:
        """How many are known."""
        ...

    def registry_rows(self, *, hosts: Collection[str], blind_before: datetime) -> Sequence[RegistryRow]:
        """The registries by their hosts; those that nothing is known of yet included."""
        ...

    def blind_repositories(
        self, host: str, *, blind_before: datetime, limit: int
    ) -> Sequence[BlindRepository]:
        """Those of a registry that were not read since ``blind_before``, the one that was read first before all."""
        ...
