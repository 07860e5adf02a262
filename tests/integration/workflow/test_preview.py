"""``policy preview``: what another policy would change, told before it changes anything."""

from __future__ import annotations

import dataclasses

from gatekeeper.core.lifecycle import Caps
from gatekeeper.core.policy import Existing, Mode, RuleSet
from gatekeeper.core.rules.signature_missing import SignatureMissing
from gatekeeper.core.rules.tag_latest import TagLatest
from gatekeeper.core.rules.user_root import UserRoot
from gatekeeper.core.signer import ManagedKey, Signer
from gatekeeper.core.verdict import State
from gatekeeper.workflow.preview import preview
from tests.integration.workflow.world import MALLORY, MINUTE, World, policy_of

DAY = 24 * 60 * MINUTE


def test_the_first_enforcement_of_an_old_estate_is_told_oldest_and_most_used_first(world: World) -> None:
    world.scope(mode=Mode.OBSERVE)
    world.push("app/oldest", "1.0", user="0")
    world.rounds(1)
    world.clock.advance(DAY)
    world.push("app/young", "1.0", user="0", text="young")
    world.push("app/used", "1.0", "1", "stable", user="0", text="used")
    world.good("app/good", "1.0")
    world.rounds(1)
    before = world.app.room.store.head()
    world.registry.clear_requests()

    wanted = policy_of(dataclasses.replace(world.policy.scopes[0], mode=Mode.ENFORCE))
    found = preview(world.app.room, wanted)
    assert [image.repository.path for image in found.images] == ["app/oldest", "app/used", "app/young"]
    assert {image.would for image in found.images} == {"propose (seen-before-enforcement)"}
    assert [(rule.rule, rule.failing, rule.turned) for rule in found.rules] == [
        ("signature-missing", 3, 0),
        ("user-root", 3, 0),
    ]
    assert (found.judged, found.failing, found.turned, found.unknown) == (4, 3, 0, 0)
    assert found.would == (("propose (seen-before-enforcement)", 3),)

    too = policy_of(dataclasses.replace(world.policy.scopes[0], mode=Mode.ENFORCE, existing=Existing.ENFORCE))
    assert preview(world.app.room, too).would == (("quarantine", 3),)
    assert world.methods() == {}, "nobody is asked"
    assert world.app.room.store.head() == before, "nothing is written"

    world.policy = wanted
    world.rounds(1)
    assert {case.why_proposed for case in world.cases()} == {"seen-before-enforcement"}


def test_another_rule_is_counted_by_what_it_turns(world: World) -> None:
    world.caps = Caps(per_change=1)
    world.restart()
    for number in range(3):
        world.good(f"app/n{number}", "latest", text=str(number))
    world.good("app/pinned", "1.0")
    world.rounds(1)
    rules = RuleSet("default", (SignatureMissing(), UserRoot(), TagLatest()))
    found = preview(world.app.room, policy_of(world.policy.scopes[0], rules=rules))
    assert (found.turned, found.failing) == (3, 3)
    assert [(rule.rule, rule.turned) for rule in found.rules] == [("tag-latest", 3)]
    assert found.would == (("propose (change-not-accepted)", 3),)
    assert {image.before for image in found.images} == {State.PASSED}


def test_what_only_the_registry_can_tell_is_said_to_be_unknown(world: World) -> None:
    world.good("app/web", "1.0")
    world.rounds(1)
    other = dataclasses.replace(
        world.policy, signers={"alice": Signer("alice", (ManagedKey(MALLORY.public),))}
    )
    found = preview(world.app.room, other)
    assert (found.judged, found.unknown, found.failing) == (1, 1, 0)


def test_what_would_no_longer_be_covered_is_counted(world: World) -> None:
    world.good("app/web", "1.0")
    world.rounds(1)
    elsewhere = policy_of(dataclasses.replace(world.policy.scopes[0], repositories=("other.example/**",)))
    assert preview(world.app.room, elsewhere).uncovered == 1
