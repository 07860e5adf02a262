"""Waivers: accepted deviations. A release is one too: it accepts exactly the fingerprints a person was shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gatekeeper.core.digest import Digest


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

    def active(self, now: datetime) -> bool:
        """False from the very second of expiry or revocation on."""
        return all(end is None or now < end for end in (self.expires_at, self.revoked_at))
