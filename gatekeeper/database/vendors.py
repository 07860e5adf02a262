"""Who judges a component that an OS package brought: the distribution's feed while there is one, else its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, or_

from gatekeeper.core.feed import FeedKind, FeedState
from gatekeeper.database import tables
from gatekeeper.database.feeds import feed_rows, states_of


def covered(feeds: Sequence[FeedState], ecosystem: str) -> bool:
    """True when a feed tells of this ecosystem."""
    return any(feed.covers(ecosystem) for feed in feeds)


def left_to_vendor(feeds: Sequence[FeedState], vendor: str) -> bool:
    """True for a component whose own ecosystem's advisories do not count. ``vendor``: empty when nobody brought it."""
    return bool(vendor) and covered(feeds, vendor)


def judged_by_its_own(connection: Connection) -> ColumnElement[bool]:
    """A condition on ``component``: the opposite of ``left_to_vendor``, by the feeds that there are."""
    vendor = tables.component.c.vendor
    feeds = states_of(feed_rows(connection), timedelta())
    ecosystems = {feed.ecosystem for feed in feeds if feed.kind is FeedKind.OSV}
    if "" in ecosystems:
        return vendor.is_(None)
    return or_(vendor.is_(None), vendor.not_in(sorted(ecosystems)))
