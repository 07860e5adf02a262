from datetime import timedelta

import pytest

from gatekeeper.workflow.watch import adapted
from gatekeeper.workflow.workroom import Limits

LIMITS = Limits(interval_min=timedelta(seconds=30), interval_max=timedelta(minutes=15))


@pytest.mark.parametrize(
    ("before", "changed", "after"),
    [(60, True, 30), (60, False, 90), (40, True, 30), (800, False, 900), (900, False, 900)],
)
def test_a_change_halves_the_interval_and_quiet_stretches_it(before: int, changed: bool, after: int) -> None:
    found = adapted(LIMITS, timedelta(seconds=before), changed=changed)
    assert found == timedelta(seconds=after)


def test_waiting_after_errors_doubles_up_to_a_ceiling() -> None:
    waits = [LIMITS.retry_after(attempts) for attempts in range(20)]
    assert waits[0] == LIMITS.back_off
    assert waits[1] == LIMITS.back_off * 2
    assert waits[-1] == LIMITS.back_off_max
    assert sorted(waits) == waits
