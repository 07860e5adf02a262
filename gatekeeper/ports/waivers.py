"""Waivers: added, listed, revoked; each use is recorded by ``VerifyStore.record``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatekeeper.core.waiver import Waiver


@dataclass(frozen=True, slots=True)
class WaiverRow:
    """A waiver or release with what it was used for."""

    waiver: Waiver
    uses: int
    """Digests (each in its repository) whose verdict it changed so far."""
    last_used_at: datetime | None
    case: str | None
    """The case that it released; None for a waiver."""


class WaiverStore(Protocol):
    """What ``workflow.waive`` needs."""

    def add_waiver(self, waiver: Waiver, *, actor: str, now: datetime) -> None:
        """Records it with an audit row; every subject that it could concern is due."""
        ...

    def waiver_rows(self) -> Sequence[WaiverRow]:
        """All, newest first."""
        ...

    def waiver_row(self, waiver_id: str) -> WaiverRow:
        """NotFoundError when there is none."""
        ...

    def revoke_waiver(self, waiver_id: str, *, actor: str, reason: str, now: datetime) -> None:
        """It accepts nothing from ``now`` on, and what it could concern is due. ConflictError when revoked already."""
        ...

    def announce_waivers(self, *, now: datetime, before: datetime) -> Sequence[Waiver]:
        """Those that end by ``before`` and were not told of yet, with an audit row each; told of from now on."""
        ...
