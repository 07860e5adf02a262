"""Two daemons on one database never do the same work twice at once; a dead one's work is taken up after its lease."""

from collections import Counter
from datetime import timedelta
from threading import Barrier, Thread

from gatekeeper.engine.local import LocalEngine
from gatekeeper.ports import WorkKind
from gatekeeper.scheduler import Daemon, Rhythm
from tests.integration.workflow.world import World


def test_the_work_is_shared_and_nothing_is_done_twice(world: World) -> None:
    paths = [f"app/n{number}" for number in range(8)]
    for path in paths:
        world.push(path, "1.0", user="0", text=path)
    world.caps_for(per_run=100, per_hour=100)
    daemons = [Daemon(world.app.room, LocalEngine(2), Rhythm()) for _ in range(2)]
    for daemon in daemons:
        daemon.find_repositories()
    together = Barrier(2)

    def ticks(daemon: Daemon) -> None:
        together.wait(30)
        while not all(world.tombstone(path, "1.0") for path in paths):
            daemon.tick()

    threads = [Thread(target=ticks, args=(daemon,)) for daemon in daemons]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert all(daemon.stop() for daemon in daemons)

    writes = Counter(
        request.path
        for request in world.registry.requests
        if request.method == "PUT" and "/manifests/" in request.path
    )
    tags = [path for path in writes if "/manifests/sha256" not in path]
    assert len(tags) > 8
    assert {path: count for path, count in writes.items() if path in tags and count > 1} == {}


def test_the_work_of_a_dead_daemon_is_taken_up_after_its_lease(world: World) -> None:
    world.push("app/web", "1.0", user="0")
    room = world.app.room
    Daemon(room, LocalEngine(1), Rhythm()).find_repositories()
    now = world.clock.now()
    (dead,) = room.store.claim(WorkKind.REPOSITORY, now=now, limit=1, lease_for=timedelta(minutes=5))

    world.rounds(1, every=timedelta(minutes=4))
    assert world.cases() == []
    world.rounds(1, every=timedelta(minutes=2))
    assert world.tombstone("app/web", "1.0")
    newer = room.store.claim(
        WorkKind.REPOSITORY, now=world.clock.now() + timedelta(hours=1), limit=1, lease_for=timedelta(1)
    )
    assert newer[0].token > dead.token
