"""``waive``: a person accepts a deviation for a while, takes that back, and is told before it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.globs import repository_glob_trouble
from gatekeeper.core.rules.catalogue import RULES
from gatekeeper.core.waiver import Waiver, WaiverState
from gatekeeper.ports import WaiverRow
from gatekeeper.workflow.workroom import Workroom


@dataclass(frozen=True, slots=True)
class ListedWaiver:
    """A waiver or release as people see it."""

    id: str
    state: WaiverState
    rule: str | None
    """None for a release: it accepts exactly the findings that its case showed."""
    digest: Digest | None
    repositories: str
    reason: str
    owner: str
    added_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    ending: bool
    """It ends within the time in which ends are announced."""
    uses: int
    """Digests whose verdict it changed so far."""
    last_used_at: datetime | None
    case: str | None
    """The case that it released."""


def add(
    room: Workroom,
    *,
    rule: str,
    digest: str | None,
    repositories: str | None,
    reason: str,
    owner: str | None,
    expires_at: datetime,
    actor: str,
) -> ListedWaiver:
    """Records a waiver of one rule for a digest, for the repositories of a glob, or for a digest in these alone.

    Raises MalformedError with what to write instead.
    """
    now = room.clock.now()
    if rule not in RULES:
        raise MalformedError(
            f"there is no rule {rule!r}; a waiver names one of: {', '.join(sorted(RULES))}",
            reason_code="waiver-rule-unknown",
        )
    if digest is None and repositories is None:
        raise MalformedError(
            "a waiver names a digest, a glob of repositories, or both", reason_code="waiver-without-scope"
        )
    glob = repositories or "**"
    trouble = repository_glob_trouble(glob)
    if trouble is not None:
        raise MalformedError(f"the glob {glob!r} {trouble}", reason_code="waiver-glob-malformed")
    _refuse_end(room, expires_at, now)
    waiver = Waiver(
        id=f"w-{room.nonce()}",
        rule=rule,
        fingerprints=frozenset(),
        digest=None if digest is None else Digest.parse(digest),
        repository_glob=glob,
        reason=said(reason),
        owner=(owner or actor).strip() or actor,
        approver=actor,
        expires_at=expires_at,
    )
    room.store.add_waiver(waiver, actor=actor, now=now)
    return shown(room, waiver.id)


def shown(room: Workroom, waiver_id: str) -> ListedWaiver:
    """One of them. NotFoundError when there is none."""
    return _listed(room, room.store.waiver_row(waiver_id))


def listing(room: Workroom, *, ended: bool) -> tuple[ListedWaiver, ...]:
    """Waivers and releases, newest first; with ``ended`` also those that accept nothing any more."""
    every = (_listed(room, row) for row in room.store.waiver_rows())
    return tuple(one for one in every if ended or one.state is WaiverState.ACTIVE)


def revoke(room: Workroom, waiver_id: str, *, actor: str, reason: str) -> ListedWaiver:
    """It accepts nothing any more. NotFoundError, ConflictError when it was revoked already."""
    room.store.revoke_waiver(waiver_id, actor=actor, reason=said(reason), now=room.clock.now())
    return shown(room, waiver_id)


def announce(room: Workroom) -> Sequence[Waiver]:
    """Waivers and releases that end soon and were not told of yet; the audit trail has a row for each."""
    now = room.clock.now()
    return room.store.announce_waivers(now=now, before=now + room.waiver_limits.announce)


def refuse_past(expires_at: datetime, now: datetime) -> None:
    """Raises MalformedError for an end that is over."""
    if expires_at <= now:
        raise MalformedError(
            f"it would have ended already: {expires_at:%Y-%m-%d %H:%M:%S} UTC is over",
            reason_code="waiver-end-passed",
        )


def said(reason: str) -> str:
    """The reason without white space around it. Raises MalformedError when there is none."""
    text = reason.strip()
    if not text:
        raise MalformedError("say why: the reason must not be empty", reason_code="reason-missing")
    return text


def _refuse_end(room: Workroom, expires_at: datetime, now: datetime) -> None:
    refuse_past(expires_at, now)
    longest = room.waiver_limits.longest
    if expires_at - now > longest:
        raise MalformedError(
            f"a waiver holds for at most {longest.days} days and {longest.seconds // 3600} hours: until "
            f"{now + longest:%Y-%m-%d %H:%M:%S} UTC ([waivers] longest in config.toml)",
            reason_code="waiver-too-long",
        )


def _listed(room: Workroom, row: WaiverRow) -> ListedWaiver:
    now, waiver = room.clock.now(), row.waiver
    state = waiver.state(now)
    end = waiver.expires_at
    return ListedWaiver(
        id=waiver.id,
        state=state,
        rule=waiver.rule,
        digest=waiver.digest,
        repositories=waiver.repository_glob,
        reason=waiver.reason,
        owner=waiver.owner,
        added_at=waiver.added_at,
        expires_at=end,
        revoked_at=waiver.revoked_at,
        ending=state is WaiverState.ACTIVE and end is not None and end - now <= room.waiver_limits.announce,
        uses=row.uses,
        last_used_at=row.last_used_at,
        case=row.case,
    )
