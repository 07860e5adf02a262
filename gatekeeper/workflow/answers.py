"""What the faces (CLI, HTTP, demo) print: one shape for local and remote use, JSON by ``core.canonical.to_plain``.

These shapes are documented in ``docs/cli.md`` and stable: members are added, never renamed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gatekeeper.core.exit_codes import ExitCode
from gatekeeper.core.lifecycle import CaseState


class AnswerState(StrEnum):
    """What ``status`` says of a digest in a repository."""

    PASSED = "passed"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    INDETERMINATE = "indeterminate"
    WAITING = "waiting"
    """Failed only for evidence that may still arrive: inside ``settle``."""
    DUE = "due"
    """A verdict exists but is no longer good: due again, expired, or of another policy revision."""
    UNKNOWN = "unknown"
    """Never judged in this repository."""
    NOT_COVERED = "not-covered"
    """No scope covers the repository."""

    @property
    def exit_code(self) -> ExitCode:
        """0 only for passed, 1 for failed and quarantined, 4 for everything nobody can answer now."""
        if self is AnswerState.PASSED:
            return ExitCode.PASSED
        if self in (AnswerState.FAILED, AnswerState.QUARANTINED):
            return ExitCode.FAILED
        return ExitCode.INDETERMINATE


@dataclass(frozen=True, slots=True)
class FindingAnswer:
    """One finding, for people and machines."""

    rule: str
    level: str
    result: str
    reason_code: str
    message: str
    remedy: str
    digest: str
    platform: str | None
    tag: str | None
    basis: str
    """``sha256:…``, ``absent:<kind>`` or ``unavailable:<source>:<cause>``."""
    waived_by: str | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class CaseAnswer:
    """A case as it is shown."""

    id: str
    repository: str
    digest: str
    tags: tuple[str, ...]
    state: CaseState
    action: str
    reason_code: str
    why_proposed: str | None
    opened_at: datetime
    updated_at: datetime
    who_can_release: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of ``status``, ``check`` and ``explain``. ``exit_code`` is the process's."""

    image: str
    """As asked."""
    pinned: str | None
    """``repository@digest``: exactly what was judged; None when nothing could be resolved."""
    state: AnswerState
    reason_code: str
    message: str
    exit_code: int
    scope: str | None
    policy_revision: str | None
    decided_at: datetime | None
    recheck_at: datetime | None
    findings: tuple[FindingAnswer, ...]
    case: CaseAnswer | None


@dataclass(frozen=True, slots=True)
class CandidateAnswer:
    """A signature or attestation as ``explain`` and ``check`` show it."""

    form: str
    found_at: tuple[str, ...]
    carrier: str
    position: int
    purpose: str
    outcome: str
    reason_code: str
    detail: str
    key_ids: tuple[str, ...]
    predicate_type: str | None
    anomalies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SbomAnswer:
    """An SBOM as ``explain`` and ``check`` show it."""

    form: str
    carrier: str
    format: str
    trust: str
    components: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """One manifest of the subject with everything found on it."""

    digest: str
    platform: str | None
    user: str | None
    created: datetime | None
    signatures: tuple[CandidateAnswer, ...]
    sboms: tuple[SbomAnswer, ...]
    unavailable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The tree: answer, then every node with its evidence."""

    answer: Answer
    nodes: tuple[NodeAnswer, ...]


@dataclass(frozen=True, slots=True)
class PromotionAnswer:
    """What ``promote`` did. ``state``: ``promoted`` or the subject's own state when it was refused."""

    image: str
    pinned: str | None
    target: str
    state: str
    reason_code: str
    message: str
    exit_code: int
    manifests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReviewAnswer:
    """What a decision on a case did, and what the registry still has to confirm."""

    case: CaseAnswer
    state: str
    reason_code: str
    message: str
    exit_code: int
    notes: tuple[str, ...]
