"""One image from push to verdict to action and back."""

from gatekeeper.core.lifecycle import CaseState, Decision, IntentKind, IntentState
from gatekeeper.core.policy import Action
from gatekeeper.ports import Page
from gatekeeper.workflow.answer import AnswerState
from tests.integration.workflow.world import World


def test_push_watch_verify_quarantine_release(world: World) -> None:
    bad = world.push("app/web", "1.0", user="0")
    world.rounds(2)

    assert world.tombstone("app/web", "1.0")
    case = world.case()
    assert (case.state, case.digest, case.tags) == (CaseState.OPEN, bad, ("1.0",))
    assert world.shown("quarantine/app/web", f"1.0--{bad.short}") == str(bad)
    answer = world.status("app/web:1.0")
    assert (answer.state, answer.digest, answer.exit_code) == (AnswerState.QUARANTINED, bad, 1)
    assert answer.case is not None
    assert case.id in answer.next

    world.app.review(case.id, Decision.RELEASE, actor="rita", reason="known and accepted")
    world.rounds(2)

    assert world.shown("app/web", "1.0") == str(bad)
    answer = world.status("app/web:1.0")
    assert (answer.state, answer.reason_code) == (AnswerState.PASSED, "passed-with-waiver")
    assert world.case().state is CaseState.RELEASED
    assert world.ours("app/web") == []
    states = {intent.state for intent in world.intents(world.case())}
    assert states == {IntentState.CONFIRMED}


def test_a_signed_image_passes_and_nothing_is_written(world: World) -> None:
    good = world.good("app/web", "1.0")
    before = world.registry.dump()
    world.rounds(3)

    answer = world.status("app/web:1.0")
    assert (answer.state, answer.digest, answer.exit_code) == (AnswerState.PASSED, good, 0)
    assert world.registry.dump() == before
    assert world.cases() == []


def test_two_rounds_after_a_quarantine_change_nothing(world: World) -> None:
    world.push("app/web", "1.0", user="0")
    world.rounds(3)

    def recorded() -> object:
        rows, _ = world.app.room.store.images(repositories=("**",), state=None, page=Page())
        return [(row.digest, row.tags) for row in rows], world.cases(), world.intents(world.case())

    before, known = world.registry.dump(), recorded()
    world.rounds(2)
    assert world.registry.dump() == before
    assert recorded() == known


def test_everything_that_belongs_to_the_image_is_held_and_copied(world: World) -> None:
    bad = world.push("app/web", "1.0", user="0")
    world.sign("app/web", bad, bundle=True)
    world.rounds(2)

    store = world.registry.store
    (referrer,) = store.referrers("app/web", str(bad))
    held = {store.tag("app/web", tag) for tag in world.ours("app/web")}
    assert {str(bad), referrer.digest} <= held
    store.collect_untagged("app/web")
    assert store.manifest("app/web", str(bad)) is not None
    assert store.manifest("quarantine/app/web", str(bad)) is not None
    assert [found.digest for found in store.referrers("quarantine/app/web", str(bad))] == [referrer.digest]


def test_a_restore_accepts_nothing_and_comes_back_as_a_proposal(world: World) -> None:
    bad = world.push("app/web", "1.0", user="0")
    world.rounds(2)
    world.app.review(world.case().id, Decision.RESTORE, actor="rita", reason="wrong moment")
    world.rounds(3)

    assert world.shown("app/web", "1.0") == str(bad)
    newest, oldest = world.cases()
    assert oldest.state is CaseState.RESTORED
    assert (newest.state, newest.why_proposed) == (CaseState.PROPOSED, "restored-before")
    assert world.status("app/web:1.0").state is AnswerState.FAILED


def test_a_kept_image_stays_and_may_be_released_later(world: World) -> None:
    bad = world.push("app/web", "1.0", user="0")
    world.rounds(2)
    world.app.review(world.case().id, Decision.KEEP, actor="rita", reason="seen")
    world.rounds(2)
    assert world.tombstone("app/web", "1.0")
    assert world.status("app/web:1.0").state is AnswerState.QUARANTINED

    world.app.review(world.case().id, Decision.RELEASE, actor="rita", reason="second thoughts")
    world.rounds(2)
    assert world.shown("app/web", "1.0") == str(bad)


def test_a_release_covers_exactly_what_was_shown(world: World) -> None:
    bad = world.push("app/web", "1.0", user="0")
    world.sign("app/web", bad)
    world.rounds(2)
    case = world.case()
    world.app.review(case.id, Decision.RELEASE, actor="rita", reason="root is fine here")
    world.rounds(2)
    assert world.status("app/web:1.0").state is AnswerState.PASSED

    world.registry.store.delete_tag("app/web", f"{bad.tag_form}.sig")
    world.rounds(2)
    world.settle()

    assert len(world.cases(CaseState.OPEN)) == 1
    assert world.tombstone("app/web", "1.0")


def test_retag_keeps_the_image_in_its_repository(world: World) -> None:
    world.scope(action=Action.RETAG)
    bad = world.push("app/web", "1.0", user="0")
    world.rounds(2)

    assert world.tombstone("app/web", "1.0")
    assert world.shown("app/web", f"1.0--{bad.short}") == str(bad)
    assert not world.registry.store.exists("quarantine/app/web")
    world.rounds(2)
    assert len(world.cases()) == 1
    assert [intent.draft.kind for intent in world.intents(world.case())] == [IntentKind.RETAG]


def test_report_only_records(world: World) -> None:
    world.scope(action=Action.REPORT)
    world.push("app/web", "1.0", user="0")
    before = world.registry.dump()
    world.rounds(3)

    assert world.status("app/web:1.0").state is AnswerState.FAILED
    assert world.registry.dump() == before
    assert world.cases() == []


def test_what_the_source_has_collected_is_put_back_from_quarantine(world: World) -> None:
    bad = world.push("app/web", "1.0", user="0")
    world.sign("app/web", bad, bundle=True)
    world.rounds(2)
    store = world.registry.store
    for tag in world.ours("app/web"):
        store.delete_tag("app/web", tag)
    store.delete_tag("app/web", "1.0")
    store.collect_untagged("app/web")
    assert store.manifest("app/web", str(bad)) is None

    world.app.review(world.case().id, Decision.RELEASE, actor="rita", reason="fine")
    world.rounds(2)
    assert world.shown("app/web", "1.0") == str(bad)
    assert store.referrers("app/web", str(bad)) != []


def test_what_every_registry_has_lost_is_put_back_from_the_database(world: World) -> None:
    world.scope(action=Action.RETAG)
    bad = world.push("app/web", "1.0", user="0")
    world.rounds(2)
    store = world.registry.store
    store.delete_manifest("app/web", str(bad))

    world.app.review(world.case().id, Decision.RESTORE, actor="rita", reason="undo")
    world.rounds(2)
    assert world.shown("app/web", "1.0") == str(bad)
