"""The same story on registries that can do less, and honest notes about what they cannot."""

from pathlib import Path

import pytest

from gatekeeper.core.lifecycle import CaseState, Decision, IntentKind, IntentState
from gatekeeper.core.policy import Action
from gatekeeper.demo.registry import Behaviour, Catalog, Match
from gatekeeper.demo.registry_faults import Status
from tests.integration.workflow.world import a_world

LESSER = {
    "docker-registry-2": Behaviour.docker_registry_2(),
    "docker-registry-2-without-deletes": Behaviour.docker_registry_2(deletes=False),
    "distribution-3": Behaviour.distribution_3(),
    "forgets-untagged": Behaviour(forgets_untagged=True),
    "no-conditional-head": Behaviour(conditional=False),
}


@pytest.mark.parametrize("name", sorted(LESSER))
@pytest.mark.parametrize("action", [Action.QUARANTINE, Action.RETAG])
def test_quarantine_and_release_work_everywhere(tmp_path: Path, name: str, action: Action) -> None:
    with a_world(tmp_path, LESSER[name], action=action, repositories=("127.0.0.1:*/app/web",)) as world:
        world.app.room.store.add_repositories([world.repository("app/web")], now=world.clock.now())
        bad = world.push("app/web", "1.0", user="0")
        world.sign("app/web", bad)
        world.rounds(2)
        assert world.tombstone("app/web", "1.0")
        world.registry.store.collect_untagged("app/web")
        assert world.registry.store.manifest("app/web", str(bad)) is not None

        world.app.review(world.case().id, Decision.RELEASE, actor="rita", reason="fine")
        world.rounds(3)
        assert world.shown("app/web", "1.0") == str(bad)
        assert world.status("app/web:1.0").exit_code == 0
        assert world.app.room.store.open_intents() == ()
        assert len(world.cases()) == 1


def test_a_registry_that_removes_no_tag_keeps_ours_and_we_say_so(tmp_path: Path) -> None:
    with a_world(tmp_path, Behaviour.docker_registry_2(deletes=False)) as world:
        world.push("app/web", "1.0", user="0")
        world.rounds(2)
        world.app.review(world.case().id, Decision.RELEASE, actor="rita", reason="fine")
        world.rounds(3)
        (unhold,) = world.intents(world.case(), IntentKind.UNHOLD)
        assert unhold.state is IntentState.CONFIRMED
        assert "removes no tag" in unhold.note
        before = len(world.registry.requests)
        world.rounds(1)
        assert world.app.room.store.open_intents() == ()
        assert len(world.registry.requests) - before < 20


@pytest.mark.parametrize("refusal", [405, 403])
def test_a_read_only_registry_is_told_honestly_and_not_hammered(tmp_path: Path, refusal: int) -> None:
    with a_world(tmp_path) as world:
        world.registry.faults.add(Match("PUT|POST|PATCH|DELETE"), Status(refusal))
        bad = world.push("app/web", "1.0", user="0")
        world.rounds(3)
        assert world.shown("app/web", "1.0") == str(bad)
        case = world.case()
        assert case.state is CaseState.OPEN
        (intent,) = world.intents(case)
        assert intent.state is IntentState.PLANNED
        assert "refuses" in intent.note
        tried = len([request for request in world.registry.requests if request.method not in ("GET", "HEAD")])
        world.rounds(1)
        after = len([request for request in world.registry.requests if request.method not in ("GET", "HEAD")])
        assert after - tried <= 1
        world.registry.faults.clear()
        world.rounds(1, every=world.app.room.limits.back_off_max)
        assert world.tombstone("app/web", "1.0")


def test_without_a_catalog_only_names_without_wildcards_are_watched(tmp_path: Path) -> None:
    with a_world(tmp_path, Behaviour(catalog=Catalog.MISSING)) as world:
        world.scope(repositories=("127.0.0.1:*/**", f"{world.registry.host}/app/web"))
        world.push("app/web", "1.0", user="0")
        world.push("app/api", "1.0", user="0")
        world.rounds(2)
        assert [case.repository.path for case in world.cases()] == ["app/web"]
