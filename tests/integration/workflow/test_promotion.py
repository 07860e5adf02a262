"""Promotion copies by digest, with referrers, if and only if the digest passed."""

import pytest

from gatekeeper.core.errors import DeniedError
from gatekeeper.core.policy import Action
from gatekeeper.core.reference import parse_reference
from gatekeeper.workflow.promote import Promotion
from tests.integration.workflow.world import World


def promote(world: World, image: str, target: str) -> Promotion:
    host = world.registry.host
    return world.app.promote(
        parse_reference(f"{host}/{image}"), parse_reference(f"{host}/{target}"), actor="pia", reason="release"
    )


def test_a_passed_image_is_copied_with_its_signature(world: World) -> None:
    good = world.good("app/web", "1.0")
    world.sign("app/web", good, bundle=True)
    world.rounds(2)
    done = promote(world, "app/web:1.0", "prod/web:1.0")

    assert (done.state, done.exit_code, done.digest) == ("confirmed", 0, good)
    assert world.shown("prod/web", "1.0") == str(good)
    assert world.shown("prod/web", f"{good.tag_form}.sig") is not None
    assert len(world.registry.store.referrers("prod/web", str(good))) == 1


def test_a_second_promotion_of_the_same_changes_nothing(world: World) -> None:
    world.good("app/web", "1.0")
    world.rounds(2)
    promote(world, "app/web:1.0", "prod/web:1.0")
    before = world.registry.dump()
    assert promote(world, "app/web:1.0", "prod/web:1.0").exit_code == 0
    assert world.registry.dump() == before


def test_a_failed_image_is_not_copied(world: World) -> None:
    world.scope(action=Action.REPORT)
    world.push("app/web", "1.0", user="0")
    world.rounds(2)
    world.registry.clear_requests()
    done = promote(world, "app/web:1.0", "prod/web:1.0")
    assert (done.state, done.exit_code) == ("refused", 1)
    assert set(world.methods()) <= {"GET", "HEAD"}


def test_an_unseen_image_is_not_copied(world: World) -> None:
    world.good("app/web", "1.0")
    assert promote(world, "app/web:1.0", "prod/web:1.0").exit_code == 4
    assert not world.registry.store.exists("prod/web")


def test_only_targets_of_the_scope_are_written_to(world: World) -> None:
    world.good("app/web", "1.0")
    world.rounds(2)
    with pytest.raises(DeniedError, match="promote_to"):
        promote(world, "app/web:1.0", "elsewhere/web:1.0")


def test_a_protected_repository_is_no_target_even_where_no_scope_covers_it(world: World) -> None:
    world.scope(repositories=("127.0.0.1:*/app/**",), protected_repositories=("127.0.0.1:*/prod/**",))
    world.good("app/web", "1.0")
    world.rounds(2)
    with pytest.raises(DeniedError, match="protected"):
        promote(world, "app/web:1.0", "prod/web:1.0")
    assert not world.registry.store.exists("prod/web")


def test_a_held_promotion_is_refused_now_and_carried_out_after_the_hold(world: World) -> None:
    good = world.good("app/web", "1.0")
    world.rounds(2)
    world.app.hold_on(actor="ann", reason="incident")
    done = promote(world, "app/web:1.0", "prod/web:1.0")
    assert (done.state, done.reason_code, done.exit_code) == ("planned", "held", 6)
    assert world.shown("prod/web", "1.0") is None

    world.app.hold_off(actor="ann", reason="over")
    world.rounds(2)
    assert world.shown("prod/web", "1.0") == str(good)
