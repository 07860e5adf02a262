"""The soak, with few kills; ``python3 dev.py soak`` does two hundred."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from gatekeeper.core.manifest import OCI_MANIFEST
from gatekeeper.demo.images import image
from tests.soak.__main__ import main, summary
from tests.soak.run import prepared, soak

KILLS = 24 if os.environ.get("GATEKEEPER_TEST_FULL") else 12
SEED = 20261124
pytestmark = pytest.mark.slow


def test_a_daemon_killed_at_random_moments_loses_nothing(
    record_property: Callable[[str, object], None],
) -> None:
    told: list[str] = []
    done = soak(KILLS, SEED, told.append)
    assert done.kills == KILLS
    assert done.people.counts["pushes"] > KILLS
    record_property("measured", f"soak: seed {SEED}: {summary(done)}")


def test_the_same_on_postgresql(postgres_url: str, record_property: Callable[[str, object], None]) -> None:
    done = soak(KILLS // 2, SEED + 1, lambda _: None, database_url=postgres_url)
    assert done.kills == KILLS // 2
    record_property("measured", f"soak on postgresql: seed {SEED + 1}: {summary(done)}")


def test_the_check_sees_what_is_lost_moved_or_left_behind() -> None:
    with prepared(SEED) as run:
        store = run.registry.store
        while run.people.counts["pushes"] < 12:
            run.people.act()
        assert any("never judged" in what for what in run.check.wrong())
        run.settle()
        assert run.check.wrong() == []
        (path, tag), history = next(iter(run.people.history.items()))
        shown = store.manifest(path, tag)
        assert shown is not None

        store.put_manifest(path, image({"who": "knows"}).raw, OCI_MANIFEST, tags=[tag])
        assert any(what.startswith(f"{path}:{tag}: ") for what in run.check.wrong())
        store.put_manifest(path, shown.raw, shown.media_type, tags=[tag])
        assert run.check.wrong() == []

        store.put_manifest(path, shown.raw, shown.media_type, tags=["gatekeeper-hold-0123456789abcdef-0"])
        assert len(run.check.wrong()) == 2
        store.delete_tag(path, "gatekeeper-hold-0123456789abcdef-0")

        for place in (path, f"quarantine/{path}"):
            if store.manifest(place, str(history[-1].digest)) is not None:
                store.delete_manifest(place, str(history[-1].digest))
        assert any("is lost" in what for what in run.check.wrong())


def test_the_command_ends_with_zero_and_prints_the_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--kills", "1", "--seed", "7"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("soak: 1 kills on sqlite, seed 7\n")
    assert said.out.endswith("nothing was lost\n")
    assert "killed 1 of 1" in said.err
