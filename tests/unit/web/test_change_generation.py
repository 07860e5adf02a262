"""When may something in memory be believed? Only while the database was asked a moment ago and has not moved."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.web.cache import GenerationCache
from gatekeeper.web.generation import FRESH_SECONDS, POLL_SECONDS, Generation

NOW = datetime(2026, 11, 24, tzinfo=UTC)


class Counter:
    """A database's change counter, and a clock."""

    def __init__(self) -> None:
        self.value = 0
        self.error: Exception | None = None
        self.seconds = 0.0
        self.took = 0.0

    def read(self) -> int:
        self.seconds += self.took
        if self.error is not None:
            raise self.error
        return self.value

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def generation(counter: Counter) -> Generation:
    made = Generation(counter.read, monotonic=counter.monotonic)
    made.poll()
    return made


def test_the_generation_rises_when_the_counter_moves_and_only_then(
    counter: Counter, generation: Generation
) -> None:
    first = generation.current
    generation.poll()
    assert generation.current == first
    counter.value = 7
    generation.poll()
    assert generation.current == first + 1
    counter.value = 3
    generation.poll()
    assert generation.current == first + 2, "a restored backup counts lower"


@pytest.mark.parametrize("error", [UnavailableError("gone", cause=Cause.STORE), RuntimeError("a bug")])
def test_nothing_is_fresh_a_second_after_the_last_answer(
    counter: Counter, generation: Generation, error: Exception
) -> None:
    assert generation.fresh()
    counter.error = error
    counter.seconds += FRESH_SECONDS
    generation.poll()
    assert not generation.fresh()
    counter.error = None
    generation.poll()
    assert generation.fresh()


def test_a_slow_answer_is_as_old_as_its_question(counter: Counter, generation: Generation) -> None:
    counter.took = FRESH_SECONDS
    generation.poll()
    assert not generation.fresh()


def test_it_is_asked_often_enough_to_stay_fresh() -> None:
    assert POLL_SECONDS * 2 < FRESH_SECONDS


def test_before_the_first_answer_nothing_is_fresh(counter: Counter) -> None:
    assert not Generation(counter.read, monotonic=counter.monotonic).fresh()


def test_who_waits_is_woken_by_a_change_from_another_thread(generation: Generation) -> None:
    async def waits() -> int:
        generation.start()
        try:
            seen = generation.current
            waiting = asyncio.ensure_future(generation.change(seen, 60))
            await asyncio.to_thread(generation.moved)
            await waiting
            return generation.current - seen
        finally:
            generation.stop()

    assert asyncio.run(waits()) == 1


def test_who_waits_goes_on_when_time_is_up_or_the_server_ends(generation: Generation) -> None:
    async def waits() -> None:
        generation.start()
        try:
            await generation.change(generation.current, 0.0)
            waiting = asyncio.ensure_future(generation.change(generation.current, 60))
            await asyncio.to_thread(generation.end_waits)
            await waiting
            await generation.change(generation.current, 60)
        finally:
            generation.stop()

    asyncio.run(waits())


class TestCache:
    @pytest.fixture
    def now(self) -> list[datetime]:
        return [NOW]

    @pytest.fixture
    def cache(self, generation: Generation, now: list[datetime]) -> GenerationCache[str, str]:
        return GenerationCache(generation, lambda: now[0], entries=2, weight=10)

    def test_entries_end_with_their_generation(
        self, generation: Generation, cache: GenerationCache[str, str]
    ) -> None:
        cache.put("a", "1", generation=generation.current, ends_at=None)
        assert cache.get("a") == "1"
        generation.moved()
        assert cache.get("a") is None
        cache.put("b", "2", generation=generation.current, ends_at=None)
        assert (cache.get("a"), cache.get("b")) == (None, "2")

    def test_what_was_read_before_a_change_is_not_kept(
        self, generation: Generation, cache: GenerationCache[str, str]
    ) -> None:
        before = generation.current
        generation.moved()
        cache.put("a", "old", generation=before, ends_at=None)
        assert cache.get("a") is None

    def test_entries_end_at_their_moment(
        self, generation: Generation, cache: GenerationCache[str, str], now: list[datetime]
    ) -> None:
        cache.put("a", "1", generation=generation.current, ends_at=NOW + timedelta(seconds=1))
        assert cache.get("a") == "1"
        now[0] += timedelta(seconds=1)
        assert cache.get("a") is None

    def test_nothing_is_served_while_the_database_cannot_be_asked(
        self, counter: Counter, generation: Generation, cache: GenerationCache[str, str]
    ) -> None:
        cache.put("a", "1", generation=generation.current, ends_at=None)
        counter.seconds += FRESH_SECONDS
        assert cache.get("a") is None
        generation.poll()
        assert cache.get("a") == "1"

    @pytest.mark.parametrize("weight", [0, 6])
    def test_it_stays_within_its_bounds(
        self, generation: Generation, cache: GenerationCache[str, str], weight: int
    ) -> None:
        for name in "abc":
            cache.put(name, name, generation=generation.current, ends_at=None, weight=weight)
        held = [name for name in "abc" if cache.get(name) is not None]
        assert held == ["c"]
