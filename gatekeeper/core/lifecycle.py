"""Cases and intents: what a person sees of an acted-on digest, and the journal of one registry action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gatekeeper.core.digest import Digest
from gatekeeper.core.policy import Action
from gatekeeper.core.reference import Repository


class CaseState(StrEnum):
    """``proposed -> open -> released | kept | restored | superseded`` (design, section 2).

    ``released``: a person accepted these findings. ``restored``: our action was undone, nothing was accepted.
    ``kept``: reviewed, stays quarantined; it may still be released or restored later. ``superseded``: the tag moved
    or the digest passed before anything was done.
    """

    PROPOSED = "proposed"
    OPEN = "open"
    RELEASED = "released"
    KEPT = "kept"
    RESTORED = "restored"
    SUPERSEDED = "superseded"

    @property
    def closed(self) -> bool:
        """True when nothing of ours is held for it any more."""
        return self in (CaseState.RELEASED, CaseState.RESTORED, CaseState.SUPERSEDED)


class Decision(StrEnum):
    """What a reviewer may decide."""

    RELEASE = "release"
    KEEP = "keep"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Case:
    """One acted-on or proposed digest in one repository, at one or more tags."""

    id: str
    repository: Repository
    digest: Digest
    tags: tuple[str, ...]
    state: CaseState
    action: Action
    reason_code: str
    """The verdict's reason code that opened it."""
    why_proposed: str | None
    """Reason code of why it is only a proposal (``mode-propose``, ``breaker-open``, ``protected`` …), if it is."""
    fingerprints: frozenset[str]
    """The findings that were shown; a release covers exactly these."""
    opened_at: datetime
    updated_at: datetime


class IntentKind(StrEnum):
    """What an intent does to the registry."""

    QUARANTINE = "quarantine"
    """Copy the closure to the quarantine repository, then replace the tag."""
    RETAG = "retag"
    """Keep the image under a quarantine tag in the same repository, then replace the tag."""
    ROLLBACK = "rollback"
    """Hold the image, then point the tag at the newest passed digest."""
    RESTORE = "restore"
    """Put a tag back to the digest it had (release and restore)."""
    PROMOTE = "promote"
    """Copy by digest with referrers to a target tag."""
    ANCHOR = "anchor"
    """Hold a passed digest by an anchor tag, for later rollbacks."""
    UNHOLD = "unhold"
    """Take away anchor tags that hold nothing any more."""
    ATTEST = "attest"
    """Hang a verdict on its image as a signed summary, or take away what no longer holds."""
    ERASE = "erase"
    """Delete by digest manifests that we wrote: tombstones, case records, quarantine copies (``decommission``)."""


ENFORCING = frozenset({IntentKind.QUARANTINE, IntentKind.RETAG, IntentKind.ROLLBACK})
"""Kinds that count against the caps and open the breaker."""


class IntentState(StrEnum):
    """``planned -> copied -> written -> confirmed``, or ``superseded | abandoned``."""

    PLANNED = "planned"
    COPIED = "copied"
    WRITTEN = "written"
    CONFIRMED = "confirmed"
    SUPERSEDED = "superseded"
    ABANDONED = "abandoned"

    @property
    def open(self) -> bool:
        """True while there is something left to do."""
        return self in (IntentState.PLANNED, IntentState.COPIED, IntentState.WRITTEN)

    def may_become(self, state: IntentState) -> bool:
        """True when an intent may go on to ``state``: forward (steps it has no work for are skipped), never back.

        An open intent may stay where it is, or end as superseded or abandoned; a finished one is final.
        """
        return self.open and (not state.open or _ORDER.index(state) >= _ORDER.index(self))


_ORDER = (IntentState.PLANNED, IntentState.COPIED, IntentState.WRITTEN)


@dataclass(frozen=True, slots=True)
class IntentDraft:
    """An intent before the store gives it an id. Everything needed to finish it after a crash is in here."""

    kind: IntentKind
    repository: Repository
    digest: Digest
    """The judged digest, the one thing this intent is about."""
    tag: str | None
    """The tag that is written; None for kinds that write none at the source."""
    expected: Digest | None
    """What ``tag`` must point at when it is written (else superseded); None: the tag must be absent or ours."""
    replacement: Digest | None
    """What ``tag`` will point at; None: a tombstone."""
    target: Repository | None
    """Quarantine repository or promotion target."""
    target_tag: str | None
    nonce: str
    """Random, 16 hexadecimal digits; makes tombstone and anchor names unique and replays byte-identical."""
    case_id: str | None
    actor: str
    reason: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Written on tombstone and quarantine tag: all that is needed to rebuild the case from the registry alone."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A recorded intent."""

    id: int
    draft: IntentDraft
    state: IntentState
    note: str
    """What was last said about it: why it was superseded or abandoned, what the registry could not do."""
    attempts: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Hold:
    """``hold on``: every registry write is stopped."""

    actor: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Breaker:
    """The breaker opened: enforcement is proposals until a person closes it with a reason."""

    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Brake:
    """Something that keeps registry writes from happening: which, by whom, why, since when."""

    name: str
    """``hold``, ``breaker``, ``registry-doubted``, ``policy-change``, ``cap-per-hour``, ``cap-per-repository``,
    ``protected``."""
    actor: str
    reason: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class CapUse:
    """How much of a cap is used."""

    cap: str
    limit: int
    used: int
    """Of the last hour; of a cap for each repository: the most that one has used."""
    reached: tuple[str, ...] = ()
    """Repositories that have used up theirs."""
    since: datetime | None = None
    """When it was used up; None while it is not."""


class Allowance(StrEnum):
    """Whether an act that is under way may go on: yes, or what stops it."""

    GRANTED = "granted"
    BREAKER = "breaker"
    PER_REPOSITORY = "per_repository"
    PER_HOUR = "per_hour"


@dataclass(frozen=True, slots=True)
class Caps:
    """Ceilings on enforcing intents (law 7)."""

    per_run: int = 10
    per_repository: int = 3
    per_hour: int = 30
    per_change: int = 5
    """Digests that a change of policy, keys or version may turn into failed and that are acted on all the same."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of the caps at the moment of planning, and the brakes."""

    run: int
    repository: int
    hour: int
    hold: Hold | None = None
    breaker: Breaker | None = None
    recovery: Hold | None = None
    """The registry shows more than the database knows: nothing acts by itself until a person has looked."""

    @property
    def exhausted(self) -> str | None:
        """The cap that is used up, by name, or None."""
        for name, left in (
            ("per_run", self.run),
            ("per_repository", self.repository),
            ("per_hour", self.hour),
        ):
            if left <= 0:
                return name
        return None


@dataclass(frozen=True, slots=True)
class CaseFile:
    """What is known about one (repository, tag, digest) when an action on the tag is considered."""

    tag: str
    points_at: Digest
    """What the tag points at by the last observation."""
    case: Case | None
    """The newest case of this digest in this repository, whatever its state."""
    predecessor: Digest | None
    """The newest digest that passed at this tag and can still be pulled; only an anchored one for a rollback."""
    failing_since: datetime | None
    """Since when the verdict has been indeterminate without interruption; None when it is not."""
    existing: bool = False
    """Seen before the scope began to act here."""
    turned: bool = False
    """A change of policy, keys or version turned it from passed to failed, and nobody has accepted that change."""
    feed_waits: bool = False
    """It fails only by a version of a feed that is still weighed, or held until a person accepts it."""
    stabilizing: bool = False
    """It fails only by what feeds say, and not for the stabilization window yet."""
