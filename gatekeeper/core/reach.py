"""Which repositories a policy acts on by itself: kept beside its revision, so that the next can be compared with it."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.core.policy import Policy, matches_any


@dataclass(frozen=True, slots=True)
class ScopeReach:
    """What one scope covers, and whether it acts there."""

    repositories: tuple[str, ...]
    exclude: tuple[str, ...]
    acts: bool


@dataclass(frozen=True, slots=True)
class Reach:
    """The scopes of a policy in their order; the first that covers a repository decides."""

    scopes: tuple[ScopeReach, ...] = ()

    def acts_on(self, repository: str) -> bool:
        """True when writes may follow from a verdict in ``registry/path`` without a person."""
        for scope in self.scopes:
            if matches_any(scope.repositories, repository) and not matches_any(scope.exclude, repository):
                return scope.acts
        return False


def reach_of(policy: Policy) -> Reach:
    """The reach of a whole policy."""
    return Reach(tuple(ScopeReach(scope.repositories, scope.exclude, scope.acts) for scope in policy.scopes))
