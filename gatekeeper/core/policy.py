"""The written policy as values. ``config`` reads it from TOML; ``decide`` and ``plan`` only ever see these."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property, lru_cache

from gatekeeper.core.canonical import canonical_bytes
from gatekeeper.core.digest import Digest
from gatekeeper.core.reference import Repository
from gatekeeper.core.rules.rule import Rule
from gatekeeper.core.signer import Signer
from gatekeeper.core.trust import NotationTrust, TrustMaterial, TrustRoot


class Mode(StrEnum):
    """``observe`` only reads; ``propose`` writes cases for people; ``enforce`` acts on the registry."""

    OBSERVE = "observe"
    PROPOSE = "propose"
    ENFORCE = "enforce"


class Action(StrEnum):
    """What is done to a tag whose digest failed."""

    REPORT = "report"
    RETAG = "retag"
    QUARANTINE = "quarantine"
    ROLLBACK = "rollback"


class Existing(StrEnum):
    """What an enforcing scope does with digests that were seen before it began to act."""

    PROPOSE = "propose"
    ENFORCE = "enforce"


class Artifacts(StrEnum):
    """What happens to charts and other artifacts that are no images."""

    IGNORE = "ignore"
    JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which repositories, judged by which policy, with which consequences. The first matching scope decides."""

    name: str
    repositories: tuple[str, ...]
    """Globs over ``registry/path``: ``*`` within a segment, ``**`` across segments, ``?`` one character."""
    policy: str
    exclude: tuple[str, ...] = ()
    tags: tuple[str, ...] = ("**",)
    exclude_tags: tuple[str, ...] = ()
    mode: Mode = Mode.OBSERVE
    action: Action = Action.REPORT
    existing: Existing = Existing.PROPOSE
    settle: timedelta = timedelta(minutes=10)
    indeterminate_after: timedelta = timedelta(hours=24)
    recheck_after: timedelta = timedelta(hours=24)
    evidence_interval: timedelta = timedelta(hours=6)
    protected_tags: tuple[str, ...] = ()
    protected_repositories: tuple[str, ...] = ()
    act_on_unscanned: bool = False
    """Opt-in: an image that fails only for missing or old scan evidence is acted on too."""
    empty_tags: bool = False
    """Opt-in: a failing tag without an earlier passed digest may be replaced by a tombstone without a proposal."""
    platforms: tuple[str, ...] = ()
    """Platforms of an index that are judged; empty means all."""
    artifacts: Artifacts = Artifacts.IGNORE
    anchors: int = 0
    """How many passed digests per tag are kept by anchor tags; ``config`` sets 3 where the action is rollback."""
    quarantine_repository: str = "quarantine/{repository}"
    """Path in the same registry where quarantined images are kept; ``{repository}`` is the source path."""
    read_layers: bool = False
    """Where an image has no SBOM that can be read, read the package databases of its layers."""
    promote_to: tuple[str, ...] = ()
    """Globs of ``registry/path`` that images of this scope may be promoted to; empty: none."""

    @property
    def acts(self) -> bool:
        """True when it writes to the registry without asking a person."""
        return self.mode is Mode.ENFORCE and self.action is not Action.REPORT

    signature_repositories: tuple[str, ...] = ()
    """``registry/path`` where signatures and attestations are looked for beside the image's own repository (cosign's
    ``COSIGN_REPOSITORY``); ``{repository}`` is the image's path."""

    def covers(self, repository: Repository) -> bool:
        """True when an include glob matches and no exclude glob does."""
        name = str(repository)
        return matches_any(self.repositories, name) and not matches_any(self.exclude, name)

    def watches(self, tag: str) -> bool:
        """True when this tag is judged by the scope."""
        return matches_any(self.tags, tag) and not matches_any(self.exclude_tags, tag)

    def protects(self, repository: Repository, tag: str) -> bool:
        """True when the tag (or its whole repository) must never be written to."""
        return matches_any(self.protected_tags, tag) or matches_any(
            self.protected_repositories, str(repository)
        )

    def signature_repositories_of(self, repository: Repository) -> tuple[Repository, ...]:
        """Where else signatures of this repository's images may lie."""
        named = [name.format(repository=repository.path) for name in self.signature_repositories]
        places = [Repository(host, path) for host, _, path in (name.partition("/") for name in named)]
        return tuple(place for place in dict.fromkeys(places) if place != repository)

    def quarantine_of(self, repository: Repository) -> Repository:
        """The quarantine repository that belongs to a source repository."""
        return Repository(repository.registry, self.quarantine_repository.format(repository=repository.path))


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A named list of rules with their parameters."""

    name: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class ScopedPolicy:
    """What binds one repository: its scope, its rules, the signers it may name, and the policy's revision."""

    scope: Scope
    rules: RuleSet
    signers: Mapping[str, Signer]
    revision: str
    trust_roots: tuple[TrustRoot, ...] = ()


@dataclass(frozen=True)
class Policy:
    """The whole policy file. Without slots: what every piece of work asks of it is computed once and kept."""

    signers: Mapping[str, Signer] = field(default_factory=dict)
    rule_sets: Mapping[str, RuleSet] = field(default_factory=dict)
    scopes: tuple[Scope, ...] = ()
    trust_roots: tuple[TrustRoot, ...] = ()
    notation: tuple[NotationTrust, ...] = ()

    @cached_property
    def canonical(self) -> bytes:
        """The policy as canonical JSON: what is kept for auditors. Trust material is in it by its digest."""
        stale = tuple((root.name, root.expires_at, root.when_stale) for root in self.trust_roots)
        return canonical_bytes(
            {
                "signers": self.signers,
                "rule_sets": self.rule_sets,
                "scopes": self.scopes,
                "trust": self.trust.digest,
                "trust_roots": stale,
            }
        )

    @cached_property
    def revision(self) -> str:
        """sha256 of the policy's canonical form, trust material included."""
        return str(Digest.of(self.canonical))

    @cached_property
    def trust(self) -> TrustMaterial:
        """What signatures are verified with: every trusted key once, by id, beside the roots."""
        found = {key.id: key.key for signer in self.signers.values() for key in signer.keys}
        return TrustMaterial(
            tuple(found[key_id] for key_id in sorted(found)), self.trust_roots, self.notation
        )

    def resolve(self, repository: Repository) -> ScopedPolicy | None:
        """The first scope that covers the repository, with its rules; None when none does."""
        if self.is_quarantine(repository):
            return None
        for scope in self.scopes:
            if scope.covers(repository):
                return ScopedPolicy(
                    scope, self.rule_sets[scope.policy], self.signers, self.revision, self.trust_roots
                )
        return None

    def is_quarantine(self, repository: Repository) -> bool:
        """True for every quarantine repository: never judged, whatever the globs say."""
        return any(
            _template(scope.quarantine_repository).fullmatch(repository.path) is not None
            for scope in self.scopes
        )


def matches_any(globs: tuple[str, ...], name: str) -> bool:
    """True when one of the globs matches the whole name."""
    return any(_glob(glob).fullmatch(name) is not None for glob in globs)


@lru_cache(maxsize=4096)
def _glob(glob: str) -> re.Pattern[str]:
    pieces = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*|\*|\?)", glob)
    return re.compile("".join(pieces.get(part, re.escape(part)) for part in parts), re.DOTALL)


@lru_cache(maxsize=64)
def _template(template: str) -> re.Pattern[str]:
    before, _, after = template.partition("{repository}")
    if "{" not in template:
        return re.compile(re.escape(template))
    return re.compile(re.escape(before) + ".+" + re.escape(after))
