"""What rests on a key, told before it is retired or given up as compromised."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gatekeeper.core.errors import NotFoundError
from gatekeeper.core.policy import Action
from gatekeeper.core.verdict import State
from gatekeeper.workflow.trust_impact import trust_impact
from tests.integration.workflow.world import ALICE, MALLORY, World


def test_images_that_rest_on_a_key_are_listed_with_what_becomes_of_them(world: World) -> None:
    world.scope(action=Action.REPORT)
    early = world.good("app/web", "1.0")
    world.rounds(2)
    between = world.clock.now()
    late = world.good("app/web", "2.0", text="later")
    strange = world.push("app/web", "3.0", text="by a stranger")
    world.sign("app/web", strange, key=MALLORY)
    world.rounds(2)
    requests = len(world.registry.requests)

    found = trust_impact(world.app.room, ALICE.public.id[:12], at=between)
    assert (found.key_id, found.signers, found.judged) == (ALICE.public.id, ("alice",), 3)
    shown = {image.digest: image for image in found.images}
    assert set(shown) == {early, late}
    assert (shown[early].now, shown[early].if_retired, shown[early].if_compromised) == (
        State.PASSED,
        State.PASSED,
        State.FAILED,
    )
    assert (shown[late].if_retired, shown[late].reason_if_retired) == (State.FAILED, "signature-key-retired")
    assert shown[late].reason_if_compromised == "signature-key-compromised"
    assert (found.failing_if_retired, found.failing_if_compromised) == (1, 2)
    seen = shown[early].signed_before
    assert seen is not None
    assert seen < between
    assert shown[early].proven_before is None
    assert len(world.registry.requests) == requests, "nobody is asked"
    assert world.status("app/web:2.0").state.value == "passed", "nothing is written"

    later = trust_impact(world.app.room, ALICE.public.source, at=world.clock.now() + timedelta(days=1))
    assert (later.failing_if_retired, later.failing_if_compromised) == (0, 2)


@pytest.mark.parametrize("named", ["nobody.pub", "another", "", "00"])
def test_an_unknown_key_is_told_with_those_that_are_known(world: World, named: str) -> None:
    named = MALLORY.public.id if named == "another" else named
    with pytest.raises(NotFoundError, match="it names") as caught:
        trust_impact(world.app.room, named, at=world.clock.now())
    assert caught.value.reason_code == "key-unknown"
    assert ALICE.public.source in str(caught.value)
