"""Waivers: accepted deviations. A release is one too: it accepts exactly the fingerprints a person was shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gatekeeper.core.digest import Digest


@dataclass(frozen=True, slots=True)
class WaiverLimits:
    """How long a waiver may hold, and how long before its end it is told of."""

    longest: timedelta = timedelta(days=90)
    announce: timedelta = timedelta(days=7)


class WaiverState(StrEnum):
    """Whether a waiver still accepts anything."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Waiver:
    """Accepts findings of ``rule`` (or exactly ``fingerprints``) in a scope until it ends.

    ``digest`` and ``repository_glob`` both narrow: when both are set, both must match. ``fingerprints`` empty means
    every finding of ``rule``; ``rule`` None is allowed only together with fingerprints.
    """

    id: str
    rule: str | None
    fingerprints: frozenset[str]
    digest: Digest | None
    repository_glob: str
    reason: str
    owner: str
    approver: str | None
    expires_at: datetime | None
    """None only for a release without an end."""
    added_at: datetime | None = None
    """None only before it is recorded."""
    revoked_at: datetime | None = None

    def state(self, now: datetime) -> WaiverState:
        """Revoked stays revoked, also after it would have ended by itself."""
        if self.revoked_at is not None and self.revoked_at <= now:
            return WaiverState.REVOKED
        return WaiverState.ACTIVE if self.active(now) else WaiverState.EXPIRED

    def active(self, now: datetime) -> bool:
        """False from the very second of expiry or revocation on."""
        return all(end is None or now < end for end in (self.expires_at, self.revoked_at))
