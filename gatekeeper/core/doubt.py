"""``weigh``: whether so much of a registry has changed at once that what it says is not believed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

ENOUGH_TAGS = 200
ENOUGH_SHARE = 20
"""A sample of so many tags, or of one in so many, speaks for a whole registry; of a small one the half does."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A registry of which nothing is recorded and where nothing is planned until it is believed again."""

    registry: str
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Unrest:
    """The tags of one registry, as the last round over each repository saw them."""

    known: int
    """Tags that are recorded."""
    looked_at: int
    """Those of them that were looked at since the first of the changes was seen."""
    changed: int
    """Those that had vanished or pointed elsewhere, whether that was recorded or not."""


class Weighed(StrEnum):
    """What follows from an unrest."""

    CALM = "calm"
    UNCLEAR = "unclear"
    """Much has changed of the little that was looked at: the rest has to be looked at first."""
    DOUBT = "doubt"


def weigh(unrest: Unrest, *, share: float, floor: int) -> Weighed:
    """Doubt when at least ``floor`` tags, and more than ``share`` of those looked at, have changed."""
    if unrest.changed < floor or unrest.changed <= share * unrest.looked_at:
        return Weighed.CALM
    enough = min(unrest.known // 2, max(ENOUGH_TAGS, unrest.known // ENOUGH_SHARE))
    return Weighed.DOUBT if unrest.looked_at >= enough else Weighed.UNCLEAR
