"""Our daemon's clockwork over one registry and a database, its clock moved by hand so that rounds follow at once."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Condition

from gatekeeper.config.settings import (
    DatabaseSettings,
    EngineSettings,
    PollingSettings,
    Settings,
    WatchedRegistry,
)
from gatekeeper.core.policy import Policy, RuleSet, Scope
from gatekeeper.core.rules.user_root import UserRoot
from gatekeeper.database.migrate import upgrade
from gatekeeper.engine.local import LocalEngine
from gatekeeper.ports.engine import Work
from gatekeeper.registry.settings import Pace, RegistrySettings
from gatekeeper.wiring import Application, Parts, build

INTERVAL = timedelta(minutes=1)
POLICY = Policy(
    {},
    {"default": RuleSet("default", (UserRoot(),))},
    (
        Scope(
            "all",
            ("127.0.0.1:*/**",),
            "default",
            recheck_after=timedelta(days=30),
            evidence_interval=timedelta(days=30),
        ),
    ),
)


class SteppedClock:
    """Moves only when told to."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by


class CountingEngine(LocalEngine):
    """The daemon's own engine; counts what has ended."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self._counted = Condition()
        self.ended = 0

    def submit(self, registry: str, work: Work) -> None:
        def counted() -> None:
            try:
                work()
            finally:
                with self._counted:
                    self.ended += 1
                    self._counted.notify_all()

        super().submit(registry, counted)

    def reach(self, count: int, seconds: float) -> None:
        """Wait until so many have ended. Raises TimeoutError."""
        with self._counted:
            if not self._counted.wait_for(lambda: self.ended >= count, seconds):
                raise TimeoutError(f"{self.ended} of {count} pieces of work ended in {seconds} s")


class Complaints(logging.Handler):
    """A sweep that met an error has not done its work."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.first = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.first = self.first or self.format(record)


@dataclass(slots=True)
class Bench:
    """The application, its engine and its clock."""

    app: Application
    engine: CountingEngine
    clock: SteppedClock
    repositories: int
    complaints: Complaints
    tick: Callable[[], int]

    def prepare(self) -> dict[str, float]:
        """First sight of everything: watch, then judge each subject."""
        begin = time.perf_counter()
        done, tries = 0, 0
        while tries < 3:
            claimed = self.tick()
            done += claimed
            tries = 0 if claimed or self.engine.free(self._host) < 32 else tries + 1
            time.sleep(0.05)
        self._check()
        return {"seconds": time.perf_counter() - begin, "subjects": self.engine.ended - self.repositories}

    def sweep(self) -> dict[str, float]:
        """One round over every repository, as the daemon does it."""
        self.clock.advance(INTERVAL * 2)
        goal = self.engine.ended + self.repositories
        begin, cpu = time.perf_counter(), time.process_time()
        self.tick()
        self.engine.reach(goal, 600)
        found = {"seconds": time.perf_counter() - begin, "cpu": time.process_time() - cpu}
        self._check()
        return found

    def _check(self) -> None:
        if self.complaints.first:
            raise RuntimeError(self.complaints.first)

    @property
    def _host(self) -> str:
        return self.app.room.registries.hosts()[0]


def bench(host: str, repositories: list[str], folder: Path, workers: int) -> Bench:
    """Everything built by ``wiring``, not yet run."""
    connection = RegistrySettings(host, plain_http=True, pace=Pace(concurrency=workers))
    url = f"sqlite:///{folder / 'gatekeeper.db'}"
    upgrade(url)
    settings = Settings(
        source=folder / "config.toml",
        policy=folder / "policy.toml",
        registries=(WatchedRegistry(connection, tuple(repositories)),),
        database=DatabaseSettings(url),
        polling=PollingSettings(interval=INTERVAL, min_interval=INTERVAL, max_interval=INTERVAL),
        engine=EngineSettings(workers_per_registry=workers),
    )
    complaints = Complaints()
    logging.getLogger("gatekeeper").addHandler(complaints)
    clock, engine = SteppedClock(), CountingEngine(workers)
    app = build(settings, lambda: POLICY, Parts(clock=clock, spread=random.Random(1).random))
    daemon = app.daemon(engine)
    daemon.find_repositories()
    return Bench(app, engine, clock, len(repositories), complaints, daemon.tick)
