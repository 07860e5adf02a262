"""What makes a verdict be made again, and what that costs."""

import dataclasses
from datetime import timedelta
from typing import Any

from gatekeeper.core.lifecycle import CaseState
from gatekeeper.core.manifest import Manifest
from gatekeeper.core.policy import Action, Mode, Policy, RuleSet
from gatekeeper.core.rules.user_root import UserRoot
from gatekeeper.core.sighting import verified_candidates
from gatekeeper.core.signer import Signer
from gatekeeper.core.trust import TrustMaterial
from gatekeeper.core.waiver import Waiver
from gatekeeper.ports import Judged, SignatureVerifier, Verified, Wanted
from gatekeeper.workflow.answer import AnswerState
from gatekeeper.workflow.explain import explanation_of
from tests.integration.workflow.world import World, policy_of


def test_a_changed_policy_judges_stored_evidence_without_the_registry(world: World) -> None:
    world.scope(action=Action.REPORT)
    world.good("app/web", "1.0")
    world.rounds(2)
    world.policy = policy_of(
        world.policy.scopes[0], rules=RuleSet("default", (UserRoot(require_numeric=True),))
    )
    assert world.status("app/web:1.0").reason_code == "policy-changed"
    world.registry.clear_requests()
    world.rounds(1)

    assert world.status("app/web:1.0").state is AnswerState.PASSED
    assert not [request for request in world.registry.requests if "/blobs/" in request.path]
    answer = world.status("app/web:1.0")
    assert answer.verdict is not None
    assert answer.verdict.policy_revision == world.policy.revision


def test_other_trust_material_gathers_evidence_anew(world: World) -> None:
    world.scope(action=Action.REPORT)
    world.good("app/web", "1.0")
    world.rounds(2)
    world.policy = dataclasses.replace(world.policy, signers={})
    world.registry.clear_requests()
    world.rounds(1)
    assert [request for request in world.registry.requests if "/referrers/" in request.path]
    assert world.status("app/web:1.0").state is not AnswerState.PASSED


@dataclasses.dataclass(slots=True)
class CountingVerifier:
    """The real verifier, counting how often it is asked."""

    within: SignatureVerifier
    asked: int = 0

    def wanted(self, manifest: Manifest, *, found_at: tuple[str, ...], tag: str | None) -> tuple[Wanted, ...]:
        return self.within.wanted(manifest, found_at=found_at, tag=tag)

    def verify(self, wanted: Wanted, content: bytes, *, subject: Judged, trust: TrustMaterial) -> Verified:
        self.asked += 1
        return self.within.verify(wanted, content, subject=subject, trust=trust)

    def remedy(self, reason_code: str) -> str:
        return self.within.remedy(reason_code)


def _counted(world: World) -> CountingVerifier:
    counting = CountingVerifier(world.app.room.signatures)
    world.app = dataclasses.replace(world.app, room=dataclasses.replace(world.app.room, signatures=counting))
    return counting


def test_unchanged_evidence_costs_no_cryptography_and_no_fetch(world: World) -> None:
    world.scope(action=Action.REPORT)
    world.good("app/web", "1.0")
    counting = _counted(world)
    world.rounds(2)
    asked = counting.asked
    assert asked
    for window in ({"retired_at": world.clock.now()}, {"not_after": world.clock.now()}):
        world.policy = _with_window(world, **window)
        world.registry.clear_requests()
        world.rounds(1)
        answer = world.status("app/web:1.0")
        assert answer.verdict is not None
        assert answer.verdict.policy_revision == world.policy.revision
        assert answer.state is AnswerState.PASSED, "it was seen before its key was retired"
    assert counting.asked == asked
    assert not [
        request
        for request in world.registry.requests
        if "/blobs/" in request.path or "/referrers/" in request.path
    ]


def _with_window(world: World, **window: Any) -> Policy:
    key = dataclasses.replace(world.policy.signers["alice"].keys[0], **window)
    return dataclasses.replace(world.policy, signers={"alice": Signer("alice", (key,))})


def test_a_key_is_retired_and_then_compromised(world: World) -> None:
    world.scope(action=Action.REPORT)
    world.good("app/web", "1.0")
    world.rounds(2)
    retired = world.clock.now()
    world.policy = _with_window(world, retired_at=retired)
    world.good("app/web", "2.0", text="signed after its key was retired")
    world.settle()
    assert world.status("app/web:1.0").state is AnswerState.PASSED
    late = world.status("app/web:2.0")
    assert (late.state, late.reason_code) == (AnswerState.FAILED, "signature-key-retired")

    world.policy = _with_window(world, compromised_at=retired)
    world.rounds(2)
    lost = world.status("app/web:1.0")
    assert (lost.state, lost.reason_code) == (AnswerState.FAILED, "signature-key-compromised")


def test_the_first_sight_outlives_the_evidence(world: World) -> None:
    """A signature that was seen once is known, also when it is found again elsewhere or much later."""
    world.scope(action=Action.REPORT)
    first = world.good("app/web", "1.0")
    world.rounds(2)
    world.policy = _with_window(world, retired_at=world.clock.now())
    world.rounds(1, every=timedelta(hours=30))
    assert world.status("app/web:1.0").state is AnswerState.PASSED
    signatures = [
        candidate.first_seen
        for judged in world.app.room.store.judged_subjects(after=0, limit=9)
        if judged.digest == first
        for candidate in verified_candidates(judged.evidence)
    ]
    assert signatures
    assert all(seen is not None and seen < world.clock.now() - timedelta(hours=30) for seen in signatures)


def test_an_expired_waiver_makes_its_finding_count_again(world: World) -> None:
    world.scope(mode=Mode.PROPOSE)
    digest = world.push("app/web", "1.0", user="0")
    world.sign("app/web", digest)
    world.rounds(1)
    case = world.case()
    waiver = Waiver(
        "w1",
        None,
        case.fingerprints,
        digest,
        "**",
        "for now",
        "rita",
        "ann",
        world.clock.now() + timedelta(hours=2),
    )
    world.app.room.store.review(
        case,
        CaseState.RELEASED,
        actor="rita",
        reason="for now",
        waiver=waiver,
        intents=(),
        now=world.clock.now(),
    )
    world.rounds(1)
    assert world.status("app/web:1.0").state is AnswerState.PASSED
    world.rounds(1, every=timedelta(hours=2))
    assert world.status("app/web:1.0").state is AnswerState.FAILED


def test_the_explanation_names_rule_evidence_and_remedy(world: World) -> None:
    world.scope(action=Action.REPORT)
    digest = world.push("app/web", "1.0", user="0")
    world.sign("app/web", digest)
    world.rounds(1)
    tree = explanation_of(world.status("app/web:1.0"))
    assert [(rule.rule, rule.counts) for rule in tree.rules] == [
        ("user-root", True),
        ("signature-missing", False),
    ]
    (finding,) = tree.rules[0].findings
    assert finding.evidence.startswith("sha256:")
    assert finding.remedy


def test_a_verdict_past_its_time_is_no_answer(world: World) -> None:
    world.good("app/web", "1.0")
    world.rounds(2)
    assert world.status("app/web:1.0").exit_code == 0
    world.clock.advance(timedelta(hours=24) + world.app.room.limits.max_blind)
    answer = world.status("app/web:1.0")
    assert (answer.reason_code, answer.exit_code) == ("verdict-due", 4)
