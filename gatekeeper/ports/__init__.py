"""Protocols between ``workflow`` and the rooms beside it. Values that cross are ``core`` values or defined here.

Every method raises only errors of ``core.errors``: UnavailableError for "could not ask", NotFoundError for "there is
none", NotOfferedError for "does not do that", ConflictError for "somebody was faster".
"""

from gatekeeper.ports.attesting import Attachment, AttestationSigner, SignedStatement
from gatekeeper.ports.audit import AuditChain, AuditHead, AuditQuestion, AuditRow, AuditStore, Checkpoint
from gatekeeper.ports.clock import Clock
from gatekeeper.ports.evidence import (
    Judged,
    LayerBytes,
    SbomReader,
    ScanReader,
    SignatureVerifier,
    Statement,
    Verified,
    Wanted,
    WantedSbom,
)
from gatekeeper.ports.journal import BrakeStore, IntentStore, VerifyStore, WatchStore
from gatekeeper.ports.notifications import DeadLetter, Delivery, Notifier, OutboxStore
from gatekeeper.ports.policies import PolicyChange, PolicyStore
from gatekeeper.ports.readings import CaseRow, ReviewStore, StatusRow, StatusStore
from gatekeeper.ports.registries import BlindRepository, Glance, RegistryRow, RegistryStore
from gatekeeper.ports.registry import (
    Capabilities,
    Copied,
    FoundReferrer,
    Offered,
    Referrers,
    Registries,
    Registry,
    Resolved,
    Rewrite,
)
from gatekeeper.ports.revocation import RevocationAnswers
from gatekeeper.ports.sightings import SightingStore
from gatekeeper.ports.store import Store
from gatekeeper.ports.tokens import ApiToken, TokenScope, TokenStore
from gatekeeper.ports.waivers import WaiverRow, WaiverStore
from gatekeeper.ports.work import (
    DueSubject,
    GatheredSbom,
    JudgedSubject,
    Judgement,
    Lease,
    OurTag,
    Page,
    Predecessor,
    RecordedVerdict,
    Round,
    TagPlan,
    WatchedRepository,
    WorkKind,
)

__all__ = [
    "ApiToken",
    "Attachment",
    "AttestationSigner",
    "AuditChain",
    "AuditHead",
    "AuditQuestion",
    "AuditRow",
    "AuditStore",
    "BlindRepository",
    "BrakeStore",
    "Capabilities",
    "CaseRow",
    "Checkpoint",
    "Clock",
    "Copied",
    "DeadLetter",
    "Delivery",
    "DueSubject",
    "FoundReferrer",
    "GatheredSbom",
    "Glance",
    "IntentStore",
    "Judged",
    "JudgedSubject",
    "Judgement",
    "LayerBytes",
    "Lease",
    "Notifier",
    "Offered",
    "OurTag",
    "OutboxStore",
    "Page",
    "PolicyChange",
    "PolicyStore",
    "Predecessor",
    "RecordedVerdict",
    "Referrers",
    "Registries",
    "Registry",
    "RegistryRow",
    "RegistryStore",
    "Resolved",
    "ReviewStore",
    "RevocationAnswers",
    "Rewrite",
    "Round",
    "SbomReader",
    "ScanReader",
    "SightingStore",
    "SignatureVerifier",
    "SignedStatement",
    "Statement",
    "StatusRow",
    "StatusStore",
    "Store",
    "TagPlan",
    "TokenScope",
    "TokenStore",
    "Verified",
    "VerifyStore",
    "WaiverRow",
    "WaiverStore",
    "Wanted",
    "WantedSbom",
    "WatchStore",
    "WatchedRepository",
    "WorkKind",
]
