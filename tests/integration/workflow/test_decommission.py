"""Out again: afterwards the registry is as if we had never acted there."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import ConfigurationError, MalformedError
from gatekeeper.core.lifecycle import CaseState, Decision
from gatekeeper.core.manifest import OCI_INDEX, OCI_MANIFEST, ImageManifest, parse_manifest
from gatekeeper.core.policy import Action, Mode
from gatekeeper.core.verification_summary import SummaryResult
from gatekeeper.demo.registry import Behaviour
from gatekeeper.demo.registry_faults import Drop, Match
from gatekeeper.signatures.signing import attestation_layer, tagged
from gatekeeper.workflow.decommission import Decommission, decommission
from tests.integration.workflow.test_attestations import an_attesting_world, attesting, sign, summaries
from tests.integration.workflow.world import MALLORY, HandClock, World, a_world

BEHAVIOURS = {
    "tag delete": Behaviour(),
    "digest delete only": Behaviour.docker_registry_2(),
    "distribution 3": Behaviour.distribution_3(),
}
LEASE = timedelta(minutes=10)
LONG_AGO = "app/released"


@pytest.fixture(params=BEHAVIOURS, ids=str)
def behaviour(request: pytest.FixtureRequest) -> Behaviour:
    return BEHAVIOURS[request.param]


def out(world: World, *, dry_run: bool = False) -> Decommission:
    return decommission(
        world.app.room,
        world.registry.host,
        dry_run=dry_run,
        actor="ann",
        reason="we leave",
        tell=lambda _: None,
    )


def content(world: World) -> dict[str, Any]:
    """Tags and manifests of every repository that has any; blobs are left to the registry's own collection."""
    return {
        path: {"tags": found["tags"], "manifests": found["manifests"]}
        for path, found in world.registry.dump().items()
        if found["tags"] or found["manifests"]
    }


def history(world: World) -> dict[str, Any]:
    """Quarantine, release, anchors; returns the content in which nobody but the pushers acted."""
    world.scope(anchors=2)
    world.good("app/web", "1.0", text="good")
    world.push("app/web", "2.0", user="0", text="bad")
    signed = world.push("app/job", "1.0", "latest", user="0")
    world.sign("app/job", signed)
    world.push(LONG_AGO, "1.0", user="0")
    untouched = content(world)
    world.settle()
    released = next(case for case in world.cases(CaseState.OPEN) if case.repository.path == LONG_AGO)
    world.app.review(released.id, Decision.RELEASE, actor="rita", reason="fine")
    world.rounds(2)
    assert world.tombstone("app/web", "2.0")
    assert world.tombstone("app/job", "latest")
    assert not world.tombstone(LONG_AGO, "1.0")
    assert any(name.startswith("gatekeeper-pass-") for name in world.ours("app/web"))
    return untouched


@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.OBSERVE], ids=str)
def test_afterwards_it_is_as_if_we_had_never_acted(tmp_path: Path, behaviour: Behaviour, mode: Mode) -> None:
    with a_world(tmp_path, behaviour) as world:
        untouched = history(world)
        world.scope(mode=mode)
        done = out(world)
        assert (done.exit_code, done.left, done.unavailable) == (0, (), ())
        assert done.enforcing == (("all",) if mode is Mode.ENFORCE else ())
        assert content(world) == untouched
        restored = [case for case in world.cases() if case.repository.path != LONG_AGO]
        assert {case.state for case in restored} == {CaseState.RESTORED}
        for case in restored:
            told = world.app.room.store.case(case.id).history
            assert any((entry.actor, entry.reason) == ("ann", "we leave") for entry in told)
        world.scope(mode=Mode.OBSERVE)
        world.rounds(3)
        assert content(world) == untouched


@pytest.mark.parametrize("action", [Action.RETAG, Action.ROLLBACK], ids=str)
def test_every_action_is_undone(tmp_path: Path, behaviour: Behaviour, action: Action) -> None:
    with a_world(tmp_path, behaviour) as world:
        world.scope(action=action, anchors=2)
        good = world.good("app/web", "1.0", text="good")
        world.rounds(2)
        before = content(world)
        bad = world.push("app/web", "1.0", user="0", text="bad")
        pushed = world.registry.store.manifest("app/web", str(bad))
        assert pushed is not None
        world.settle()
        assert world.shown("app/web", "1.0") != str(bad)
        assert out(world).exit_code == 0
        after = content(world)
        assert list(after) == ["app/web"]
        assert after["app/web"]["tags"]["1.0"] == str(bad)
        assert world.ours("app/web") == []
        assert set(after["app/web"]["manifests"]) == {*before["app/web"]["manifests"], str(bad), str(good)}


def test_twice_is_harmless(world: World) -> None:
    untouched = history(world)
    out(world)
    world.registry.clear_requests()
    again = out(world)
    assert (again.found, again.intents, again.exit_code) == ((), (), 0)
    assert set(world.methods()) <= {"GET", "HEAD"}
    assert content(world) == untouched


def test_a_dry_run_lists_it_all_and_writes_nothing(world: World) -> None:
    history(world)
    before, trail = world.registry.dump(), world.app.room.store.change_counter()
    world.registry.clear_requests()
    done = out(world, dry_run=True)
    assert set(world.methods()) <= {"GET", "HEAD"}
    assert (world.registry.dump(), world.app.room.store.change_counter()) == (before, trail)
    assert done.exit_code == 0
    assert {(one.what, one.undo) for one in done.found} == {
        ("replaced-tag", "restore"), ("tag", "delete"), ("record", "delete"), ("tombstone", "delete"),
        ("copy", "delete"),
    }  # fmt: skip
    replaced = {f"{one.repository.path}:{one.tag}" for one in done.found if one.what == "replaced-tag"}
    assert replaced == {"app/web:2.0", "app/job:1.0", "app/job:latest"}
    assert {case.state for case in world.cases()} == {CaseState.OPEN, CaseState.RELEASED}


class Crash(BaseException):
    """The process is gone."""


@dataclass(slots=True)
class DyingClock:
    """Asked around every step and record; the process dies when it is asked once too often."""

    clock: HandClock
    left: int

    def now(self) -> datetime:
        self.left -= 1
        if self.left < 0:
            raise Crash
        return self.clock.now()


@pytest.mark.parametrize("lives", [1, 3, 6, 9, 14, 19, 25, 31, 36])
def test_after_a_crash_anywhere_another_run_finishes(tmp_path: Path, lives: int) -> None:
    with a_world(tmp_path) as world:
        untouched = history(world)
        room = replace(world.app.room, clock=DyingClock(world.clock, lives))
        with pytest.raises(Crash):
            decommission(room, world.registry.host, dry_run=False, actor="ann", reason="we leave")
        world.restart()
        world.clock.advance(LEASE)
        assert out(world).left == ()
        assert content(world) == untouched


def test_after_a_crash_the_daemon_goes_on_with_what_was_recorded(world: World) -> None:
    history(world)
    room = replace(world.app.room, clock=DyingClock(world.clock, 6))
    with pytest.raises(Crash):
        decommission(room, world.registry.host, dry_run=False, actor="ann", reason="we leave")
    world.restart()
    world.rounds(4, every=LEASE)
    assert not any(world.tombstone("app/job", tag) for tag in ("1.0", "latest"))
    assert not world.tombstone("app/web", "2.0")


def test_a_hold_stops_it_and_it_goes_on_afterwards(world: World) -> None:
    untouched = history(world)
    world.app.hold_on(actor="rita", reason="look first")
    before = world.registry.dump()
    world.registry.clear_requests()
    held = out(world)
    assert (held.held, held.exit_code) == (True, 6)
    assert held.left
    assert set(world.methods()) <= {"GET", "HEAD"}
    assert world.registry.dump() == before
    world.app.hold_off(actor="rita", reason="fine")
    assert out(world).exit_code == 0
    assert content(world) == untouched


def test_a_registry_that_deletes_nothing_gets_its_tags_back_and_is_told_of(tmp_path: Path) -> None:
    with a_world(tmp_path, Behaviour.docker_registry_2(deletes=False)) as world:
        bad = world.push("app/web", "1.0", user="0")
        world.settle()
        assert world.tombstone("app/web", "1.0")
        done = out(world)
        assert world.shown("app/web", "1.0") == str(bad)
        assert done.exit_code == 1
        assert {one.what for one in done.left} == {"tag", "record", "tombstone", "copy"}
        assert any("removes no tag" in one.note for one in done.intents)
        assert any("deletes no manifest" in one.note for one in done.intents)


def test_what_others_pushed_meanwhile_stays(world: World) -> None:
    bad = world.push("app/web", "1.0", user="0")
    world.settle()
    newer = world.push("app/web", "1.0", text="newer")
    kept = world.app.room.store.ours(world.repository("quarantine/app/web"))
    raw = world.registry.store.manifest("quarantine/app/web", str(bad))
    assert kept
    assert raw is not None
    world.registry.store.put_manifest("quarantine/app/web", raw.raw, raw.media_type, tags=["forensics"])
    done = out(world)
    assert world.shown("app/web", "1.0") == str(newer)
    assert list(world.registry.store.tags("quarantine/app/web")) == ["forensics"]
    assert world.shown("quarantine/app/web", "forensics") == str(bad)
    assert [(one.what, one.digest) for one in done.left] == [("copy", bad)]


def test_our_attestations_go_and_those_of_others_stay(tmp_path: Path, behaviour: Behaviour) -> None:
    with an_attesting_world(tmp_path, behaviour) as world:
        digests: list[Digest] = []
        for bundle in (False, True):
            path = f"app/{bundle}".lower()
            digests.append(world.push(path, "1.0"))
            sign(world, path, digests[-1], bundle=bundle)
        untouched = content(world)
        world.rounds(2)
        assert all(summaries(world, f"app/{bundle}".lower(), digests[bundle]) for bundle in (False, True))
        world.scope(mode=Mode.OBSERVE)
        assert {one.what for one in out(world, dry_run=True).found} == {"attestation"}
        assert out(world).exit_code == 0
        after = content(world)
        assert {path: found["tags"] for path, found in after.items()} == {
            path: found["tags"] for path, found in untouched.items()
        }
        # Where the registry has no referrers API, earlier versions of the fallback index are left without a tag.
        more = {
            manifest["mediaType"]
            for path, found in after.items()
            for digest, manifest in found["manifests"].items()
            if digest not in untouched[path]["manifests"]
        }
        assert more == (set() if behaviour.referrers_api else {OCI_INDEX})
        assert all(
            found["manifests"].items() <= after[path]["manifests"].items()
            for path, found in untouched.items()
        )


def others_layers(world: World, digest: Digest) -> list[str]:
    """Layers of the ``.att`` tag, as cosign reads it."""
    shown = world.registry.store.manifest("app/web", f"{digest.tag_form}.att")
    assert shown is not None
    return [layer["digest"] for layer in json.loads(shown.raw)["layers"]]


def hung_by_others(world: World, digest: Digest) -> list[str]:
    """Two attestations of somebody else in the tag where ours is appended."""
    name = str(world.repository("app/web"))
    layers = [
        attestation_layer(MALLORY, name, digest, f"https://example.test/{number}", {"number": number})
        for number in range(2)
    ]
    attachment = tagged(digest, layers, ".att")
    for blob in attachment.blobs:
        world.registry.store.put_blob("app/web", blob)
    world.registry.store.put_manifest(
        "app/web", attachment.manifest, OCI_MANIFEST, tags=[attachment.tag or ""]
    )
    return others_layers(world, digest)


def test_a_layer_of_ours_is_taken_out_from_among_those_of_others(
    tmp_path: Path, behaviour: Behaviour
) -> None:
    with an_attesting_world(tmp_path, behaviour) as world:
        digest = world.push("app/web", "1.0")
        world.sign("app/web", digest)
        others = hung_by_others(world, digest)
        world.rounds(2)
        (ours,) = summaries(world, "app/web", digest)
        assert ours.result is SummaryResult.PASSED
        with_ours = others_layers(world, digest)
        assert len(with_ours) == 3
        assert with_ours[:2] == others
        world.scope(mode=Mode.OBSERVE)
        done = out(world)
        assert (done.exit_code, done.left) == (0, ())
        assert others_layers(world, digest) == others
        shown = world.registry.store.manifest("app/web", f"{digest.tag_form}.att")
        assert shown is not None
        manifest = parse_manifest(shown.raw, content_type=shown.media_type, expected=None)
        assert isinstance(manifest, ImageManifest)
        registry = world.app.room.registries.get(world.registry.host)
        config = json.loads(registry.blob("app/web", manifest.config, cap=1 << 20))
        assert config["rootfs"]["diff_ids"] == others, (
            "cosign refuses a configuration with another number of layers"
        )


def test_without_the_signing_key_ours_are_listed_and_left(tmp_path: Path) -> None:
    with an_attesting_world(tmp_path) as world:
        digest = world.push("app/web", "1.0")
        world.sign("app/web", digest)
        bad = world.push("app/bad", "1.0", user="0")
        world.sign("app/bad", bad)
        world.rounds(3)
        before = others_layers(world, digest)
        world.restart()
        assert world.app.room.attesting is None
        assert {one.what for one in out(world, dry_run=True).found} >= {"attestation", "replaced-tag"}
        done = out(world)
        assert [(one.what, one.digest) for one in done.left] == [("attestation", digest)]
        assert done.exit_code == 1
        assert others_layers(world, digest) == before
        assert world.shown("app/bad", "1.0") == str(bad), "all else is undone"
        attesting(world)
        assert out(world).exit_code == 0
        assert f"{digest.tag_form}.att" not in world.registry.store.tags("app/web")


def test_a_dry_run_lists_what_the_run_undoes(world: World) -> None:
    history(world)
    listed = out(world, dry_run=True)
    ran = out(world)
    assert (ran.found, ran.left) == (listed.found, ())
    assert listed.found


@pytest.mark.parametrize("number", range(0, 30, 3))
def test_a_connection_that_breaks_at_any_write_leaves_nothing_undone(tmp_path: Path, number: int) -> None:
    with a_world(tmp_path) as world:
        untouched = history(world)
        world.registry.faults.add(Match("POST|PUT|PATCH|DELETE", skip=number), Drop())
        broken = out(world)
        assert broken.exit_code in (0, 1, 5)
        world.registry.faults.clear()
        world.restart()
        world.clock.advance(LEASE)
        assert out(world).exit_code == 0
        assert content(world) == untouched


def test_what_a_lost_database_has_forgotten_is_named_and_recovered_first(world: World) -> None:
    untouched = history(world)
    world.app.close()
    world.empty_database()
    world.start()
    before = content(world)
    forgotten = out(world)
    assert (forgotten.found, forgotten.left) == ((), ())
    assert any(":gatekeeper-hold-" in name for name in forgotten.unknown)
    assert any(":gatekeeper-pass-" in name for name in forgotten.unknown)
    assert content(world) == before
    world.app.recover(actor="ann", reason="the disk died")
    world.rounds(2)
    out(world)
    for path in ("app/web", "app/job"):
        assert content(world)[path]["tags"].items() >= untouched[path]["tags"].items()


def test_a_policy_that_drops_open_cases_is_told_of(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.push("app/web", "1.0", user="0")
    world.settle()
    assert "watched no more" not in caplog.text
    world.scope(repositories=("127.0.0.1:*/other/**",))
    world.rounds(1)
    assert "1 cases wait there, and it is watched no more" in caplog.text
    assert "gatekeeper decommission" in caplog.text
    world.restart()
    world.rounds(2)
    world.scope(repositories=("127.0.0.1:*/app/**",))
    world.rounds(1)
    told = [event for event in world.app.room.store.events(after=0, limit=100) if "watched" in event.kind]
    assert [(event.kind, event.subject) for event in told] == [
        ("cases-unwatched", str(world.repository("app/web"))),
        ("cases-watched", str(world.repository("app/web"))),
    ]


def test_unknown_registries_and_empty_reasons_are_refused(world: World) -> None:
    with pytest.raises(ConfigurationError):
        decommission(world.app.room, "nowhere.example", dry_run=True, actor="ann", reason="")
    with pytest.raises(MalformedError):
        decommission(world.app.room, world.registry.host, dry_run=False, actor="ann", reason=" ")
