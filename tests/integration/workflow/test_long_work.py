"""Work that takes longer than its lease stays with the daemon that does it; work that never began goes back at once."""

from __future__ import annotations

from datetime import timedelta
from threading import Event

from gatekeeper.demo.registry import Match
from gatekeeper.demo.registry_faults import Stall
from gatekeeper.engine.local import InlineEngine, LocalEngine
from gatekeeper.scheduler import Daemon, Rhythm
from tests.integration.workflow.world import World

LEASE = timedelta(minutes=5)
MOST_OF_IT = timedelta(minutes=4)


def test_a_slow_copy_is_not_taken_up_by_another_daemon(world: World) -> None:
    world.push("app/web", "1.0", user="0")
    release = Event()
    stall = Stall(release)
    world.registry.faults.add(Match("PUT", "gatekeeper-case-", times=1), stall)
    slow = Daemon(world.app.room, LocalEngine(1), Rhythm())
    slow.find_repositories()
    while not stall.arrived.is_set():
        slow.tick()
    other = Daemon(world.app.room, InlineEngine(), Rhythm())
    for _ in range(4):
        world.clock.advance(MOST_OF_IT)
        slow.renew_leases()
        other.tick()
    assert world.registry.wait_for_request("PUT", "gatekeeper-case-", count=1)
    assert not world.tombstone("app/web", "1.0")
    release.set()
    assert slow.stop()
    world.rounds(1)
    assert world.tombstone("app/web", "1.0")
    puts = [
        request.path
        for request in world.registry.requests
        if request.method == "PUT"
        and "/manifests/" in request.path
        and "/manifests/sha256:" not in request.path
    ]
    assert len(puts) == len(set(puts))


def test_what_waits_when_the_daemon_stops_is_done_by_the_next_without_waiting_for_a_lease(
    world: World,
) -> None:
    world.caps_for(per_run=100)
    paths = [f"app/n{number}" for number in range(6)]
    for path in paths:
        world.push(path, "1.0", user="0", text=path)
    release = Event()
    stall = Stall(release)
    world.registry.faults.add(Match("GET", "/tags/list", times=1), stall)
    engine = LocalEngine(1)
    stopping = Daemon(world.app.room, engine, Rhythm(drain=timedelta(milliseconds=10)))
    stopping.find_repositories()
    stopping.tick()
    assert stall.arrived.wait(60)
    assert stopping.stop() is False

    world.app.run_rounds(1)
    assert sum(world.tombstone(path, "1.0") for path in paths) == len(paths) - 1
    release.set()
    assert engine.drain(60)
    world.rounds(1, every=LEASE)
    assert all(world.tombstone(path, "1.0") for path in paths)
