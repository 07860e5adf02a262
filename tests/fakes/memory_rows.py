"""The rows of the store in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gatekeeper.core.digest import Digest
from gatekeeper.core.lifecycle import Breaker, Case, Hold, IntentDraft, IntentState
from gatekeeper.core.reference import Repository
from gatekeeper.core.waiver import Waiver
from gatekeeper.ports import ApiToken, AuditRow, OurTag, RecordedVerdict


@dataclass(slots=True)
class Leased:
    """What every claimable row has."""

    id: int
    due: datetime | None
    """None: nothing to do."""
    priority: int = 0
    token: int = 0
    until: datetime | None = None
    error: str | None = None


@dataclass(slots=True)
class RepositoryRow(Leased):
    repository: Repository = field(kw_only=True)
    interval: timedelta = timedelta(minutes=1)
    tags: dict[str, Digest] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    ignored: set[Digest] = field(default_factory=set)
    seen: list[tuple[str, Digest, datetime]] = field(default_factory=list)


@dataclass(slots=True)
class SubjectRow(Leased):
    repository: Repository = field(kw_only=True)
    digest: Digest = field(kw_only=True)
    first_seen: datetime = field(kw_only=True)
    tags: set[str] = field(default_factory=set)
    previous: RecordedVerdict | None = None
    undetermined_since: datetime | None = None
    evidence_due: datetime | None = None


@dataclass(slots=True)
class IntentRow(Leased):
    draft: IntentDraft = field(kw_only=True)
    created: datetime = field(kw_only=True)
    updated: datetime = field(kw_only=True)
    state: IntentState = IntentState.PLANNED
    note: str = ""
    attempts: int = 0


@dataclass(slots=True)
class Tables:
    """Everything."""

    repositories: dict[int, RepositoryRow] = field(default_factory=dict)
    subjects: dict[int, SubjectRow] = field(default_factory=dict)
    intents: dict[int, IntentRow] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    waivers: list[Waiver] = field(default_factory=list)
    our_tags: list[tuple[str, OurTag]] = field(default_factory=list)
    """(nonce, tag)"""
    anchors: list[tuple[Repository, str, str, Digest]] = field(default_factory=list)
    """(repository, tag, anchor tag, digest), oldest first"""
    raw: dict[Digest, bytes] = field(default_factory=dict)
    audit: list[AuditRow] = field(default_factory=list)
    tokens: dict[str, tuple[ApiToken, bytes]] = field(default_factory=dict)
    hold: Hold | None = None
    breaker: Breaker | None = None
    changes: int = 0
    next_id: int = 0
