"""The daemon itself: real threads, real ticks, the same code path as the rounds."""

import logging
from datetime import timedelta
from threading import Event

import pytest

from gatekeeper.demo.registry import Match
from gatekeeper.demo.registry_faults import After, Stall
from gatekeeper.engine.local import LocalEngine
from gatekeeper.scheduler import Daemon, Rhythm
from tests.integration.workflow.world import World

QUICK = Rhythm(tick=timedelta(seconds=1), discover=timedelta(seconds=2), drain=timedelta(seconds=30))


def test_it_watches_verifies_and_quarantines_by_itself(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.push("app/web", "1.0", user="0")
    written = Event()
    world.registry.faults.add(
        Match("HEAD", "app/web/manifests/1\\.0$", when=lambda _: world.tombstone("app/web", "1.0")),
        After(lambda _: written.set()),
    )
    daemon = Daemon(world.app.room, LocalEngine(2), QUICK)
    with caplog.at_level(logging.INFO):
        daemon.start()
        assert written.wait(60)
        daemon.tick()  # discovery may have led the work here before the first tick of its own
        assert daemon.stop()
    assert world.tombstone("app/web", "1.0")
    actions = [row.action for row in world.app.room.store.rows(after=0, limit=1000)]
    assert actions[0] == "daemon-started"
    assert actions[-1] == "daemon-stopped"
    assert "policy-loaded" in actions
    assert caplog.text.count("audit head ") == 2


def test_stopping_keeps_to_its_deadline_and_the_next_start_finishes(world: World) -> None:
    world.push("app/web", "1.0", user="0")
    release = Event()
    stall = Stall(release)
    injection = world.registry.faults.add(Match("PUT", "gatekeeper-case-", times=1), stall)
    rhythm = Rhythm(tick=timedelta(seconds=1), drain=timedelta(milliseconds=10))
    daemon = Daemon(world.app.room, LocalEngine(1), rhythm)
    daemon.start()
    assert stall.arrived.wait(60)
    assert daemon.stop() is False
    assert not world.tombstone("app/web", "1.0")
    release.set()
    world.registry.faults.remove(injection)
    world.rounds(2, every=world.app.room.limits.lease)
    assert world.tombstone("app/web", "1.0")


def test_the_audit_head_is_logged_again_and_again(world: World) -> None:
    """Hourly by default; a copy of the log outside then shows truncation."""
    assert Rhythm().audit_head == timedelta(hours=1)
    several = Event()
    heads: list[str] = []

    class Heads(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith("audit head "):
                heads.append(record.getMessage())
            if len(heads) == 3:
                several.set()

    rhythm = Rhythm(
        tick=timedelta(hours=1), discover=timedelta(hours=1), audit_head=timedelta(milliseconds=50)
    )
    daemon = Daemon(world.app.room, LocalEngine(1), rhythm)
    log = logging.getLogger("gatekeeper.scheduler")
    handler, level = Heads(), log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        daemon.start()
        assert several.wait(60)
        daemon.stop()
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
    assert heads[-1] == f"audit head {world.app.room.store.head()}"
