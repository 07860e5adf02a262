"""What makes a verdict be made again, and what that costs."""

import dataclasses
from datetime import timedelta

from gatekeeper.core.lifecycle import CaseState
from gatekeeper.core.policy import Action, Mode, RuleSet
from gatekeeper.core.rules.user_root import UserRoot
from gatekeeper.core.waiver import Waiver
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
