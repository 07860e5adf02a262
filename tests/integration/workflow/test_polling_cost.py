"""What a round costs."""

from gatekeeper.core.policy import Action
from tests.integration.workflow.world import World


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
