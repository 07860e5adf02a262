"""``feeds``: from a source or a file to a published version, and from there to subjects that are due.

1. the content is opened (its kind is recognised), and an import begins, or goes on where it broke off
2. records are written in batches under a version that nobody reads
3. one transaction publishes it; everything that it concerns is due from that moment
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from gatekeeper.core.errors import GatekeeperError, MalformedError, NotFoundError
from gatekeeper.core.feed import NAME_FORM, FeedKind, FeedSource, feed_name, is_feed_name
from gatekeeper.ports.feeds import FeedContent, Fetched, Progress
from gatekeeper.ports.vulnerabilities import (
    FeedFact,
    FeedImport,
    FeedProblem,
    FeedRecord,
    FeedRow,
    FeedSpec,
    Published,
    Weighed,
)
from gatekeeper.workflow.feed_artifacts import fetch_artifact
from gatekeeper.workflow.workroom import Workroom

BATCH = 500
_LEASE = timedelta(hours=2)
"""Longer than the largest first import takes; a crashed fetch is free again then, and resumes."""


@dataclass(frozen=True, slots=True)
class FeedOutcome:
    """What became of one feed. ``core.canonical.to_plain`` makes JSON of it."""

    name: str
    state: str
    """``published`` | ``unchanged`` | ``failed`` | ``busy`` (another process fetches it)."""
    reason_code: str
    message: str
    published: Published | None = None


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Nobody is told."""


def update(
    room: Workroom, names: tuple[str, ...] = (), *, forced: bool = True, told: Progress = silent
) -> tuple[FeedOutcome, ...]:
    """Fetches configured feeds; not ``forced``: those that are due. One that fails keeps nobody from the others.

    Raises NotFoundError for a name that is not configured.
    """
    sources = room.supply.sources()
    known = {source.name for source in sources}
    for name in names:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise NotFoundError(
                f"no feed {name!r} is configured below [[feeds.sources]]; there are: {listed}",
                reason_code="feed-not-configured",
            )
    wanted = [source for source in sources if not names or source.name in names]
    outcomes = [_update_one(room, source, forced=forced, told=told) for source in wanted]
    return tuple(outcome for outcome in outcomes if outcome is not None)


def _update_one(room: Workroom, source: FeedSource, *, forced: bool, told: Progress) -> FeedOutcome | None:
    """None: it is not due."""
    now = room.clock.now()
    spec = FeedSpec(source.name, source.kind, source.ecosystem, source.url)
    token = room.store.claim_feed(spec, now=now, lease_for=_LEASE, forced=forced)
    if token is None:
        busy = FeedOutcome(source.name, "busy", "feed-busy", "another process fetches it now")
        return busy if forced else None
    error: str | None = None
    renewed: datetime | None = None
    cursor: str | None = None
    try:
        with tempfile.TemporaryDirectory(prefix="gatekeeper-feed-") as folder:
            fetched = _fetch(room, source, Path(folder), told)
            if fetched.content is None:
                renewed, cursor = room.clock.now(), fetched.cursor
                return FeedOutcome(source.name, "unchanged", "feed-unchanged", "nothing is new")
            return _loaded(room, spec, fetched, told)
    except GatekeeperError as failed:
        error = failed.message
        return FeedOutcome(source.name, "failed", failed.reason_code, failed.message)
    finally:
        after = room.limits.back_off if error is not None else source.interval
        room.store.end_fetch(
            source.name,
            token,
            error=error,
            renewed_at=renewed,
            cursor=cursor,
            next_due=room.clock.now() + min(after, source.interval),
        )


def _fetch(room: Workroom, source: FeedSource, folder: Path, told: Progress) -> Fetched:
    cursor = room.store.feed_cursor(source.name)
    if source.url.startswith("oci:"):
        artifact = fetch_artifact(room, source, folder, cursor=cursor)
        if artifact.path is None:
            return Fetched(None, cursor=artifact.cursor)
        content = room.supply.reader.open(artifact.path, kind=source.kind)
        return Fetched(content, cursor=artifact.cursor)
    return room.supply.reader.fetch(source, folder, cursor=cursor, told=told)


def _loaded(room: Workroom, spec: FeedSpec, fetched: Fetched, told: Progress) -> FeedOutcome:
    assert fetched.content is not None
    published = load(room, spec, fetched.content, complete=fetched.complete, cursor=fetched.cursor, told=told)
    return outcome_of(published)


def import_file(
    room: Workroom,
    path: Path,
    *,
    name: str | None,
    kind: FeedKind | None,
    as_of: datetime | None,
    told: Progress,
) -> FeedOutcome:
    """One feed from a file or directory, whatever it is called. Raises MalformedError, UnavailableError."""
    if name is not None and not is_feed_name(name):
        raise MalformedError(
            f"{name!r} cannot be the name of a feed: write {NAME_FORM}", reason_code="feed-name-malformed"
        )
    if as_of is not None and as_of > room.clock.now():
        raise MalformedError(
            f"{as_of.isoformat()} lies ahead: a feed cannot be fetched later than now, it would never become stale",
            reason_code="feed-from-the-future",
        )
    content = room.supply.reader.open(path, kind=kind)
    spec = FeedSpec(
        name or feed_name(content.kind, content.ecosystem), content.kind, content.ecosystem, path.name
    )
    published = load(room, spec, content, complete=True, cursor=None, fetched_at=as_of, told=told)
    return outcome_of(published)


def load(
    room: Workroom,
    spec: FeedSpec,
    content: FeedContent,
    *,
    complete: bool,
    cursor: str | None,
    told: Progress,
    fetched_at: datetime | None = None,
) -> Published:
    """Imports and publishes. Raises MalformedError ``feed-empty`` for content without a single readable record."""
    if complete and all(isinstance(entry, FeedProblem) for entry in content.records()):
        raise MalformedError(
            f"{spec.source} holds no record that can be read; the feed {spec.name} stays as it is",
            reason_code="feed-empty",
        )
    under = room.store.begin_import(spec, sha256=content.sha256, now=room.clock.now())
    done = 0
    entries = content.records()
    for _ in range(under.done):
        next(entries, None)
        done += 1
    while batch := list(islice(entries, BATCH)):
        done += len(batch)
        _write(room, under, spec.kind, batch, done)
        told(f"importing {spec.name}", done, content.total)
    return room.store.publish(
        under,
        room.matcher,
        source=spec.source,
        complete=complete,
        fetched_at=fetched_at or room.clock.now(),
        cursor=cursor,
        now=room.clock.now(),
    )


def _write(
    room: Workroom,
    under: FeedImport,
    kind: FeedKind,
    batch: list[FeedRecord | FeedFact | FeedProblem],
    done: int,
) -> None:
    problems = [entry for entry in batch if isinstance(entry, FeedProblem)]
    now = room.clock.now()
    if kind is FeedKind.OSV:
        records = [entry for entry in batch if isinstance(entry, FeedRecord)]
        room.store.add_records(under, records, problems, room.matcher, done=done, now=now)
        return
    facts = [entry for entry in batch if isinstance(entry, FeedFact)]
    room.store.add_facts(under, facts, problems, done=done, now=now)


def outcome_of(published: Published) -> FeedOutcome:
    """What is told of a published version."""
    return FeedOutcome(published.feed, "published", "feed-published", _said(published), published)


def _said(published: Published) -> str:
    if not published.change:
        return f"{published.records} records; nothing changed"
    return (
        f"{published.records} records, {published.added} new or changed, {published.removed} gone or replaced;"
        f" {published.groups} groups of components are judged again"
    )


def accept(room: Workroom, name: str, *, actor: str, reason: str) -> FeedRow:
    """A person lets actions rest on the newest version. NotFoundError, ConflictError."""
    return room.store.accept_feed(name, actor=actor, reason=reason, now=room.clock.now())


def carry_on(room: Workroom) -> tuple[Weighed, ...]:
    """What follows from published versions: subjects are made due, versions are weighed, old rows swept away."""
    room.store.spread_changes(now=room.clock.now())
    limits = room.limits
    weighed = room.store.weigh(
        share=limits.feed_hold_share, minimum=limits.feed_hold_minimum, now=room.clock.now()
    )
    if any(not one.held for one in weighed):
        room.store.sweep()
    return weighed
