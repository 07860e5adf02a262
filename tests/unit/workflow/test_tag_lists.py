"""Tag lists that were read a moment ago answer for a moment, and take memory no longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gatekeeper.core.reference import Repository
from gatekeeper.workflow.workroom import TAG_LIST_AGE, TagLists

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def repository(number: int) -> Repository:
    return Repository("registry.example", f"app/n{number}")


def filled(count: int, *, apart: timedelta) -> TagLists:
    lists = TagLists()
    for number in range(count):
        lists.put(repository(number), ("1.0",), now=NOW + number * apart)
    return lists


def test_lists_that_are_old_are_dropped_as_new_ones_come() -> None:
    assert len(filled(1_000, apart=timedelta(seconds=1))) <= TAG_LIST_AGE / timedelta(seconds=1) + 1


def test_lists_that_are_still_good_all_stay() -> None:
    assert len(filled(1_000, apart=timedelta())) == 1_000


def test_a_list_that_was_renewed_is_not_taken_for_the_old_one() -> None:
    lists = filled(2, apart=timedelta())
    lists.put(repository(0), ("2.0",), now=NOW + TAG_LIST_AGE / 2)
    lists.put(repository(2), ("1.0",), now=NOW + TAG_LIST_AGE)
    assert len(lists) == 2


def test_a_crowd_of_old_lists_goes_with_the_next_ones() -> None:
    lists = filled(1_000, apart=timedelta())
    for number in range(1_000, 2_000):
        lists.put(repository(number), ("1.0",), now=NOW + TAG_LIST_AGE)
    assert len(lists) == 1_000
