"""What every rule is: an id, a level, parameters, and one pure ``check``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Absent, Evidence, NodeEvidence, Unavailable
from gatekeeper.core.inventory import NO_DOCUMENTS, Inventory
from gatekeeper.core.scan import NOT_SCANNED, Scan
from gatekeeper.core.signer import Signer
from gatekeeper.core.trust import TrustRoot
from gatekeeper.core.verdict import Level, Result, Subject


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may look at."""

    subject: Subject
    evidence: Evidence
    signers: Mapping[str, Signer]
    now: datetime
    scan: Scan = NOT_SCANNED
    """What is known about the components of its SBOMs."""
    trust_roots: Mapping[str, TrustRoot] = field(default_factory=dict)
    inventory: Inventory = NO_DOCUMENTS
    """What its SBOMs list."""

    @property
    def images(self) -> tuple[NodeEvidence, ...]:
        """The nodes to judge: the (listed) platform children, or the image itself."""
        return self.evidence.images


@dataclass(frozen=True, slots=True)
class Check:
    """One result of a rule, before level, waivers and fingerprint are added by ``decide``."""

    result: Result
    reason_code: str
    message: str
    remedy: str
    digest: Digest
    basis: Digest | Absent | Unavailable
    platform: str | None = None
    tag: str | None = None
    settles: bool = False
    level: Level | None = None
    """Where a rule has a level of its own for this answer (``no_date`` of image-too-old); else the rule's."""
    deadline: datetime | None = None
    """When this answer changes by the passing of time alone."""
    fails_at: datetime | None = None
    """When it is violated by the passing of time alone: shown before it strikes."""


class Rule(Protocol):
    """One rule with its parameters. Implementations are frozen dataclasses, one file each in this folder."""

    id: ClassVar[str]

    @property
    def level(self) -> Level:
        """How much its findings weigh."""
        ...

    def check(self, context: Context) -> Iterator[Check]:
        """At least one Check per judged node or tag; a rule that yields nothing did not run (law 3)."""
        ...
