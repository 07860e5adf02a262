"""Evidence that may still arrive is waited for; what arrives late proposes a release."""

from gatekeeper.core.lifecycle import CaseState
from gatekeeper.workflow.answer import AnswerState
from tests.integration.workflow.world import MINUTE, SETTLE, World


def test_push_poll_sign_poll_turns_from_waiting_to_passed(world: World) -> None:
    digest = world.push("app/web", "1.0")
    world.rounds(1)
    waiting = world.status("app/web:1.0")
    assert (waiting.state, waiting.reason_code, waiting.exit_code) == (AnswerState.WAITING, "settling", 4)

    world.sign("app/web", digest)
    world.rounds(1)
    assert world.status("app/web:1.0").state is AnswerState.PASSED
    assert world.cases() == []


def test_a_bundle_referrer_is_asked_for_again_every_round_while_failing(world: World) -> None:
    digest = world.push("app/web", "1.0")
    world.rounds(1)
    world.sign("app/web", digest, bundle=True)
    world.rounds(1)
    assert world.status("app/web:1.0").state is AnswerState.PASSED


def test_nothing_is_done_inside_settle_and_something_right_after(world: World) -> None:
    world.push("app/web", "1.0")
    world.rounds(1)
    world.rounds(1, every=SETTLE - MINUTE)
    assert world.cases() == []
    world.rounds(1, every=MINUTE * 2)
    assert world.case().state is CaseState.OPEN
    assert world.tombstone("app/web", "1.0")


def test_a_finding_that_cannot_settle_acts_at_once(world: World) -> None:
    world.push("app/web", "1.0", user="0")
    world.rounds(1)
    assert world.tombstone("app/web", "1.0")


def test_a_signature_after_quarantine_proposes_release_and_puts_nothing_back_by_itself(world: World) -> None:
    digest = world.push("app/web", "1.0")
    world.settle()
    assert world.tombstone("app/web", "1.0")

    world.sign("app/web", digest)
    world.rounds(2)

    assert world.tombstone("app/web", "1.0")
    answer = world.status("app/web:1.0")
    assert answer.state is AnswerState.QUARANTINED
    assert "release is proposed" in answer.message
    assert answer.verdict is not None
    assert answer.verdict.state == "passed"


def test_a_passed_digest_is_asked_about_again_when_its_sig_tag_moves(world: World) -> None:
    digest = world.good("app/web", "1.0")
    world.rounds(1)
    assert world.status("app/web:1.0").state is AnswerState.PASSED
    world.registry.store.delete_tag("app/web", f"{digest.tag_form}.sig")
    world.rounds(3)
    assert world.status("app/web:1.0").state is not AnswerState.PASSED
