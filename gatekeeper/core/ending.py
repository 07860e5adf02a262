"""What ends at a known moment: credentials that we sign in with, and what signatures are verified with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

ANNOUNCED = timedelta(days=14)
"""How long before its end a thing is told of: new keys and certificates have to be ordered and rolled out."""
LIFE_PART = 4
"""What lives short is told of in the last quarter of its life alone: else it would end soon from its first day."""


class EndingKind(StrEnum):
    """What ends."""

    CREDENTIAL = "credential"
    TRUST_ROOT = "trust-root"


class Nearness(StrEnum):
    """How an end lies to a moment."""

    FAR = "far"
    NEAR = "near"
    OVER = "over"
    OUTLIVED = "outlived"
    """Over, and something beside it goes on in its place."""


@dataclass(frozen=True, slots=True)
class Ending:
    """One thing with an end."""

    kind: EndingKind
    subject: str
    """``trust root NAME: certificate authorities``, ``client certificate of HOST`` …; the same until it is renewed."""
    ends_at: datetime
    begins_at: datetime | None
    """When its life began; None where nobody says."""
    consequence: str
    """What is so from then on."""
    remedy: str
    outlived: bool = False
    """Something of the same kind beside it lasts longer: once it has ended there is nothing to mend."""

    def nearness(self, now: datetime) -> Nearness:
        """How near the end is."""
        left = self.ends_at - now
        if left <= timedelta():
            return Nearness.OUTLIVED if self.outlived else Nearness.OVER
        life = None if self.begins_at is None else self.ends_at - self.begins_at
        announced = ANNOUNCED if life is None else min(ANNOUNCED, life / LIFE_PART)
        return Nearness.NEAR if left < announced else Nearness.FAR

    def told(self, now: datetime) -> str:
        """One sentence for people."""
        verb = "ended" if self.ends_at <= now else "ends"
        return f"{verb} at {self.ends_at:%Y-%m-%d %H:%M} UTC; {self.consequence}"
