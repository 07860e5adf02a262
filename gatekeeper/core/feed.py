"""Feeds: where vulnerability knowledge comes from, and how fresh it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class FeedKind(StrEnum):
    """What a feed tells."""

    OSV = "osv"
    """Advisories in the OSV schema (https://ossf.github.io/osv-schema/)."""
    KEV = "kev"
    """CISA's catalog of known exploited vulnerabilities."""
    EPSS = "epss"
    """FIRST's exploit prediction scores."""
    END_OF_LIFE = "endoflife"
    """When releases of operating systems end (https://endoflife.date)."""


_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
NAME_FORM = "lower-case letters, digits, '.', '_' and '-', at most 63"


def is_feed_name(text: str) -> bool:
    """True for what may be the name of a feed: it becomes part of file names."""
    return _NAME.fullmatch(text) is not None


def feed_name(kind: FeedKind, ecosystem: str = "") -> str:
    """What a feed is called when nobody says otherwise: ``osv-debian``, ``osv-red-hat``, ``kev``."""
    slug = re.sub(r"[^a-z0-9]+", "-", ecosystem.lower()).strip("-")
    return f"{kind}-{slug}" if slug else str(kind)


@dataclass(frozen=True, slots=True)
class FeedSource:
    """Where a feed is fetched from, and how often."""

    name: str
    kind: FeedKind
    ecosystem: str
    """Of an OSV dump; else empty."""
    url: str
    """``https://…``, ``file:///…`` or ``oci:registry/repository[:tag][@digest]``."""
    interval: timedelta
    signers: tuple[str, ...] = ()
    """Of the policy; any one of them must have signed what ``oci:`` names."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """A feed as it was when something was judged by it."""

    name: str
    kind: FeedKind
    ecosystem: str
    """The one ecosystem of an OSV dump, without its release: ``Debian``, ``npm``; empty: whatever its records name."""
    version: int
    """Counts its published imports."""
    fetched_at: datetime
    """When its source was last asked with success."""
    good_until: datetime
    """From then on it is too old to be believed."""
    held: bool = False
    """True while its newest version changes more than the configured share of verdicts and nobody accepted it."""

    def concerns(self, ecosystem: str) -> bool:
        """True when advisories of this ecosystem may come from it, whatever its release."""
        return self.kind is FeedKind.OSV and self.ecosystem in ("", ecosystem.partition(":")[0])
