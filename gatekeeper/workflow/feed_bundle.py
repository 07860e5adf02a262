"""``feed_bundle``: feeds for a site that has no network, signed on the one side, verified on the other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from gatekeeper.core.errors import NotFoundError
from gatekeeper.ports.feeds import BundledFeed, Progress
from gatekeeper.ports.vulnerabilities import FeedFact, FeedSpec
from gatekeeper.workflow.feeds import FeedOutcome, load, outcome_of
from gatekeeper.workflow.workroom import Workroom

_PAGE = 500


def export_bundle(
    room: Workroom,
    path: Path,
    names: tuple[str, ...],
    *,
    seal: Callable[[bytes, str], bytes],
    told: Progress,
) -> tuple[str, ...]:
    """Writes the newest version of these feeds (none named: of all); returns their names.

    ``seal`` signs a statement of a predicate type. Raises NotFoundError, UnavailableError.
    """
    rows = [row for row in room.store.feeds() if row.version > 0 and (not names or row.name in names)]
    for name in names:
        room.store.feed(name)
    if not rows:
        raise NotFoundError(
            "there is no feed to export; run `gatekeeper feed update` first", reason_code="feed-unknown"
        )
    feeds = [
        BundledFeed(
            FeedSpec(row.name, row.kind, row.ecosystem, row.source),
            row.fetched_at or room.clock.now(),
            _lines(room, row.name, row.records, told),
        )
        for row in rows
    ]
    with tempfile.TemporaryDirectory(prefix="gatekeeper-feed-") as folder:
        room.supply.reader.pack(path, feeds, Path(folder), created=room.clock.now(), seal=seal)
    return tuple(row.name for row in rows)


def _lines(room: Workroom, name: str, total: int, told: Progress) -> Iterator[bytes]:
    after = done = 0
    while page := room.store.feed_records(name, after=after, limit=_PAGE):
        for record in page:
            content: bytes | FeedFact = record.content
            yield room.supply.reader.line_of(content)
        after = page[-1].position
        done += len(page)
        told(f"exporting {name}", done, total)


def import_bundle(
    room: Workroom, path: Path, *, opened: Callable[[bytes], bytes], told: Progress
) -> tuple[FeedOutcome, ...]:
    """Imports every feed of a bundle, each as old as it was where it comes from. All are verified before the first.

    Raises what ``opened`` raises (nobody trusted signed it), MalformedError, UnavailableError.
    """
    with tempfile.TemporaryDirectory(prefix="gatekeeper-feed-") as folder:
        feeds = room.supply.reader.unpack(path, Path(folder), opened=opened)
        return tuple(
            outcome_of(
                load(
                    room,
                    feed.spec,
                    feed.content,
                    complete=True,
                    cursor=None,
                    told=told,
                    fetched_at=min(feed.fetched_at, room.clock.now()),
                )
            )
            for feed in feeds
        )
