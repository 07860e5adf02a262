"""When an end is near: two weeks before, or in the last quarter of a short life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gatekeeper.core.ending import Ending, EndingKind, Nearness

END = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def ending(life: timedelta | None = None, *, outlived: bool = False) -> Ending:
    begins = None if life is None else END - life
    return Ending(EndingKind.CREDENTIAL, "login", END, begins, "we are refused", "renew it", outlived)


@pytest.mark.parametrize(
    ("life", "left", "nearness"),
    [
        (None, 14 * DAY, Nearness.FAR),
        (None, 14 * DAY - timedelta(seconds=1), Nearness.NEAR),
        (365 * DAY, 13 * DAY, Nearness.NEAR),
        (8 * DAY, 2 * DAY, Nearness.FAR),
        (8 * DAY, 2 * DAY - timedelta(seconds=1), Nearness.NEAR),
        (None, timedelta(), Nearness.OVER),
        (8 * DAY, -400 * DAY, Nearness.OVER),
    ],
)
def test_how_near_it_is(life: timedelta | None, left: timedelta, nearness: Nearness) -> None:
    assert ending(life).nearness(END - left) is nearness


def test_what_others_outlive_is_told_of_before_and_not_after() -> None:
    assert ending(outlived=True).nearness(END - DAY) is Nearness.NEAR
    assert ending(outlived=True).nearness(END) is Nearness.OUTLIVED


def test_it_is_told_in_one_sentence() -> None:
    assert ending().told(END - DAY) == "ends at 2026-11-24 12:00 UTC; we are refused"
    assert ending().told(END) == "ended at 2026-11-24 12:00 UTC; we are refused"
