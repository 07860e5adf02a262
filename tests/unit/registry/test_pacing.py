"""Patience: rates, pauses and attempts, by a clock that the test turns."""

from __future__ import annotations

import pytest
from urllib3 import HTTPHeaderDict

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.registry.pacing import Pacer, RateLimit
from gatekeeper.registry.settings import Pace


class Hours:
    """Monotonic and wall clock in one; sleeping moves it."""

    def __init__(self) -> None:
        self.at = 1_700_000_000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


@pytest.fixture
def hours() -> Hours:
    return Hours()


def pacer(hours: Hours, pace: Pace) -> Pacer:
    return Pacer("registry.example", pace, monotonic=hours.now, wall=hours.now, sleep=hours.sleep)


def headers(**fields: str) -> HTTPHeaderDict:
    return HTTPHeaderDict({name.replace("_", "-"): value for name, value in fields.items()})


def test_without_a_rate_nobody_waits(hours: Hours) -> None:
    one = pacer(hours, Pace())
    for _ in range(1000):
        with one.slot():
            pass
    assert hours.slept == []


def test_a_rate_holds_on_the_long_run(hours: Hours) -> None:
    one = pacer(hours, Pace(per_second=10, burst=5))
    start = hours.at
    for _ in range(105):
        with one.slot():
            pass
    assert hours.at - start == pytest.approx(10.0, abs=0.2)


def test_a_pause_is_waited_for_by_everybody(hours: Hours) -> None:
    one = pacer(hours, Pace(ceiling=60))
    one.pause(30)
    with one.slot():
        assert hours.slept == [30.0]


def test_a_pause_beyond_the_ceiling_is_an_error_at_once(hours: Hours) -> None:
    one = pacer(hours, Pace(ceiling=60))
    one.pause(61)
    with pytest.raises(UnavailableError) as caught, one.slot():
        pass
    assert caught.value.cause is Cause.RATE_LIMITED
    assert caught.value.retry_after == pytest.approx(61)
    assert hours.slept == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tue, 14 Nov 2023 22:13:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("9" * 400, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(hours: Hours, text: str, seconds: float | None) -> None:
    assert pacer(hours, Pace()).retry_after(headers(Retry_After=text)) == seconds


def test_attempts_wait_longer_each_time_and_end(hours: Hours) -> None:
    one = pacer(hours, Pace(attempts=4, backoff=1))
    waited: float | None = 0.0
    for attempt in (1, 2, 3):
        assert waited is not None
        waited = one.before_retry(attempt, None, waited)
    assert [round(seconds / base) for seconds, base in zip(hours.slept, (1, 2, 4), strict=True)] == [1, 1, 1]
    assert one.before_retry(4, None, 0.0) is None


def test_waiting_together_stays_below_the_ceiling(hours: Hours) -> None:
    one = pacer(hours, Pace(attempts=10, ceiling=20))
    assert one.before_retry(1, headers(Retry_After="15"), 0.0) == 15.0
    assert one.before_retry(2, headers(Retry_After="15"), 15.0) is None
    assert hours.slept == [15.0]


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"RateLimit_Limit": "100;w=21600", "RateLimit_Remaining": "76;w=21600"}, RateLimit(100, 76)),
        ({"RateLimit_Remaining": "0"}, RateLimit(None, 0)),
        ({"X_RateLimit_Remaining": "5"}, RateLimit(None, 5)),
        ({"RateLimit_Remaining": "plenty"}, RateLimit(None, None)),
    ],
)
def test_the_registrys_own_limit_is_read(hours: Hours, fields: dict[str, str], limit: RateLimit) -> None:
    one = pacer(hours, Pace())
    one.note(headers(**fields))
    assert one.rate_limit == limit


def test_nothing_left_until_the_reset_is_a_pause(hours: Hours) -> None:
    one = pacer(hours, Pace(ceiling=60))
    one.note(headers(RateLimit_Remaining="0", RateLimit_Reset="12"))
    with one.slot():
        assert hours.slept == [12.0]


def test_as_many_at_once_as_configured(hours: Hours) -> None:
    one = pacer(hours, Pace(concurrency=2))
    with one.slot(), one.slot():
        assert not one._slots.acquire(blocking=False)
    assert one._slots.acquire(blocking=False)


def test_a_stream_does_not_take_the_slot_of_the_upload_it_feeds(hours: Hours) -> None:
    one = pacer(hours, Pace(concurrency=1))
    release = one.open_stream()
    with one.slot():
        pass
    release()
