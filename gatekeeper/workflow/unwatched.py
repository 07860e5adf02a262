"""Cases that wait for a person in repositories that nobody watches any more: dropped, but not silently."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gatekeeper.core.lifecycle import CaseState
from gatekeeper.core.policy import Policy
from gatekeeper.core.reference import Repository
from gatekeeper.ports import Page, ReviewStore

_WAITING = frozenset({CaseState.PROPOSED, CaseState.OPEN, CaseState.KEPT})


def unwatched_cases(
    store: ReviewStore, policy: Policy, watches: Callable[[Repository], bool]
) -> Mapping[Repository, int]:
    """How many cases wait in each repository that the policy or the configuration leaves out, by name."""
    lost: dict[Repository, int] = {}
    after: str | None = None
    while True:
        cases, after = store.cases(states=_WAITING, repositories=("**",), page=Page(1000, after))
        for case in cases:
            if not watches(case.repository) or policy.resolve(case.repository) is None:
                lost[case.repository] = lost.get(case.repository, 0) + 1
        if after is None:
            return dict(sorted(lost.items()))
