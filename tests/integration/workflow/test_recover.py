"""The registry alone tells of the open cases."""

import shutil
from datetime import timedelta
from threading import Event

import pytest

from gatekeeper.core.errors import UnavailableError
from gatekeeper.core.lifecycle import CaseState, Decision
from gatekeeper.core.manifest import OCI_MANIFEST
from gatekeeper.core.policy import Action
from gatekeeper.core.verdict import Result
from gatekeeper.demo.registry import Match
from gatekeeper.demo.registry_faults import After, Status
from gatekeeper.engine.local import LocalEngine
from gatekeeper.scheduler import Daemon, Rhythm
from gatekeeper.workflow.answer import AnswerState
from gatekeeper.workflow.recover import hold_when_forgotten
from tests.integration.workflow.world import World


def lose_the_database(world: World) -> None:
    world.app.close()
    world.empty_database()
    world.start()


def test_open_cases_are_rebuilt_and_can_be_released(world: World) -> None:
    bad = world.push("app/web", "1.0", user="0")
    world.good("app/web", "2.0")
    world.rounds(2)
    case, dump = world.case(), world.registry.dump()
    lose_the_database(world)

    answer = world.status("app/web:1.0")
    assert (answer.state, answer.digest, answer.exit_code) == (AnswerState.QUARANTINED, bad, 1)
    assert case.id in answer.message

    found = world.app.recover(actor="ann", reason="the disk died")
    assert not found.unavailable
    rebuilt = world.case()
    assert (rebuilt.id, rebuilt.digest, rebuilt.tags, rebuilt.state) == (
        case.id,
        bad,
        ("1.0",),
        CaseState.OPEN,
    )
    assert rebuilt.fingerprints == case.fingerprints
    assert rebuilt.opened_at == case.opened_at
    world.rounds(2)
    after = world.registry.dump()
    assert {path: repository["tags"] for path, repository in after.items()} == {
        path: repository["tags"] for path, repository in dump.items()
    }
    assert after == dump

    world.app.review(case.id, Decision.RELEASE, actor="rita", reason="fine")
    world.rounds(2)
    assert world.shown("app/web", "1.0") == str(bad)
    assert world.ours("app/web") == []


def test_recovery_twice_rebuilds_once(world: World) -> None:
    world.push("app/web", "1.0", user="0")
    world.rounds(2)
    lose_the_database(world)
    world.app.recover(actor="ann", reason="the disk died")
    again = world.app.recover(actor="ann", reason="once more")
    assert [found.known for found in again.cases] == [True]
    assert len(world.cases()) == 1


def test_a_rolled_back_tag_is_found_by_its_case_record(world: World) -> None:
    world.scope(action=Action.ROLLBACK, anchors=2)
    world.good("app/web", "1.0", text="good")
    world.rounds(2)
    bad = world.push("app/web", "1.0", user="0", text="bad")
    world.rounds(2)
    lose_the_database(world)
    world.app.recover(actor="ann", reason="the disk died")
    assert (world.case().digest, world.case().action) == (bad, Action.ROLLBACK)


def test_a_released_case_is_not_rebuilt(world: World) -> None:
    world.push("app/web", "1.0", user="0")
    world.rounds(2)
    world.app.review(world.case().id, Decision.RELEASE, actor="rita", reason="fine")
    world.rounds(2)
    lose_the_database(world)
    assert world.app.recover(actor="ann", reason="the disk died").cases == ()


def test_a_daemon_that_finds_a_quarantine_it_has_forgotten_holds_every_write(world: World) -> None:
    world.push("app/web", "1.0", user="0")
    world.rounds(2)
    dump = world.registry.dump()
    lose_the_database(world)
    looked = Event()
    world.registry.faults.add(Match("HEAD", "/manifests/gatekeeper-case-"), After(lambda _: looked.set()))
    daemon = Daemon(world.app.room, LocalEngine(1), Rhythm(tick=timedelta(hours=1)))
    daemon.start()
    assert looked.wait(60)
    assert daemon.stop()
    world.rounds(3)
    assert world.registry.dump() == dump

    world.app.recover(actor="ann", reason="the disk died")
    world.app.hold_off(actor="ann", reason="recovered")
    world.rounds(3)
    assert world.registry.dump() == dump
    assert [case.state for case in world.cases()] == [CaseState.OPEN]


@pytest.mark.parametrize("action", [Action.RETAG, Action.ROLLBACK])
def test_what_was_done_without_a_quarantine_repository_is_missed_too(world: World, action: Action) -> None:
    world.scope(action=action, anchors=2)
    world.good("app/web", "1.0", text="good")
    world.good("app/api", "1.0", text="good")
    world.rounds(2)
    world.push("app/web", "1.0", user="0", text="bad")
    world.rounds(2)
    assert hold_when_forgotten(world.app.room) is None
    lose_the_database(world)
    refused = world.registry.faults.add(Match("GET", "/v2/app/api/tags/list"), Status(403))
    found = hold_when_forgotten(world.app.room)
    assert found is not None
    assert "app/web" in found.reason
    world.registry.faults.remove(refused)


def test_a_registry_that_refuses_everything_is_asked_again(world: World) -> None:
    world.scope(action=Action.RETAG)
    world.good("app/web", "1.0")
    world.registry.faults.add(Match("GET", "/tags/list"), Status(403))
    with pytest.raises(UnavailableError):
        hold_when_forgotten(world.app.room)


def test_a_daemon_on_a_new_database_beside_an_empty_quarantine_holds_nothing(world: World) -> None:
    world.good("app/web", "1.0")
    assert hold_when_forgotten(world.app.room) is None
    world.push("quarantine/app/old", "1.0")
    assert hold_when_forgotten(world.app.room) is None


def test_a_quarantine_of_another_installation_on_the_same_registry_holds_nothing(world: World) -> None:
    world.push("theirs/web", "1.0", user="0")
    world.rounds(2)
    assert world.tombstone("theirs/web", "1.0")
    lose_the_database(world)
    world.scope(repositories=("127.0.0.1:*/app/**",))
    assert hold_when_forgotten(world.app.room) is None
    world.scope(repositories=("127.0.0.1:*/theirs/**",))
    assert hold_when_forgotten(world.app.room) is not None


def test_a_rebuilt_case_shows_what_could_not_be_judged_too(world: World) -> None:
    bad = world.push("app/web", "1.0", user="0")
    junk = b'{"schemaVersion":2,"schemaVersion":2}'
    world.registry.store.put_manifest("app/web", junk, OCI_MANIFEST, tags=[bad.tag_form])
    world.settle()
    case = world.case()
    verdict = world.status(f"app/web@{bad}").verdict
    assert verdict is not None
    shown = {finding.result for finding in verdict.findings if finding.counts}
    assert shown == {Result.VIOLATED, Result.UNDETERMINED}
    lose_the_database(world)
    world.app.recover(actor="ann", reason="the disk died")
    assert world.case().fingerprints == case.fingerprints


def test_what_a_daemon_on_the_same_database_has_just_quarantined_is_not_forgotten(world: World) -> None:
    world.push("app/web", "1.0", user="0")
    world.rounds(2)
    assert world.tombstone("app/web", "1.0")
    assert hold_when_forgotten(world.app.room) is None


def test_a_database_older_than_the_registry_proposes_and_leaves_open_intents_to_a_person(
    world: World,
) -> None:
    """Put back from a backup that was made while an action was under way; another was finished since."""
    first = world.push("app/first", "1.0", user="0", text="first")
    refused = world.registry.faults.add(Match("PUT|POST|PATCH"), Status(503))
    world.rounds(1)
    (intent,) = world.intents(world.case())
    assert intent.state.open
    world.app.close()
    copy = world.directory / "backup.db"
    shutil.copy(world.directory / "gatekeeper.db", copy)
    world.start()
    world.registry.faults.remove(refused)
    world.push("app/second", "1.0", user="0", text="second")
    world.rounds(3, every=timedelta(hours=1))
    assert world.tombstone("app/first", "1.0")
    world.app.close()
    for suffix in ("-wal", "-shm"):
        (world.directory / f"gatekeeper.db{suffix}").unlink(missing_ok=True)
    shutil.copy(copy, world.directory / "gatekeeper.db")
    world.start()

    found = hold_when_forgotten(world.app.room)
    assert found is not None
    assert "gatekeeper quarantine recover" in found.reason
    world.push("app/third", "1.0", user="0", text="third")
    world.registry.clear_requests()
    world.rounds(3, every=timedelta(hours=1))
    assert set(world.methods()) <= {"GET", "HEAD"}
    (still,) = world.app.room.store.open_intents()
    assert (still.draft.digest, still.state.open) == (first, True)
    (proposed,) = world.cases(CaseState.PROPOSED)
    assert (proposed.repository.path, proposed.why_proposed) == ("app/third", "database-behind")

    world.app.recover(actor="ann", reason="restored last night's backup")
    world.app.hold_off(actor="ann", reason="recovered")
    world.rounds(4, every=timedelta(hours=1))
    assert {case.repository.path for case in world.cases(CaseState.OPEN)} == {
        "app/first",
        "app/second",
        "app/third",
    }
    assert world.app.room.store.open_intents() == ()
