"""The simulated day on few repositories; ``python3 dev.py load`` has the whole of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.judges.servers import PostgresServer
from tests.load.run import Day, a_day
from tests.load.world import CAPS


def held(day: Day) -> None:
    """Nothing went wrong, though everything happened that could have gone wrong."""
    assert day.wrong == []
    assert day.acted > 0
    assert 0 < day.most_in_an_hour <= CAPS.per_hour
    assert day.doubted > 0
    assert day.asked_in_storm > 0
    assert day.breakers > 0
    assert len(day.resident) == 24


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_day_with_outages_refusals_and_a_mass_jump_does_nothing_wrong(tmp_path: Path) -> None:
    held(a_day(tmp_path, 60, 7, lambda _: None))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_day_on_postgresql_does_nothing_wrong(tmp_path: Path, postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url:
        held(a_day(tmp_path, 60, 7, lambda _: None, postgresql=url))
