"""``observe`` only reads, ``propose`` only records, ``protected`` is never written to."""

from gatekeeper.core.lifecycle import CaseState
from gatekeeper.core.policy import Mode
from gatekeeper.workflow.answer import AnswerState
from tests.integration.workflow.world import World

READING = {"GET", "HEAD"}


def test_observe_sends_only_get_and_head(world: World) -> None:
    world.scope(mode=Mode.OBSERVE, anchors=3)
    world.push("app/web", "1.0", user="0")
    world.push("app/web", "2.0")
    world.good("app/api", "1.0")
    world.registry.clear_requests()
    world.settle()
    world.rounds(3)

    assert set(world.methods()) == READING
    assert world.cases() == []
    assert world.status("app/web:1.0").state is AnswerState.FAILED


def test_propose_records_cases_and_sends_only_get_and_head(world: World) -> None:
    world.scope(mode=Mode.PROPOSE)
    world.push("app/web", "1.0", user="0")
    world.registry.clear_requests()
    world.rounds(3)

    assert set(world.methods()) == READING
    case = world.case()
    assert (case.state, case.why_proposed) == (CaseState.PROPOSED, "mode-propose")
    assert world.status("app/web:1.0").state is AnswerState.FAILED


def test_protected_tags_and_repositories_are_never_written_to(world: World) -> None:
    world.scope(protected_tags=("prod-*",), protected_repositories=("**/base/**",), anchors=3)
    world.push("app/web", "prod-1", user="0")
    world.push("base/os", "1.0", user="0")
    world.good("base/os", "2.0")
    world.registry.clear_requests()
    world.rounds(3)

    assert set(world.methods()) == READING
    assert {case.why_proposed for case in world.cases()} == {"protected"}


def test_a_scope_that_stops_enforcing_leaves_planned_intents_undone(world: World) -> None:
    world.app.hold_on(actor="ann", reason="stop")
    bad = world.push("app/web", "1.0", user="0")
    world.rounds(1)
    world.app.hold_off(actor="ann", reason="go")
    world.scope(mode=Mode.OBSERVE)
    world.rounds(3)
    assert world.shown("app/web", "1.0") == str(bad)


def test_a_dismissed_proposal_stays_dismissed(world: World) -> None:
    from gatekeeper.core.lifecycle import Decision

    world.scope(mode=Mode.PROPOSE)
    world.push("app/web", "1.0", user="0")
    world.rounds(1)
    world.app.review(world.case().id, Decision.KEEP, actor="rita", reason="seen")
    world.rounds(3)
    assert world.case().state is CaseState.KEPT
    assert world.status("app/web:1.0").state is AnswerState.FAILED
