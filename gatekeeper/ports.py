"""Protocols between ``workflow`` and the rooms beside it. Values that cross are ``core`` values or defined here.

Every method raises only errors of ``core.errors``: UnavailableError for "could not ask", NotFoundError for "there is
none", NotOfferedError for "does not do that", ConflictError for "somebody was faster".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Candidate, Evidence, Form, Unavailable
from gatekeeper.core.lifecycle import (
    Breaker,
    Budget,
    Caps,
    Case,
    CaseState,
    Hold,
    Intent,
    IntentDraft,
    IntentState,
)
from gatekeeper.core.manifest import Descriptor, Manifest
from gatekeeper.core.plan import Plan
from gatekeeper.core.policy import PublicKey
from gatekeeper.core.reference import Repository
from gatekeeper.core.verdict import Verdict
from gatekeeper.core.waiver import Waiver


class Clock(Protocol):
    """The only way to the time. Always timezone-aware UTC."""

    def now(self) -> datetime:
        """The current moment."""
        ...


# --- registry ---------------------------------------------------------------------------------------------------


class Offered(StrEnum):
    """What is known about a capability. Never guessed by host name, never found out by writing."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a registry has shown it can do so far."""

    referrers: Offered = Offered.UNKNOWN
    catalog: Offered = Offered.UNKNOWN
    tag_delete: Offered = Offered.UNKNOWN
    digest_delete: Offered = Offered.UNKNOWN
    conditional_head: Offered = Offered.UNKNOWN
    mount: Offered = Offered.UNKNOWN


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a tag points at now. ``unchanged`` is true when the registry answered 304 to the known digest."""

    digest: Digest
    media_type: str | None
    unchanged: bool


@dataclass(frozen=True, slots=True)
class FoundReferrer:
    """A manifest that hangs on a subject, and every place that named it.

    ``tag`` is set for those named by a tag scheme (cosign ``.sig .att .sbom``); ``descriptor`` is as listed, so its
    artifactType and annotations are not to be believed before the manifest was opened.
    """

    descriptor: Descriptor
    found_at: tuple[str, ...]
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Referrers:
    """Union of referrers API, fallback tag and cosign tags. ``gap``: what could not be asked beside them."""

    items: tuple[FoundReferrer, ...]
    gap: Unavailable | None = None


@dataclass(frozen=True, slots=True)
class Copied:
    """A copied closure: every manifest, children first, that is now readable at the target."""

    root: Digest
    manifests: tuple[Digest, ...]


class Registry(Protocol):
    """One registry host with one credential. Thread-safe. Repositories are given by their path."""

    @property
    def host(self) -> str:
        """Canonical ``host[:port]`` as in ``Repository.registry``."""
        ...

    def capabilities(self) -> Capabilities:
        """What has been learned so far; asks the registry only what reading can tell (ping, referrers)."""
        ...

    def ping(self) -> None:
        """GET /v2/. Raises UnavailableError."""
        ...

    def repositories(self) -> Iterator[str]:
        """Paths from the catalog. Raises NotOfferedError when it is not offered (401, 403, 404, 405)."""
        ...

    def tags(self, path: str) -> tuple[str, ...]:
        """Every tag, sorted. NotFoundError when the registry says there is no such repository."""
        ...

    def resolve(self, path: str, tag: str, *, known: Digest | None = None) -> Resolved:
        """One HEAD. With ``known`` it is conditional (If-None-Match)."""
        ...

    def manifest(self, path: str, digest: Digest) -> Manifest:
        """By digest, checked and parsed. MalformedError when the bytes break the specification."""
        ...

    def manifest_at(self, path: str, tag: str) -> Manifest:
        """By tag, for what is named only by a tag (cosign tags, fallback index, our tombstone)."""
        ...

    def blob(self, path: str, descriptor: Descriptor, *, cap: int) -> bytes:
        """Whole blob, digest and size checked. UnavailableError(OVER_CAP) when ``descriptor.size`` > ``cap``."""
        ...

    def referrers(self, path: str, subject: Digest, *, tags: frozenset[str] | None = None) -> Referrers:
        """Everything that hangs on ``subject``. ``tags``: the repository's tag list when it is known already."""
        ...

    def put_manifest(self, path: str, raw: bytes, media_type: str, *, tag: str | None) -> Digest:
        """Raw bytes, unchanged, by tag or by digest; returns the digest that the registry confirmed."""
        ...

    def put_blob(self, path: str, content: bytes) -> Descriptor:
        """Uploads when absent. The descriptor's media type is application/octet-stream."""
        ...

    def attach(self, path: str, manifest: Manifest) -> None:
        """Puts a manifest that has a subject; maintains the fallback index where the registry does not."""
        ...

    def copy_closure(self, path: str, root: Digest, target: Registry, target_path: str) -> Copied:
        """Children, root, referrers and theirs, each read back at the target by digest."""
        ...

    def closure(self, path: str, root: Digest) -> tuple[Manifest, ...]:
        """The same closure, read only: children first, then root, then referrers."""
        ...

    def delete_tag(self, path: str, tag: str) -> None:
        """DELETE by tag. NotOfferedError where the registry cannot; nothing else is tried."""
        ...

    def delete_manifest(self, path: str, digest: Digest) -> None:
        """DELETE by digest: every tag on it goes. NotOfferedError where the registry cannot."""
        ...


class Registries(Protocol):
    """The configured registries."""

    def get(self, host: str) -> Registry:
        """Raises ConfigurationError for a host that is not configured (and none may be contacted unconfigured)."""
        ...

    def hosts(self) -> tuple[str, ...]:
        """Every configured host."""
        ...


# --- signatures and SBOMs ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """A blob that has to be fetched to verify one candidate."""

    form: Form
    carrier: Digest
    position: int
    descriptor: Descriptor
    found_at: tuple[str, ...]
    fetch: bool = True
    """False: the manifest alone decides (an index at a ``.sig`` tag, a foreign layer); verify with ``b""``."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """The carrier's own annotations: claims, compared with what is verified and never believed."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A verified in-toto statement. ``predicate`` is the predicate as canonical JSON bytes."""

    predicate_type: str
    predicate: bytes


@dataclass(frozen=True, slots=True)
class Verified:
    """A candidate with its outcome; the statement only when the outcome is verified and it is an attestation."""

    candidate: Candidate
    statement: Statement | None = None


class SignatureVerifier(Protocol):
    """Bytes in; verified content, or a refused candidate with a reason code, out. No network, no clock but ``now``."""

    def wanted(self, manifest: Manifest, *, found_at: tuple[str, ...], tag: str | None) -> tuple[Wanted, ...]:
        """Which blobs of this opened manifest are candidates; empty when it carries no form we know."""
        ...

    def verify(
        self, wanted: Wanted, content: bytes, *, subject: Digest, keys: Sequence[PublicKey], now: datetime
    ) -> Verified:
        """Never raises for what the bytes say: whatever a parser raises becomes a refused candidate."""
        ...


@dataclass(frozen=True, slots=True)
class Component:
    """One component of an SBOM; empty strings for what the document does not say."""

    name: str
    version: str
    purl: str
    licence: str


@dataclass(frozen=True, slots=True)
class SbomDocument:
    """A read SBOM."""

    format: str
    components: tuple[Component, ...]
    unreadable: int


@dataclass(frozen=True, slots=True)
class WantedSbom:
    """A blob that has to be fetched because it says to be an SBOM."""

    form: Form
    carrier: Digest
    descriptor: Descriptor
    predicate: bool
    """True when the blob is an in-toto statement whose predicate is the SBOM (BuildKit)."""


class SbomReader(Protocol):
    """Finds SBOMs in opened manifests and reads them."""

    def wanted(self, manifest: Manifest, *, tag: str | None) -> tuple[WantedSbom, ...]:
        """Which blobs of this opened manifest say to be SBOMs (referrers, ``.sbom`` tags, BuildKit)."""
        ...

    def read(self, content: bytes) -> SbomDocument:
        """CycloneDX JSON or SPDX JSON, found by content. MalformedError when it is neither or cannot be read."""
        ...

    def read_statement(self, content: bytes, *, subject: Digest | None = None) -> SbomDocument | None:
        """An unsigned in-toto statement (BuildKit) -> its SBOM; None when its predicate is none.

        With ``subject`` the statement must name it: MalformedError ``sbom-subject-mismatch`` when it does not.
        """
        ...

    def read_predicate(self, statement: Statement) -> SbomDocument | None:
        """A verified statement -> its SBOM; None when its predicate is none."""
        ...


# --- store ------------------------------------------------------------------------------------------------------


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
    """Known tags that answered 404 in the round before: gone only when that is confirmed now."""


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


@dataclass(frozen=True, slots=True)
class RecordedVerdict:
    """The newest verdict of a subject with the evidence it rests on."""

    id: int
    verdict: Verdict
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class OurTag:
    """A tag that an intent of ours writes beside the judged one: hold, anchor, quarantine tag or case record."""

    repository: Repository
    tag: str
    digest: Digest
    """What it must point at to be ours."""


@dataclass(frozen=True, slots=True)
class GatheredSbom:
    """An SBOM document's components, stored under the digest of the document."""

    document: Digest
    components: tuple[Component, ...]
    unreadable: int


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
    sboms: tuple[GatheredSbom, ...]
    plans: tuple[TagPlan, ...]
    anchors: tuple[IntentDraft, ...]
    evidence_due: datetime
    """When the referrers are to be asked again."""
    raw_manifests: Mapping[Digest, bytes] = field(default_factory=dict)
    """Manifests of subject and children; a restore survives a registry that collected them."""


@dataclass(frozen=True, slots=True)
class Page:
    """A slice of a listing."""

    limit: int = 100
    after: str | None = None
    """Opaque cursor: the ``next`` of the page before."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One link of the audit chain."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    detail: Mapping[str, str]
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditHead:
    """``seq:hash`` of the newest audit row; 0 and 64 zeros when there is none."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


class TokenScope(StrEnum):
    """What an API token may do; each includes none of the others except ``admin``, which includes all."""

    READ = "read"
    PROMOTE = "promote"
    REVIEW = "review"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as stored: never its secret, only its hash."""

    id: str
    name: str
    scopes: frozenset[TokenScope]
    repositories: tuple[str, ...]
    expires_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime
    one_use: bool = False


class WatchStore(Protocol):
    """What ``workflow.watch`` and the scheduler need."""

    def add_repositories(self, repositories: Sequence[Repository], *, now: datetime) -> int:
        """Inserts unknown ones as due now; returns how many were new."""
        ...

    def claim(
        self, kind: WorkKind, *, now: datetime, limit: int, lease_for: timedelta, hosts: frozenset[str] | None = None
    ) -> tuple[Lease, ...]:
        """Claims due rows (one statement, SKIP LOCKED where it exists). Highest priority and longest due first."""
        ...

    def release(self, lease: Lease, *, next_due: datetime, error: str | None) -> None:
        """Gives a lease back without a result, due again at ``next_due``. A lost lease is silently ignored."""
        ...

    def repository(self, lease: Lease) -> WatchedRepository:
        """The claimed row. ConflictError when the lease was lost."""
        ...

    def record_round(self, lease: Lease, outcome: Round, *, now: datetime) -> None:
        """Observations, due subjects, next due time; fenced by the lease. One transaction."""
        ...

    def mark_due(self, repository: Repository, digest: Digest, *, tag: str | None, priority: int, now: datetime) -> None:
        """Makes one subject due now (an unseen digest asked for by status, a push event). Creates it if unknown."""
        ...

    def mark_policy(self, revision: str, *, now: datetime) -> int:
        """Marks every subject due that was not judged under ``revision``; returns how many."""
        ...


class VerifyStore(Protocol):
    """What ``workflow.verify`` needs."""

    def due_subject(self, lease: Lease) -> DueSubject:
        """The claimed row. ConflictError when the lease was lost."""
        ...

    def waivers(self, repository: Repository, digest: Digest) -> tuple[Waiver, ...]:
        """Every waiver and release that could concern it, expired ones too (``decide`` checks the time)."""
        ...

    def newest_case(self, repository: Repository, digest: Digest) -> Case | None:
        """The newest case of this digest in this repository."""
        ...

    def predecessor(self, repository: Repository, tag: str, digest: Digest) -> tuple[Digest | None, bool]:
        """(newest anchored passed digest at this tag other than ``digest``, whether any other ever passed there)."""
        ...

    def budget(self, repository: Repository, caps: Caps, *, run_started: datetime, now: datetime) -> Budget:
        """What is left of the caps, with hold and breaker."""
        ...

    def record(self, lease: Lease | None, judgement: Judgement, *, now: datetime) -> None:
        """Evidence, verdict, cases, intents, outbox and audit rows in one transaction, fenced by the lease.

        Applies the plans: Propose and Act create or extend the case, Act adds the intents (their ``case_id`` is
        filled in), ProposeRelease and Supersede change it; a tripped breaker is opened. The caps are checked again
        inside: what would exceed them is recorded as a proposal.
        """
        ...

    def drop_subject(self, lease: Lease, *, why: str, now: datetime) -> None:
        """It turned out not to be a subject (evidence, tombstone, other artifact)."""
        ...


class IntentStore(Protocol):
    """What ``workflow.enforce`` needs."""

    def intent(self, lease: Lease) -> Intent:
        """The claimed intent. ConflictError when the lease was lost."""
        ...

    def add_intents(self, drafts: Sequence[IntentDraft], *, now: datetime) -> tuple[int, ...]:
        """Records intents that come from no verdict (promotion, unhold). One open intent per (repository, tag).

        A draft whose nonce is known already is not added again (its id is given), so that a crash between two
        calls is healed by repeating them. ConflictError when another open intent holds the (repository, tag).
        """
        ...

    def claim_intent(self, intent_id: int, *, now: datetime, lease_for: timedelta) -> Lease | None:
        """Claims one open intent, due or not; None when another holds it or it is finished."""
        ...

    def add_tags(self, lease: Lease, tags: Sequence[OurTag], *, now: datetime) -> None:
        """Records, before they are written, the tags that the claimed intent is about to write. Idempotent, fenced."""
        ...

    def drop_tags(self, lease: Lease, tags: Sequence[OurTag], *, now: datetime) -> None:
        """Forgets tags that an UNHOLD intent took away (anchors too). Idempotent, fenced."""
        ...

    def tags_of(self, nonce: str) -> tuple[OurTag, ...]:
        """What the intent with this nonce recorded by ``add_tags`` and nobody dropped, in the order of recording."""
        ...

    def advance(
        self, lease: Lease, state: IntentState, *, note: str, now: datetime, retry_at: datetime | None = None
    ) -> Intent:
        """Moves an intent on, with its audit row, case change and anchors, fenced. ``retry_at`` keeps it open."""
        ...

    def raw_manifest(self, digest: Digest) -> bytes | None:
        """A manifest we kept when it was judged."""
        ...

    def anchors(self, repository: Repository, tag: str) -> tuple[tuple[str, Digest], ...]:
        """(anchor tag, digest) kept for this tag, newest first."""
        ...

    def open_intents(self, *, repository: Repository | None = None) -> tuple[Intent, ...]:
        """Everything unfinished."""
        ...

    def intent_by_id(self, intent_id: int) -> Intent:
        """NotFoundError when there is none."""
        ...

    def ours(self, repository: Repository) -> Mapping[str, Digest]:
        """Anchor, hold, quarantine and case tags that we wrote here (``add_tags``), with what each must point at."""
        ...


class BrakeStore(Protocol):
    """Hold and breaker, across restarts."""

    def hold(self) -> Hold | None:
        """The hold, if it is on."""
        ...

    def set_hold(self, hold: Hold | None, *, actor: str, reason: str, now: datetime) -> None:
        """Switches it on (a Hold) or off (None), with an audit row."""
        ...

    def breaker(self) -> Breaker | None:
        """The breaker, if it is open."""
        ...

    def close_breaker(self, *, actor: str, reason: str, now: datetime) -> None:
        """ConflictError when it is not open."""
        ...


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case with what a reviewer has to see."""

    case: Case
    verdict: Verdict | None
    intents: tuple[Intent, ...]
    history: tuple[AuditRow, ...]


class ReviewStore(Protocol):
    """What ``workflow.review`` needs."""

    def cases(self, *, states: frozenset[CaseState], repositories: tuple[str, ...], page: Page) -> tuple[Sequence[Case], str | None]:
        """Cases, newest first, and the cursor of the next page."""
        ...

    def case(self, case_id: str) -> CaseRow:
        """NotFoundError when there is none."""
        ...

    def review(
        self,
        case: Case,
        state: CaseState,
        *,
        actor: str,
        reason: str,
        waiver: Waiver | None,
        intents: Sequence[IntentDraft],
        now: datetime,
    ) -> Case:
        """Decides a case in one transaction; ConflictError when it is no longer in ``case.state``."""
        ...

    def add_case(self, case: Case, intents: Sequence[IntentDraft], *, actor: str, reason: str, now: datetime) -> None:
        """A case found in the registry alone (recovery). Nothing happens when it is known."""
        ...


@dataclass(frozen=True, slots=True)
class StatusRow:
    """What is recorded about one digest in one repository."""

    repository: Repository
    digest: Digest
    tags: tuple[str, ...]
    first_seen: datetime
    due: bool
    verdict: Verdict | None
    case: Case | None
    version: str
    """Changes whenever anything in this row does: the ETag."""


class StatusStore(Protocol):
    """The read side."""

    def status(self, repository: Repository, digest: Digest, *, now: datetime) -> StatusRow | None:
        """One query. None for a digest never seen in this repository."""
        ...

    def observed(self, repository: Repository, tag: str) -> tuple[tuple[Digest, datetime], ...]:
        """What the tag pointed at, newest first."""
        ...

    def tombstoned(self, repository: Repository, tag: str, pointed: Digest) -> Digest | None:
        """The original digest, when ``pointed`` is a tombstone or replacement that we wrote at this tag."""
        ...

    def images(self, *, repositories: tuple[str, ...], state: str | None, page: Page) -> tuple[Sequence[StatusRow], str | None]:
        """Subjects with their newest verdict."""
        ...

    def change_counter(self) -> int:
        """Rises with every write that could change an answer; polled by caches of other processes."""
        ...

    def counts(self) -> Mapping[str, int]:
        """For metrics: subjects by state, cases by state, intents by state, repositories, audit rows."""
        ...


class AuditStore(Protocol):
    """The append-only chain."""

    def head(self) -> AuditHead:
        """The newest link."""
        ...

    def rows(self, *, after: int, limit: int) -> Sequence[AuditRow]:
        """Links in order."""
        ...

    def broken_at(self) -> str | None:
        """None when the whole chain verifies, else where and how it does not."""
        ...

    def append(self, *, actor: str, action: str, subject: str, reason: str, detail: Mapping[str, str], now: datetime) -> AuditHead:
        """One more link."""
        ...


class TokenStore(Protocol):
    """API tokens."""

    def add_token(self, token: ApiToken, secret_hash: bytes) -> None:
        """Stores a token's sha256, never the secret."""
        ...

    def token(self, token_id: str) -> tuple[ApiToken, bytes] | None:
        """The token and its hash."""
        ...

    def tokens(self) -> Sequence[ApiToken]:
        """All, newest first."""
        ...

    def revoke_token(self, token_id: str, *, actor: str, now: datetime) -> None:
        """NotFoundError when there is none."""
        ...


class Store(
    WatchStore, VerifyStore, IntentStore, BrakeStore, ReviewStore, StatusStore, AuditStore, TokenStore, Protocol
):
    """All of it; ``database`` implements this."""
