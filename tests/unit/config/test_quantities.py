from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.config.quantities import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10m", timedelta(minutes=10)),
        ("24h", timedelta(days=1)),
        ("90d", timedelta(days=90)),
        ("1h30m", timedelta(minutes=90)),
        ("500ms", timedelta(milliseconds=500)),
        ("2w", timedelta(weeks=2)),
        ("0s", timedelta()),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "10", "m", "10 m", "-1m", "1.5h", "10M", "\u0661\u0660m", True, None, 1.5, "9" * 40 + "w"]
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


def test_a_bare_number_is_told_which_units_there_are() -> None:
    with pytest.raises(ValueError, match='"5s" or "5m"'):
        parse_duration(5)


@given(st.integers(min_value=0, max_value=10**13))
def test_every_duration_is_read_back_as_it_was_written(milliseconds: int) -> None:
    duration = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "expected"), [("4MiB", 4 << 20), ("1GB", 10**9), ("512 KiB", 512 << 10), ("7B", 7), (9, 9)]
)
def test_sizes_are_read_as_people_write_them(text: object, expected: int) -> None:
    assert parse_size(text) == expected


@pytest.mark.parametrize("text", ["", "4", "4MB/s", "4mib", "-1MiB", -1, True, 1.5, None])
def test_what_is_no_size_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"no size|negative"):
        parse_size(text)


@given(st.integers(min_value=0, max_value=2**60))
def test_every_size_is_read_back_as_it_was_written(size: int) -> None:
    assert parse_size(format_size(size)) == size
