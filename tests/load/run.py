"""The day itself: real code from the scheduler to the wire, an embedded registry, and a clock that is moved by hand."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from gatekeeper.core.lifecycle import ENFORCING, CaseState
from gatekeeper.demo.images import Built, image
from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.demo.registry_faults import Match, Status
from gatekeeper.engine.local import InlineEngine
from gatekeeper.ports import Page
from gatekeeper.scheduler import Daemon
from gatekeeper.workflow.doubt import accept
from gatekeeper.workflow.hold import close_breaker
from tests.load.world import CAPS, HOUR, LoadedWorld

STEP = timedelta(minutes=15)
PUSHED_AN_HOUR = 6
"""Images that fail, pushed each hour to repositories chosen by chance."""
OUTAGE, STORM, SIGNED_OUT, JUMP, PUT_BACK = 4, 6, 9, 13, 19
"""Hours in which something happens; in the first three most of the estate is due."""
MET = 0.5
"""So large a share of all repositories must be due in each bad hour, or it proves little."""
RETRY_AFTER = timedelta(minutes=20)
"""What the registry asks for in the storm; it is asked once more in each such time."""
JUMP_FLOOR = 10
"""So many changed tags never make a registry unbelievable: they are judged like any."""
JUMPS = 0.6
"""The share of all tags that jumps at once."""
GROWTH = 1.25
"""Memory at the end, against what it was after the first quarter of the day."""
_PAGE = 4096


@dataclass(slots=True)
class Day:
    """What happened."""

    repositories: int
    pieces: int = 0
    """Pieces of work that were carried out."""
    requests: int = 0
    acted: int = 0
    """Tags that show something of ours at the end."""
    most_in_an_hour: int = 0
    """Tags that were replaced within an hour and without a person in between, as the registry shows it."""
    breakers: int = 0
    doubted: int = 0
    """Hours at whose end the registry was not believed."""
    asked_in_storm: int = 0
    """Requests in the hour in which the registry answered 429."""
    resident: list[int] = field(default_factory=list)
    """MiB after each hour."""
    seconds: float = 0.0
    jumped_acted: int = 0
    """Tags that were acted on between the mass jump and the moment when they were put back."""
    wrong: list[str] = field(default_factory=list)


class Simulation:
    """One day over ``repositories`` repositories with one tag each."""

    def __init__(self, world: LoadedWorld, repositories: int, seed: int, tell: Callable[[str], None]) -> None:
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
        self._replaced: frozenset[str] = frozenset()
        """Repositories whose tag shows something else, as of the last look."""
        self._acts: deque[tuple[datetime, int]] = deque()
        """When how many more tags were replaced, since a person closed the breaker last …"""
        self._granted: set[str] = set()
        """… without those in these repositories, whose acts were under way and went on by that."""

    def run(self) -> Day:
        """The whole day; ``wrong`` is empty when nothing went wrong."""
        began = time.monotonic()
        for number in range(self.day.repositories):
            self._push(f"app/n{number:05d}", self._good)
        self._step()
        for hour in range(24):
            self._people(hour)
            with self._weather(hour):
                for _ in range(HOUR // STEP):
                    self.world.clock.advance(STEP)
                    self._step()
            self._look(hour, time.monotonic() - began)
        self._check_end()
        self.day.seconds = time.monotonic() - began
        return self.day

    def _wrong(self, text: str) -> None:
        self.day.wrong.append(text)

    # what happens

    def _push(self, path: str, built: Built) -> None:
        built.store_in(self.world.registry.store, path, "1.0")
        self._truth[path] = built.digest

    @contextmanager
    def _weather(self, hour: int) -> Iterator[None]:
        """An outage, a storm of 429, credentials that ended: an hour each, in which nothing may be replaced."""
        faults = {
            OUTAGE: Status(503),
            STORM: Status(429, "TOOMANYREQUESTS", retry_after=f"{RETRY_AFTER.total_seconds():.0f}"),
            SIGNED_OUT: Status(401, "UNAUTHORIZED"),
        }
        if hour not in faults:
            yield
            return
        away = self.world.registry.faults.add(Match(), faults[hour])
        requests, pieces, replaced = self.day.requests, self.day.pieces, self._replaced
        try:
            yield
        finally:
            self.world.registry.faults.remove(away)
        met = self.day.pieces - pieces
        if met < self.day.repositories * MET:
            self._wrong(f"hour {hour}: only {met} pieces of work met what was wrong")
        if self._replaced != replaced:
            self._wrong(f"hour {hour}: a tag was replaced while nothing could be asked")
        if hour == STORM:
            self.day.asked_in_storm = self.day.requests - requests
            if self.day.asked_in_storm > HOUR / RETRY_AFTER + 1:
                self._wrong(
                    f"{self.day.asked_in_storm} requests in the hour in which {RETRY_AFTER} was asked for"
                )

    def _people(self, hour: int) -> None:
        """Images that fail are pushed; once most tags jump, and six hours later somebody puts them back."""
        if hour == JUMP:
            for path in self._some(int(self.day.repositories * JUMPS)):
                self._push(path, self._made_bad(f"jump {path}"))
                self._jumped.append(path)
        elif hour == PUT_BACK:
            self.day.jumped_acted = len(self._replaced.intersection(self._jumped))
            for path in sorted(self._truth.keys() - self._replaced):
                if self._truth[path] != self._good.digest:
                    self._push(path, self._good)
        else:
            for path in self._some(min(PUSHED_AN_HOUR, self.day.repositories)):
                self._push(path, self._made_bad(f"{hour} {path}"))
        self._replaced = self._look_at_tags()

    def _made_bad(self, text: str) -> Built:
        built = image({"etc/motd": "good"}, user="0", annotations={"text": text})
        self._bad.add(built.digest)
        return built

    def _some(self, count: int) -> list[str]:
        return self._chance.sample(sorted(self._truth), count)

    def _step(self) -> None:
        """Everything that the daemon does in a quarter of an hour, each as often as there is something to do."""
        self._daemon.find_repositories()
        while True:
            done = self._daemon.tick()
            self.day.pieces += done
            if done == 0:
                break
        self._daemon.renew_leases()
        self._daemon.tell()
        self._daemon.look_for_trouble()
        self.day.requests += len(self.world.registry.requests)
        self.world.registry.clear_requests()
        replaced = self._look_at_tags()
        new = replaced - self._replaced
        self._count_acts(len(new - self._granted))
        self._granted -= new
        self._replaced = replaced

    # what is looked at

    def _look_at_tags(self) -> frozenset[str]:
        shown = self.world.shown
        return frozenset(path for path, digest in self._truth.items() if shown(path, "1.0") != digest)

    def _count_acts(self, more: int) -> None:
        now = self.world.clock.now()
        self._acts.append((now, more))
        while now - self._acts[0][0] >= HOUR:
            self._acts.popleft()
        self.day.most_in_an_hour = max(self.day.most_in_an_hour, sum(count for _, count in self._acts))

    def _look(self, hour: int, seconds: float) -> None:
        """After each hour: a person closes the breaker, and the world is compared with what people pushed."""
        store = self.world.app.room.store
        if store.breaker() is not None:
            self.day.breakers += 1
            close_breaker(self.world.app.room, actor="night shift", reason="looked at it")
            self._acts.clear()
            self._granted = set(self._underway())
        self.day.doubted += bool(store.doubts())
        if hour == PUT_BACK + 2 and store.doubts():
            # What was pushed meanwhile keeps a small registry from looking as it did: a person has to say so.
            accept(self.world.app.room, self.world.registry.host, actor="night shift", reason="put back")
        self.day.resident.append(resident())
        for path in sorted(self._replaced):
            if self._truth[path] not in self._bad:
                self._wrong(f"hour {hour}: {path} was good and is replaced")
        self._tell(
            f"hour {hour:2}, {seconds:6.0f} s: {self.day.pieces} pieces of work, "
            f"{len(self._replaced)} tags replaced, {self.day.resident[-1]} MiB resident"
        )

    def _check_end(self) -> None:
        room, day = self.world.app.room, self.day
        store = room.store
        day.acted = len(self._replaced)
        if day.most_in_an_hour > CAPS.per_hour:
            self._wrong(f"{day.most_in_an_hour} acts within an hour, {CAPS.per_hour} are allowed")
        if not day.doubted:
            self._wrong("the mass jump was believed")
        if day.jumped_acted > JUMP_FLOOR:
            self._wrong(f"{day.jumped_acted} tags that jumped were acted on")
        if store.doubts():
            self._wrong("the registry is doubted though its tags were put back")
        stuck = [intent for intent in store.open_intents() if intent.attempts > 1]
        if stuck:
            self._wrong(f"{len(stuck)} intents are stuck")
        # When a registry is believed again, its repositories are spread over one more interval.
        longest = 2 * room.limits.interval_max + STEP
        (row,) = store.registry_rows(
            hosts={self.world.registry.host}, blind_before=self.world.clock.now() - longest
        )
        if row.repositories < day.repositories or row.blind:
            self._wrong(f"{row.blind} of {row.repositories} repositories were not read for {longest}")
        opened = self._opened() - (self._underway() - self._replaced)
        if opened != self._replaced:
            self._wrong(f"cases and tags differ: {sorted(opened ^ self._replaced)[:5]}")
        if store.broken_at() is not None:
            self._wrong("the audit trail does not verify")

    def _underway(self) -> frozenset[str]:
        """The repositories in which something is about to be replaced."""
        drafts = (intent.draft for intent in self.world.app.room.store.open_intents())
        return frozenset(draft.repository.path for draft in drafts if draft.kind in ENFORCING)

    def _opened(self) -> frozenset[str]:
        """The repositories in which an image is quarantined, as a person is shown."""
        found: set[str] = set()
        after: str | None = None
        while True:
            cases, after = self.world.app.room.store.cases(
                states=frozenset({CaseState.OPEN}), repositories=("**",), page=Page(1000, after)
            )
            found.update(
                case.repository.path
                for case in cases
                if str(case.digest) == self._truth.get(case.repository.path)
            )
            if after is None:
                return frozenset(found)


def resident() -> int:
    """MiB of this process that are in memory, the registry's included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * _PAGE // (1024 * 1024)


def a_day(
    folder: Path, repositories: int, seed: int, tell: Callable[[str], None], *, postgresql: str | None = None
) -> Day:
    """Runs it in a folder of its own; with ``postgresql`` on that empty database."""
    with EmbeddedRegistry() as registry:
        world = LoadedWorld(registry, folder, postgresql=postgresql)
        try:
            day = Simulation(world, repositories, seed, tell).run()
        finally:
            world.app.close()
    quarter, end = day.resident[5], day.resident[-1]
    if end > quarter * GROWTH:
        day.wrong.append(f"memory grew from {quarter} to {end} MiB")
    return day
