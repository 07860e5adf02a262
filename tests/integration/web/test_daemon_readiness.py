"""A process is ready when its database answers and its ticks come."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from gatekeeper.cli.daemon import _missing
from gatekeeper.engine.local import LocalEngine
from gatekeeper.scheduler import _LATE_SECONDS, Daemon, Rhythm
from tests.integration.web.site import eventually, serving
from tests.integration.workflow.world import a_world


def test_readiness_follows_the_ticks(tmp_path: Path) -> None:
    with a_world(tmp_path) as world:
        daemon = Daemon(world.app.room, LocalEngine(1), Rhythm(tick=timedelta(milliseconds=100)))
        with serving(world, lambda: _missing(world.app.room.store, daemon)) as site:

            def ready() -> tuple[int, list[str]]:
                reply = site.get("/readyz", "")
                return reply.status, reply.json["missing"]

            assert ready() == (503, ["daemon-starting"])
            daemon.start()
            eventually(ready, lambda found: found == (200, []))
            daemon.ask_to_stop()
            assert ready() == (503, ["daemon-stopping"])
            daemon.stop()


def test_a_tick_that_does_not_come_is_missed(tmp_path: Path) -> None:
    with a_world(tmp_path) as world:
        daemon = Daemon(world.app.room, LocalEngine(1))
        daemon.tick()
        assert daemon.missing() == ()
        assert daemon._ticked is not None
        daemon._ticked -= _LATE_SECONDS + 1
        assert daemon.missing() == ("tick-late",)
