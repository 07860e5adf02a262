"""The simulated day on few repositories; ``python3 dev.py load`` has the whole of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.load.run import a_day
from tests.load.world import CAPS


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_day_with_outages_refusals_and_a_mass_jump_does_nothing_wrong(tmp_path: Path) -> None:
    told: list[str] = []
    day = a_day(tmp_path, 60, 7, told.append)
    assert day.wrong == [], told
    assert day.acted > 0
    assert 0 < day.most_in_an_hour <= CAPS.per_hour
    assert day.doubted > 0
    assert day.asked_in_storm > 0
    assert day.breakers > 0
    assert len(day.resident) == 24
