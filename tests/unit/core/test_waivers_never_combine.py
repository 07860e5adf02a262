"""No set of waivers accepts more than its members accept one by one."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.decide import decide
from gatekeeper.core.evidence import Evidence
from gatekeeper.core.globs import within
from gatekeeper.core.policy import matches_any
from gatekeeper.core.rules.rule import Rule
from gatekeeper.core.waiver import Waiver
from tests.unit.core import strategies
from tests.unit.core.builders import NOW, digest, policy, subject

GLOBS = ("**", "registry.example/**", "registry.example/*", "other.example/**", "registry.example/app/?")
WAIVERS = st.lists(
    st.builds(
        Waiver,
        id=st.sampled_from(["w-1", "w-2", "w-3", "w-4"]),
        rule=st.sampled_from(["user-root", "signature-missing", "sbom-missing", "policy", "evidence"]),
        fingerprints=st.just(frozenset()),
        digest=st.sampled_from([None, digest("app"), digest("other")]),
        repository_glob=st.sampled_from(GLOBS),
        reason=st.just("r"),
        owner=st.just("o"),
        approver=st.none(),
        expires_at=st.sampled_from([NOW - timedelta(1), NOW, NOW + timedelta(seconds=1), NOW + timedelta(9)]),
        revoked_at=st.sampled_from([None, None, NOW]),
    ),
    max_size=4,
    unique_by=lambda waiver: waiver.id,
)


@given(strategies.EVIDENCE, strategies.RULE_LISTS, WAIVERS)
def test_each_accepted_finding_is_accepted_by_its_waiver_alone(
    of: Evidence, rules: tuple[Rule, ...], waivers: list[Waiver]
) -> None:
    def accepted(*given: Waiver) -> set[str]:
        verdict = decide(policy(*rules), subject(of), of, given, NOW)
        return {finding.fingerprint for finding in verdict.findings if finding.waived_by is not None}

    together = accepted(*waivers)
    assert together == set().union(*(accepted(waiver) for waiver in waivers), set())
    alive = [waiver for waiver in waivers if waiver.revoked_at is None and waiver.expires_at != NOW]
    ended = [dataclasses.replace(waiver, expires_at=NOW) for waiver in waivers]
    assert accepted(*alive) == together
    assert accepted(*ended) == set()


@given(
    st.sampled_from(GLOBS),
    st.lists(st.sampled_from(GLOBS), max_size=3),
    st.sampled_from(["a", "b/c", "app/x"]),
)
def test_what_lies_within_is_matched(glob: str, bounds: list[str], path: str) -> None:
    for host in ("registry.example", "other.example"):
        name = f"{host}/{path}"
        if within(glob, tuple(bounds)) and matches_any((glob,), name):
            assert matches_any(tuple(bounds), name)
