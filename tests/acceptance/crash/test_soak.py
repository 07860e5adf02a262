"""The soak, with few kills; ``python3 dev.py soak`` does two hundred."""

import os
import sys

import pytest

from tests.soak import soak

KILLS = 20 if os.environ.get("GATEKEEPER_TEST_FULL") else 4


@pytest.mark.slow
def test_a_daemon_killed_at_random_moments_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    soak(KILLS, 20261124, told.append)
    assert len(told) == KILLS
    with capsys.disabled():
        sys.stdout.write(f"\nsoak: {KILLS} kills\n")
