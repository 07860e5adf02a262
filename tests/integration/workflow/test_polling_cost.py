"""What a round costs."""

from pathlib import Path

import pytest

from gatekeeper.core.policy import Action
from gatekeeper.demo.registry import BasicAuthentication, Behaviour, Match, TokenAuthentication
from gatekeeper.demo.registry_faults import Status
from gatekeeper.ports import Page
from tests.integration.workflow.world import PASSWORD, USER, World, a_world


def test_an_unchanged_tag_costs_one_head_and_the_round_one_list(world: World) -> None:
    for number in range(5):
        world.good("app/web", f"1.{number}", text=str(number))
    world.rounds(2)
    world.registry.clear_requests()
    world.rounds(1)

    heads = [request.path for request in world.registry.requests if request.method == "HEAD"]
    assert sorted(heads) == sorted(
        f"/v2/app/web/manifests/{tag}" for tag in world.registry.store.tags("app/web")
    )
    gets = [request.path for request in world.registry.requests if request.method == "GET"]
    assert sorted(gets) == ["/v2/_catalog", "/v2/app/web/tags/list"]


def test_many_tags_are_asked_by_several_threads_and_each_once(world: World) -> None:
    digest = world.good("app/web", *(f"1.{number}" for number in range(100)))
    world.rounds(2)
    world.registry.clear_requests()
    world.rounds(1)
    heads = [request.path for request in world.registry.requests if request.method == "HEAD"]
    assert len(heads) == len(set(heads)) == 101
    answer = world.status(f"app/web@{digest}")
    assert answer.verdict is not None
    assert len(answer.verdict.subject.tags) == 100


def test_an_error_in_one_thread_ends_the_round_of_all_and_loses_no_tag(world: World) -> None:
    world.good("app/web", *(f"1.{number}" for number in range(100)))
    world.rounds(2)
    fault = world.registry.faults.add(Match("HEAD", "1\\.5", skip=1), Status(503))
    world.registry.clear_requests()
    world.rounds(1)
    assert len([request for request in world.registry.requests if request.method == "HEAD"]) <= 101
    world.registry.faults.remove(fault)
    world.rounds(2)
    assert world.status("app/web:1.99").exit_code == 0
    rows, _ = world.app.room.store.images(repositories=("**",), state=None, page=Page())
    assert len(rows) == 1


@pytest.mark.parametrize("kind", [TokenAuthentication, BasicAuthentication])
def test_a_round_costs_at_most_one_ping_and_one_token(
    tmp_path: Path, kind: type[TokenAuthentication] | type[BasicAuthentication]
) -> None:
    with a_world(tmp_path, Behaviour(authentication=kind({USER: PASSWORD}))) as world:
        for number in range(5):
            world.good("app/web", f"1.{number}", text=str(number))
        world.rounds(1)
        assert world.status("app/web:1.0").exit_code == 0
        world.registry.clear_requests()
        world.rounds(1)
        paths = [request.path for request in world.registry.requests]
        assert paths.count("/token") <= 1
        assert paths.count("/v2/") <= 1
        assert len(paths) <= 10 + 2 + 2


def test_known_digests_make_the_heads_conditional(world: World) -> None:
    world.good("app/web", "1.0")
    world.rounds(2)
    world.registry.clear_requests()
    world.rounds(1)
    heads = [request for request in world.registry.requests if request.method == "HEAD"]
    assert {request.status for request in heads} == {304}


def test_a_second_tag_on_a_known_digest_costs_no_get_of_it(world: World) -> None:
    digest = world.good("app/web", "1.0")
    world.rounds(2)
    world.registry.store.set_tag("app/web", "latest", str(digest))
    world.registry.clear_requests()
    world.rounds(1)
    assert not [
        request
        for request in world.registry.requests
        if request.method == "GET" and "/manifests/" in request.path
    ]
    assert set(world.status("app/web:latest").verdict.subject.tags) == {"1.0", "latest"}  # type: ignore[union-attr]


def test_a_failed_digest_is_asked_for_its_referrers_only(world: World) -> None:
    world.scope(action=Action.REPORT)
    world.push("app/web", "1.0", user="0")
    world.rounds(2)
    world.registry.clear_requests()
    world.rounds(1)
    assert set(world.methods()) <= {"GET", "HEAD"}
