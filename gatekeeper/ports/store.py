"""All of the store."""

from __future__ import annotations

from typing import Protocol

from gatekeeper.ports.audit import AuditStore
from gatekeeper.ports.feeds import FeedStore, ReevaluationStore, ScanStore
from gatekeeper.ports.journal import BrakeStore, IntentStore, VerifyStore, WatchStore
from gatekeeper.ports.notifications import OutboxStore
from gatekeeper.ports.policies import PolicyStore
from gatekeeper.ports.readings import ReviewStore, StatusStore
from gatekeeper.ports.registries import RegistryStore
from gatekeeper.ports.scanner_reports import ScannerReportStore
from gatekeeper.ports.sightings import SightingStore
from gatekeeper.ports.tokens import TokenStore
from gatekeeper.ports.waivers import WaiverStore


class Store(
    WatchStore,
    VerifyStore,
    SightingStore,
    IntentStore,
    BrakeStore,
    PolicyStore,
    RegistryStore,
    ReviewStore,
    StatusStore,
    AuditStore,
    OutboxStore,
    TokenStore,
    WaiverStore,
    ScanStore,
    FeedStore,
    ReevaluationStore,
    ScannerReportStore,
    Protocol,
):
    """All of it; ``database`` implements this."""
