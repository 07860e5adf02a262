"""Each brake is put on at every single write of every kind of intent: nothing more is written, and nothing is lost.

The write that is under way when a brake is put on ends; one blob may take several requests.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper.core.lifecycle import Allowance, Caps, CaseState, Decision, IntentKind, IntentState
from gatekeeper.core.policy import Action, Mode, RuleSet
from gatekeeper.core.reference import parse_reference
from gatekeeper.core.rules.signature_missing import SignatureMissing
from gatekeeper.demo.images import image
from gatekeeper.demo.registry_faults import Before, LoseAnswer, Match
from gatekeeper.workflow.decommission import decommission
from gatekeeper.workflow.hold import close_breaker
from tests.integration.workflow.test_attestations import attesting
from tests.integration.workflow.world import World, a_world, policy_of

HOUR = timedelta(hours=1)
WRITING = "POST|PUT|PATCH|DELETE"
BLOB = "/blobs/uploads/"
EVERYTHING = ("127.0.0.1:*/**",)


BAD = image({"etc/motd": "bad"}, user="0")


def replaced(world: World) -> bool:
    return world.shown("app/web", "1.0") != BAD.digest


@dataclass(frozen=True, slots=True)
class Act:
    """A world in which the next round carries out one kind of intent."""

    prepare: Callable[[World], None]
    carry: Callable[[World], None] = field(default=lambda world: world.rounds(1))
    done: Callable[[World], bool] = replaced


def failing(world: World, **scope: object) -> None:
    world.scope(**scope)
    world.sign("app/web", world.push("app/web", "1.0", built=BAD))


def rolled_back(world: World) -> None:
    world.scope(action=Action.ROLLBACK, anchors=1)
    world.good("app/web", "1.0", text="good")
    world.rounds(2)
    world.sign("app/web", world.push("app/web", "1.0", built=BAD))


def reviewed(world: World) -> None:
    failing(world)
    world.rounds(2)
    world.app.review(world.case().id, Decision.RESTORE, actor="rita", reason="wrong moment")


def passed(world: World, **scope: object) -> None:
    world.scope(**scope)
    world.good("app/web", "1.0", text="good")


def judged(world: World) -> None:
    passed(world)
    world.rounds(2)


def promote(world: World) -> None:
    name = f"{world.registry.host}/"
    reference, target = (parse_reference(name + end) for end in ("app/web:1.0", "prod/web:1.0"))
    world.app.promote(reference, target, actor="pia", reason="release")


def attested(world: World) -> None:
    attesting(world)
    passed(world)


def quarantined(world: World) -> None:
    failing(world)
    world.rounds(2)


def taken_out(world: World) -> None:
    decommission(world.app.room, world.registry.host, dry_run=False, actor="ann", reason="we leave")


def has_ours(world: World) -> bool:
    return bool(world.ours("app/web"))


ACTS = {
    "quarantine": Act(failing),
    "retag": Act(lambda world: failing(world, action=Action.RETAG)),
    "rollback": Act(rolled_back),
    "anchor": Act(lambda world: passed(world, anchors=2), done=has_ours),
    "attest": Act(attested, done=lambda world: len(world.registry.store.tags("app/web")) > 2),
    "promote": Act(
        judged, carry=promote, done=lambda world: world.shown("prod/web", "1.0") is not None
    ),
    "restore and unhold": Act(reviewed, done=lambda world: not has_ours(world)),
    "decommission and erase": Act(
        quarantined, carry=taken_out, done=lambda world: not world.registry.store.tags("quarantine/app/web")
    ),
}  # fmt: skip
ENFORCING = ("quarantine", "retag", "rollback")


@dataclass(frozen=True, slots=True)
class Braked:
    """A world after a brake was put on in the middle of an act; nothing was written there since."""

    world: World
    act: Act
    tag_written: bool
    """The brake came after the tag was replaced."""


def at_every_write(kind: str, tmp_path: Path, brake: Callable[[World], None]) -> Iterator[Braked]:
    """Plays the act once for each of its writes, with the brake put on right before that write is answered."""
    act = ACTS[kind]
    for number in itertools.count():
        folder = tmp_path / str(number)
        folder.mkdir()
        with a_world(folder) as world:
            act.prepare(world)

            def put_on(_request: object, world: World = world) -> None:
                brake(world)
                world.registry.clear_requests()

            struck = world.registry.faults.add(Match(WRITING, skip=number, times=1), Before(put_on))
            act.carry(world)
            if not struck.hits:
                assert number > 0, "the act writes nothing at all"
                assert act.done(world)
                return
            begun = [request for request in world.registry.requests if request.method in WRITING]
            assert all(BLOB in request.target for request in begun), (number, begun)
            assert len(begun) <= 1, (number, begun)
            world.registry.clear_requests()
            world.rounds(3)
            assert set(world.methods()) <= {"GET", "HEAD"}, (number, world.methods())
            yield Braked(world, act, replaced(world))


@pytest.mark.parametrize("kind", ACTS)
def test_a_hold(tmp_path: Path, kind: str) -> None:
    def hold(world: World) -> None:
        world.app.hold_on(actor="ann", reason="incident")

    for braked in at_every_write(kind, tmp_path, hold):
        world = braked.world
        world.app.hold_off(actor="ann", reason="over")
        if braked.act.carry is taken_out:
            taken_out(world)
        world.rounds(3, every=world.app.room.limits.back_off_max)
        assert braked.act.done(world)
        assert world.app.room.store.open_intents() == ()


@pytest.mark.parametrize("kind", ENFORCING)
def test_the_breaker(tmp_path: Path, kind: str) -> None:
    def trip(world: World) -> None:
        world.app.room.store.trip_breaker(Allowance.PER_HOUR, now=world.clock.now())

    for braked in at_every_write(kind, tmp_path, trip):
        closed_and_done(braked, "cap-per-hour")


@pytest.mark.parametrize(
    ("kind", "cap"),
    [*((kind, Allowance.PER_HOUR) for kind in ENFORCING), ("retag", Allowance.PER_REPOSITORY)],
)
def test_a_cap_that_is_lowered(tmp_path: Path, kind: str, cap: Allowance) -> None:
    """What is under way counts: beyond the cap it stops, and the breaker opens so that people are told."""

    def lower(world: World) -> None:
        world.caps = Caps(**{str(cap): 0})

    for braked in at_every_write(kind, tmp_path, lower):
        if braked.tag_written:
            assert braked.world.app.room.store.breaker() is None
            continue
        braked.world.caps = Caps()
        told = [event.kind for event in braked.world.app.room.store.events(after=0, limit=100)]
        assert told.count("breaker-opened") == 1
        closed_and_done(braked, f"cap-{cap.replace('_', '-')}")


def closed_and_done(braked: Braked, reason: str) -> None:
    """The breaker is told of with why and since when; closing it lets go on what waits."""
    world = braked.world
    case = world.case()
    assert case.state is CaseState.OPEN
    (brake,) = world.status(f"app/web@{case.digest}").brakes
    assert (brake.name, brake.actor, brake.reason) == ("breaker", "gatekeeper", reason)
    assert brake.since is not None
    close_breaker(world.app.room, actor="ann", reason="looked at it")
    world.rounds(2, every=HOUR)
    assert braked.act.done(world)
    assert {intent.state for intent in world.intents(world.case())} == {IntentState.CONFIRMED}


@pytest.mark.parametrize(
    ("kind", "globs"),
    [*((kind, "protected_repositories") for kind in ENFORCING), ("retag", "protected_tags")],
)
def test_a_protected_glob(tmp_path: Path, kind: str, globs: str) -> None:
    def protect(world: World) -> None:
        world.scope(**{globs: ("**",) if globs == "protected_tags" else EVERYTHING})

    for braked in at_every_write(kind, tmp_path, protect):
        world = braked.world
        (intent,) = [one for case in world.cases() for one in world.intents(case, IntentKind(kind))]
        if braked.tag_written:
            assert (intent.state, world.case().state) == (IntentState.CONFIRMED, CaseState.OPEN)
        else:
            assert intent.state is IntentState.ABANDONED
            assert "protects" in world.status("app/web:1.0").brakes[0].reason


@pytest.mark.parametrize("kind", ["anchor", "attest"])
def test_a_protected_repository_gets_nothing_hung_on_it(tmp_path: Path, kind: str) -> None:
    for braked in at_every_write(
        kind, tmp_path, lambda world: world.scope(protected_repositories=EVERYTHING)
    ):
        assert not any(
            intent.draft.kind is IntentKind(kind) for intent in braked.world.app.room.store.open_intents()
        )


def test_a_target_that_is_protected_while_it_is_promoted_to(tmp_path: Path) -> None:
    def protect(world: World) -> None:
        world.scope(protected_repositories=("127.0.0.1:*/prod/**",))

    for braked in at_every_write("promote", tmp_path, protect):
        (promoted,) = braked.world.app.room.store.intents_at(
            braked.world.registry.host, frozenset({IntentKind.PROMOTE})
        )
        written = braked.world.shown("prod/web", "1.0") is not None
        assert promoted.state is (IntentState.CONFIRMED if written else IntentState.ABANDONED)
        assert written or "protected by the policy" in promoted.note


@pytest.mark.parametrize("kind", ENFORCING)
def test_a_policy_that_was_mended_during_a_hold(tmp_path: Path, kind: str) -> None:
    """What passes by then is left alone; what was replaced already waits for a person, who can put it back."""

    def hold(world: World) -> None:
        world.app.hold_on(actor="ann", reason="this policy is wrong")

    for braked in at_every_write(kind, tmp_path, hold):
        world = braked.world
        world.policy = policy_of(world.policy.scopes[0], rules=RuleSet("default", (SignatureMissing(),)))
        world.rounds(2, every=HOUR)
        world.app.hold_off(actor="ann", reason="mended")
        world.rounds(3, every=HOUR)
        if braked.tag_written:
            assert world.case().state is CaseState.OPEN
            world.app.review(world.case().id, Decision.RELEASE, actor="rita", reason="it passes")
            world.rounds(2)
        assert not replaced(world)
        assert [tag for tag in world.ours("app/web") if "-pass-" not in tag] == []
        assert world.app.room.store.open_intents() == ()


def test_a_policy_that_stops_enforcing_after_a_crash_between_write_and_record(world: World) -> None:
    """The tag was replaced and nobody has recorded it: the case must stay, else nobody could put the tag back."""
    failing(world)
    written = Match("PUT", r"app/web/manifests/1\.0$", times=1)
    world.registry.faults.add(written, LoseAnswer())
    world.rounds(1)
    assert replaced(world)
    world.scope(mode=Mode.OBSERVE)
    world.registry.clear_requests()
    world.rounds(3, every=HOUR)
    assert set(world.methods()) <= {"GET", "HEAD"}
    assert world.case().state is CaseState.OPEN
    world.app.review(world.case().id, Decision.RESTORE, actor="rita", reason="we only observe")
    world.rounds(2)
    assert not replaced(world)
