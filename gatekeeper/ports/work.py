"""Due work and what one piece of it reads and writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gatekeeper.core.component import SbomDocument
from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Evidence
from gatekeeper.core.lifecycle import Caps, Case, IntentDraft
from gatekeeper.core.plan import Plan
from gatekeeper.core.reference import Repository
from gatekeeper.core.verdict import Verdict


class WorkKind(StrEnum):
    """What a lease is held on."""

    REPOSITORY = "repository"
    SUBJECT = "subject"
    INTENT = "intent"


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed due row. ``token`` only ever rises: whoever completes with an older one gets ConflictError."""

    kind: WorkKind
    id: int
    token: int
    until: datetime
    registry: str
    """Host, so that the engine can bound work per registry."""


@dataclass(frozen=True, slots=True)
class WatchedRepository:
    """A repository row as the watch workflow needs it."""

    id: int
    repository: Repository
    interval: timedelta
    tags: Mapping[str, Digest]
    """What each known tag pointed at when last seen."""
    missing: frozenset[str]
    """Known tags that have answered 404 for so long that another 404 now means they are gone."""
    believed: bool = False
    """A person has said so: this round is recorded, whatever it sees."""
    doubted: bool = False
    """Its registry is not believed: nothing of a round is recorded."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round over a repository saw."""

    moved: Mapping[str, Digest]
    """Tags that are new or point elsewhere than before."""
    gone: frozenset[str]
    """Tags confirmed gone."""
    missing: frozenset[str]
    """Tags that were 404 for the first time."""
    ignored: frozenset[Digest]
    """Digests found not to be subjects (evidence, tombstones, other artifacts)."""
    subjects: frozenset[Digest]
    """Digests at watched tags that are to be judged when they are due."""
    touched: frozenset[Digest]
    """Known subjects whose cosign or fallback tags changed in this round: due now."""
    next_due: datetime
    interval: timedelta
    known: int = 0
    """Tags that were known before."""
    changed: int = 0
    """How many of those had vanished or pointed elsewhere."""
    error: str | None = None
    """What kept the round from reading everything; None: it did."""


@dataclass(frozen=True, slots=True)
class DueSubject:
    """A subject row as the verify workflow needs it."""

    id: int
    repository: Repository
    digest: Digest
    tags: tuple[str, ...]
    first_seen: datetime
    previous: RecordedVerdict | None
    undetermined_since: datetime | None
    evidence_due: datetime | None = None
    """When its referrers are to be asked again (``Judgement.evidence_due``, or the moment it was touched)."""
    existing: bool = False
    """First seen before the scope began to act in its repository."""
    turned: str | None = None
    """The policy revision that turned it from passed to failed, while nobody has accepted that."""
    doubted: bool = False
    """Its registry is not believed: nothing is judged or planned there."""
    change_accepted: bool = False
    """What the policy in force turns into failed may be acted on."""
    failed_by_feed_at: datetime | None = None
    """Since when it fails by what feeds say alone."""


@dataclass(frozen=True, slots=True)
class RecordedVerdict:
    """The newest verdict of a subject with the evidence it rests on."""

    id: int
    verdict: Verdict
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class JudgedSubject:
    """A subject with its newest verdict and the evidence it rests on, to be judged by another policy."""

    id: int
    repository: Repository
    digest: Digest
    tags: tuple[str, ...]
    first_seen: datetime
    existing: bool
    """First seen before the scope began to act in its repository."""
    verdict: Verdict
    evidence: Evidence
    case: Case | None


@dataclass(frozen=True, slots=True)
class Predecessor:
    """A digest that passed at a tag before and passes now."""

    digest: Digest
    anchored: bool
    """True when an anchor tag of ours holds it there."""


@dataclass(frozen=True, slots=True)
class OurTag:
    """A tag that an intent of ours writes beside the judged one: hold, anchor, quarantine tag or case record."""

    repository: Repository
    tag: str
    digest: Digest
    """What it must point at to be ours."""


@dataclass(frozen=True, slots=True)
class GatheredSbom:
    """A read SBOM, stored under the digest of its bytes."""

    document: Digest
    content: SbomDocument


@dataclass(frozen=True, slots=True)
class TagPlan:
    """What was planned for one tag, with the intents that carry it out."""

    tag: str
    plan: Plan
    intents: tuple[IntentDraft, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything one verification writes, in one transaction."""

    subject_id: int
    evidence: Evidence
    verdict: Verdict
    plans: tuple[TagPlan, ...]
    anchors: tuple[IntentDraft, ...]
    evidence_due: datetime
    """When the referrers are to be asked again."""
    raw_manifests: Mapping[Digest, bytes] = field(default_factory=dict)
    """Manifests of subject and children; a restore survives a registry that collected them."""
    attestation: IntentDraft | None = None
    """What is attached, or taken away, because of this verdict."""
    attestations_per_hour: int = 0
    """Above so many, the attestation waits: the subject is due again when there is room."""
    caps: Caps | None = None
    """The ceilings that acts are checked against again, inside the transaction that spends them; None: no check."""
    run_started: datetime | None = None
    """Since when acts count as one run."""
    turned: str | None = None
    """The revision that turned the subject into failed, while nobody has accepted that."""
    change: int = 0
    """The newest change of the feeds that the verdict knows (``Scanned.change``)."""
    failed_by_change: int | None = None
    """Set when it fails only by what a version of a feed says that actions do not rest on yet."""
    failed_by_feed_at: datetime | None = None
    """Since when it fails by what feeds say alone."""
    plan_again_at: datetime | None = None
    """When its plans change although nothing else does."""


@dataclass(frozen=True, slots=True)
class Page:
    """A slice of a listing."""

    limit: int = 100
    after: str | None = None
    """Opaque cursor: the ``next`` of the page before."""
