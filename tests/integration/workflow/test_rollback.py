"""Rolling back to what passed before, and what happens where nothing did."""

from gatekeeper.core.lifecycle import CaseState, Decision
from gatekeeper.core.policy import Action
from tests.integration.workflow.world import World


def test_a_failing_tag_goes_back_to_its_anchored_predecessor(world: World) -> None:
    world.scope(action=Action.ROLLBACK, anchors=3, empty_tags=False)
    good = world.good("app/web", "1.0", text="good")
    world.rounds(2)
    assert world.shown("app/web", f"gatekeeper-pass-1.0-{good.short}") == str(good)

    bad = world.push("app/web", "1.0", user="0", text="bad")
    world.rounds(2)
    assert world.shown("app/web", "1.0") == str(good)
    answer = world.status("app/web:1.0")
    assert (answer.state, answer.digest, answer.exit_code) == ("passed", good, 0)
    assert world.status(f"app/web@{bad}").state == "quarantined"

    world.app.review(world.case().id, Decision.RELEASE, actor="rita", reason="fine")
    world.rounds(2)
    assert world.shown("app/web", "1.0") == str(bad)


def test_without_an_anchor_a_rollback_is_a_proposal(world: World) -> None:
    world.scope(action=Action.ROLLBACK, anchors=3)
    bad = world.push("app/web", "1.0", user="0")
    world.rounds(2)
    case = world.case()
    assert (case.state, case.why_proposed) == (CaseState.PROPOSED, "no-anchored-predecessor")
    assert world.shown("app/web", "1.0") == str(bad)


def test_quarantine_prefers_a_predecessor_to_an_empty_tag(world: World) -> None:
    world.scope(anchors=2)
    good = world.good("app/web", "1.0", text="good")
    world.rounds(2)
    bad = world.push("app/web", "1.0", user="0", text="bad")
    world.rounds(2)
    assert world.shown("app/web", "1.0") == str(good)
    assert world.shown("quarantine/app/web", f"1.0--{bad.short}") == str(bad)


def test_quarantine_goes_back_to_what_passed_before_even_without_an_anchor(world: World) -> None:
    world.scope(empty_tags=True)
    good = world.good("app/web", "1.0", text="good")
    world.rounds(2)
    world.push("app/web", "1.0", user="0", text="bad")
    world.rounds(2)
    assert world.shown("app/web", "1.0") == str(good)


def test_an_earlier_image_that_cannot_be_pulled_any_more_is_no_successor(world: World) -> None:
    world.scope(empty_tags=True)
    good = world.good("app/web", "1.0", text="good")
    world.rounds(2)
    bad = world.push("app/web", "1.0", user="0", text="bad")
    world.registry.store.delete_manifest("app/web", str(good))
    world.rounds(2)
    answer = world.status("app/web:1.0")
    assert (answer.state, answer.digest) == ("quarantined", bad)


def test_a_predecessor_that_was_collected_is_not_rolled_back_to(world: World) -> None:
    world.scope(action=Action.ROLLBACK, anchors=2)
    good = world.good("app/web", "1.0", text="good")
    world.rounds(2)
    world.push("app/web", "1.0", user="0", text="bad")
    world.registry.store.delete_manifest("app/web", str(good))
    world.rounds(2)
    assert world.case().why_proposed == "no-anchored-predecessor"


def test_emptying_a_tag_is_a_proposal_unless_the_scope_opts_in(world: World) -> None:
    world.scope(empty_tags=False)
    bad = world.push("app/web", "1.0", user="0")
    world.rounds(2)
    case = world.case()
    assert (case.state, case.why_proposed) == (CaseState.PROPOSED, "would-empty-tag")
    assert world.shown("app/web", "1.0") == str(bad)

    world.scope(empty_tags=True)
    world.rounds(2)
    assert world.tombstone("app/web", "1.0")
    assert world.case().state is CaseState.OPEN


def test_only_the_last_anchors_of_a_tag_are_kept(world: World) -> None:
    world.scope(anchors=2)
    digests = []
    for number in range(4):
        digests.append(world.good("app/web", "1.0", text=str(number)))
        world.rounds(2)
    anchors = {world.shown("app/web", tag) for tag in world.ours("app/web")}
    assert anchors == {str(digest) for digest in digests[-2:]}
