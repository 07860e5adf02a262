"""``plan``: from a verdict to what may be done about one tag. Pure; the caller records and carries out."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.core.digest import Digest
from gatekeeper.core.lifecycle import IntentKind
from gatekeeper.core.policy import Action


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing to do, and why: ``passed``, ``settling``, ``action-report``, ``mode-observe``, ``held`` …"""

    reason_code: str


@dataclass(frozen=True, slots=True)
class Propose:
    """A case for a person, no write. ``trips_breaker`` names the cap that was used up."""

    action: Action
    why: str
    trips_breaker: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Carry out: open a case and write an intent of this kind. ``replacement`` None means a tombstone."""

    action: Action
    kind: IntentKind
    replacement: Digest | None


@dataclass(frozen=True, slots=True)
class ProposeRelease:
    """The quarantined digest passes now (a late signature): propose to put it back."""

    case_id: str


@dataclass(frozen=True, slots=True)
class Supersede:
    """The proposal has lost its reason (the digest passes now, or the tag moved on): close it."""

    case_id: str
    why: str


Plan = Nothing | Propose | Act | ProposeRelease | Supersede
