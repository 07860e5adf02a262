"""The day itself: real code from the scheduler to the wire, an embedded registry, and a clock that is moved by hand."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from gatekeeper.config.settings import PollingSettings
from gatekeeper.core.lifecycle import Caps
from gatekeeper.core.policy import RuleSet
from gatekeeper.core.rules.user_root import UserRoot
from gatekeeper.demo.images import Built, image
from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.demo.registry_faults import Match, Status
from gatekeeper.engine.local import InlineEngine
from gatekeeper.scheduler import Daemon
from gatekeeper.workflow.doubt import accept
from gatekeeper.workflow.hold import close_breaker
from tests.integration.workflow.world import SCOPE, World, policy_of

HOUR = timedelta(hours=1)
STEP = timedelta(minutes=15)
CAPS = Caps(per_run=4, per_repository=2, per_hour=8)
PUSHED_AN_HOUR = 6
"""Images that fail, pushed each hour to repositories chosen by chance."""
JUMP_FLOOR = 10
"""So many changed tags never make a registry unbelievable: they are judged like any."""
JUMPS = 0.6
"""The share of all tags that jumps at once."""
_PAGE = 4096


@dataclass(slots=True)
class Day:
    """What happened."""

    repositories: int
    rounds: int = 0
    pieces: int = 0
    """Pieces of work that were carried out."""
    requests: int = 0
    acted: int = 0
    most_in_an_hour: int = 0
    breakers: int = 0
    doubted: int = 0
    """How often the registry was not believed."""
    resident: list[int] = field(default_factory=list)
    """MiB after each hour."""
    seconds: float = 0.0
    jumped_acted: int = 0
    """Tags that were acted on between the mass jump and the moment when they were put back."""
    wrong: list[str] = field(default_factory=list)


@dataclass(slots=True)
class LoadedWorld(World):
    """Polled seldom, as an estate of this size is; judged by its user alone, which costs no key."""

    def __post_init__(self) -> None:
        self.caps = CAPS
        self.polling = PollingSettings(interval=2 * HOUR, min_interval=HOUR, max_interval=4 * HOUR)
        self.policy = policy_of(SCOPE, rules=RuleSet("default", (UserRoot(),)))
        World.__post_init__(self)


class Simulation:
    """One day over ``repositories`` repositories with one tag each."""

    def __init__(self, world: World, repositories: int, seed: int, tell: Callable[[str], None]) -> None:
        self.world = world
        self.day = Day(repositories)
        self._tell = tell
        self._chance = random.Random(seed)
        self._daemon: Daemon = world.app.daemon(InlineEngine())
        self._good = image({"etc/motd": "good"})
        self._bad: set[str] = set()
        self._jumped: list[str] = []
        self._truth: dict[str, str] = {}
        """What each repository's tag shows, as its people pushed it."""

    def run(self) -> Day:
        """The whole day; ``wrong`` is empty when nothing went wrong."""
        began = time.monotonic()
        for number in range(self.day.repositories):
            self._push(f"app/n{number:05d}", self._good)
        self._step(find=True)
        for hour in range(24):
            self._people(hour)
            with self._weather(hour):
                for _ in range(HOUR // STEP):
                    self.world.clock.advance(STEP)
                    self._step(find=False)
            self._look(hour)
        self._check_end()
        self.day.seconds = time.monotonic() - began
        return self.day

    def _push(self, path: str, built: Built) -> None:
        built.store_in(self.world.registry.store, path, "1.0")
        self._truth[path] = built.digest

    @contextmanager
    def _weather(self, hour: int) -> Iterator[None]:
        """Hour 3 an outage, hour 6 a storm of 429, hour 9 credentials that ended."""
        faults = {
            3: Status(503),
            6: Status(429, "TOOMANYREQUESTS", retry_after="1"),
            9: Status(401, "UNAUTHORIZED"),
        }
        if hour not in faults:
            yield
            return
        away = self.world.registry.faults.add(Match(), faults[hour])
        replaced = self._replaced()
        try:
            yield
        finally:
            self.world.registry.faults.remove(away)
        if self._replaced() != replaced:
            self.day.wrong.append(f"hour {hour}: a tag was replaced while nothing could be asked")

    def _people(self, hour: int) -> None:
        """Images that fail are pushed; at hour 13 most tags jump, and six hours later somebody puts them back."""
        if hour == 13:
            for path in self._some(int(self.day.repositories * JUMPS)):
                self._push(path, self._made_bad(f"jump {path}"))
                self._jumped.append(path)
            return
        if hour == 19:
            self.day.jumped_acted = sum(self._tombstone(path) for path in self._jumped)
            for path in sorted(self._truth):
                if self._truth[path] != self._good.digest and not self._tombstone(path):
                    self._push(path, self._good)
            return
        for path in self._some(min(PUSHED_AN_HOUR, self.day.repositories)):
            self._push(path, self._made_bad(f"{hour} {path}"))

    def _made_bad(self, text: str) -> Built:
        built = image({"etc/motd": "good"}, user="0", annotations={"text": text})
        self._bad.add(built.digest)
        return built

    def _some(self, count: int) -> list[str]:
        return self._chance.sample(sorted(self._truth), count)

    def _tombstone(self, path: str) -> bool:
        return self.world.shown(path, "1.0") != self._truth[path]

    def _step(self, *, find: bool) -> None:
        if find:
            self._daemon.find_repositories()
        while True:
            done = self._daemon.tick()
            self.day.pieces += done
            if done == 0:
                break
        self.day.rounds += 1
        self.day.requests += len(self.world.registry.requests)
        self.world.registry.clear_requests()
        hour, _ = self.world.app.room.store.cap_uses(CAPS, now=self.world.clock.now())
        self.day.most_in_an_hour = max(self.day.most_in_an_hour, hour.used)

    def _replaced(self) -> int:
        """Tags that show something else than what was pushed there last."""
        return sum(self._tombstone(path) for path in self._truth)

    def _look(self, hour: int) -> None:
        """After each hour: a person closes the breaker, and the world is compared with what people pushed."""
        store = self.world.app.room.store
        if store.breaker() is not None:
            self.day.breakers += 1
            close_breaker(self.world.app.room, actor="night shift", reason="looked at it")
        self.day.doubted += len(store.doubts())
        if hour == 21 and store.doubts():
            # What was pushed meanwhile keeps a small registry from looking as it did: a person has to say so.
            accept(self.world.app.room, self.world.registry.host, actor="night shift", reason="put back")
        self.day.resident.append(resident())
        for path, digest in self._truth.items():
            shown = self.world.shown(path, "1.0")
            if shown != digest and digest not in self._bad:
                self.day.wrong.append(f"hour {hour}: {path} was good and is replaced")
        self._tell(
            f"hour {hour:2}: {self.day.pieces} pieces of work, {self._replaced()} tags replaced, "
            f"{self.day.resident[-1]} MiB resident"
        )

    def _check_end(self) -> None:
        store = self.world.app.room.store
        self.day.acted = self._replaced()
        if self.day.most_in_an_hour > CAPS.per_hour:
            self.day.wrong.append(
                f"{self.day.most_in_an_hour} acts within an hour, {CAPS.per_hour} are allowed"
            )
        if not self.day.doubted:
            self.day.wrong.append("the mass jump was believed")
        if self.day.jumped_acted > JUMP_FLOOR:
            self.day.wrong.append(f"{self.day.jumped_acted} tags that jumped were acted on")
        if store.doubts():
            self.day.wrong.append("the registry is doubted though its tags were put back")
        stuck = [intent for intent in store.open_intents() if intent.attempts > 1]
        if stuck:
            self.day.wrong.append(f"{len(stuck)} intents are stuck")
        if store.broken_at() is not None:
            self.day.wrong.append("the audit trail does not verify")


def resident() -> int:
    """MiB of this process that are in memory, the registry's included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * _PAGE // (1024 * 1024)


def a_day(folder: Path, repositories: int, seed: int, tell: Callable[[str], None]) -> Day:
    """Runs it in a folder of its own."""
    with EmbeddedRegistry() as registry:
        world = LoadedWorld(registry, folder)
        try:
            return Simulation(world, repositories, seed, tell).run()
        finally:
            world.app.close()
