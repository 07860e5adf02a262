"""Verdicts and findings: what ``decide`` says of one subject, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Absent, Unavailable
from gatekeeper.core.reference import Repository

EVALUATOR = 1
"""Version of the evaluator. Raised when the same evidence and policy may give another verdict; recorded with each."""


class State(StrEnum):
    """A verdict's answer. Indeterminate never passes and never triggers quarantine."""

    PASSED = "passed"
    FAILED = "failed"
    INDETERMINATE = "indeterminate"


class Level(StrEnum):
    """How much a rule's finding weighs."""

    OFF = "off"
    WARN = "warn"
    FAIL = "fail"


class Result(StrEnum):
    """What one rule found."""

    SATISFIED = "satisfied"
    VIOLATED = "violated"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Subject:
    """The digest under judgement, in its repository, with the tags that point at it now."""

    repository: Repository
    digest: Digest
    tags: tuple[str, ...]
    """Sorted. A finding about a tag concerns that tag alone."""
    first_seen: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's result about one node (or one tag) of the subject."""

    rule: str
    level: Level
    result: Result
    reason_code: str
    message: str
    remedy: str
    digest: Digest
    """The node: the subject itself or the platform child that failed."""
    platform: str | None
    tag: str | None
    """Set when the finding concerns this tag alone, not the digest."""
    basis: Digest | Absent | Unavailable
    """The evidence it rests on, or the kind of absence, or what could not be asked."""
    settles: bool
    """True when the missing evidence may still arrive: no action inside the scope's ``settle``."""
    fingerprint: str
    """Digest over (rule, parameters, digest, reason code, evidence digest or kind of absence)."""
    waived_by: str | None = None
    """Id of the waiver or release that accepts it."""
    fails_at: datetime | None = None
    """When it will be violated if nothing but time changes."""

    @property
    def counts(self) -> bool:
        """True when it weighs on the state: level fail, not waived, not satisfied."""
        return self.level is Level.FAIL and self.waived_by is None and self.result is not Result.SATISFIED


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one subject. Its key: digest, repository and resolved scope, policy revision, evidence."""

    state: State
    """Over the findings that concern the digest; ``state_at`` adds those of one tag."""
    reason_code: str
    """The first counting finding's, or ``passed`` | ``passed-with-waiver``."""
    subject: Subject
    scope: str
    policy_revision: str
    evidence: Digest
    trust: str = field(default="", kw_only=True)
    """``Evidence.trust``; empty in what an older version stored."""
    evaluator: int
    findings: tuple[Finding, ...]
    decided_at: datetime
    recheck_at: datetime
    """Good until then; afterwards ``status`` answers 4."""

    def state_at(self, tag: str | None) -> State:
        """The answer for one tag: the digest's findings and that tag's own."""
        counting = self.counting_at(tag)
        if any(finding.result is Result.VIOLATED for finding in counting):
            return State.FAILED
        return State.INDETERMINATE if counting else State.PASSED

    def counting_at(self, tag: str | None) -> tuple[Finding, ...]:
        """The findings that weigh on this tag's state: what a case of it shows, and what a release of it covers."""
        return tuple(finding for finding in self.findings if finding.counts and finding.tag in (None, tag))

    def violations_at(self, tag: str | None) -> tuple[Finding, ...]:
        """The counting findings that make this tag fail."""
        return tuple(finding for finding in self.counting_at(tag) if finding.result is Result.VIOLATED)

    @property
    def fails_at(self) -> datetime | None:
        """When time alone makes it fail: the first deadline of a finding that would weigh then."""
        return self.failing_later[0].fails_at if self.failing_later else None

    @property
    def failing_later(self) -> tuple[Finding, ...]:
        """Findings with a deadline that strikes, the first first."""
        found = [
            finding
            for finding in self.findings
            if finding.fails_at is not None and finding.level is Level.FAIL and finding.waived_by is None
        ]
        return tuple(sorted(found, key=lambda finding: (finding.fails_at, finding.fingerprint)))

    def reason_at(self, tag: str | None) -> str:
        """The reason code that belongs to ``state_at(tag)``."""
        state = self.state_at(tag)
        wanted = {State.FAILED: Result.VIOLATED, State.INDETERMINATE: Result.UNDETERMINED}.get(state)
        for finding in self.findings:
            if finding.counts and finding.result is wanted and finding.tag in (None, tag):
                return finding.reason_code
        return self.reason_code
