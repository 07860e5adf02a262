"""Policy revisions: the one in force, and what it turned from passed to failed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatekeeper.core.reach import Reach
from gatekeeper.ports.work import JudgedSubject


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """What the policy in force changed of what was known before."""

    revision: str
    loaded_at: datetime
    turned: int
    """Digests that passed before and fail now, and of which nothing is done until the change is accepted."""
    waiting: int
    """Digests of which it is not known yet; counted only where something was turned."""
    accepted_at: datetime | None
    accepted_by: str | None
    accepted_reason: str | None

    @property
    def pending(self) -> bool:
        """True while something is kept back that a person has to accept."""
        return self.turned > 0 and self.accepted_at is None


class PolicyStore(Protocol):
    """What the scheduler and ``workflow.policy_change`` need."""

    def mark_policy(
        self, revision: str, *, now: datetime, reach: Reach | None = None, text: str | None = None
    ) -> int:
        """Marks every subject due that was not judged under ``revision`` by this version; returns how many.

        Where ``reach`` acts and the policy before did not, what was first seen before ``now`` is proposed only.
        """
        ...

    def policy_change(self, *, hosts: Collection[str] | None, now: datetime) -> PolicyChange | None:
        """What the policy in force turned; None before any. ``hosts``: registries that can be asked (None: all)."""
        ...

    def reach(self) -> Reach | None:
        """Where the policy in force acts; None before any policy."""
        ...

    def judged_subjects(self, *, after: int, limit: int) -> Sequence[JudgedSubject]:
        """Everything with a verdict, by rising id above ``after``."""
        ...

    def accept_change(self, revision: str, *, actor: str, reason: str, now: datetime) -> int:
        """What it turned may be acted on. NotFoundError: not in force; ConflictError: accepted already."""
        ...
