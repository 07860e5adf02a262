"""What needs no server: the schema's name, where migrations are, and how values become columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from gatekeeper.core.errors import ConfigurationError
from gatekeeper.database import Current, Outdated, columns, migrate, migrations_directory, schema

DIALECT = sqlite.dialect()


def test_the_tables_name_the_newest_revision() -> None:
    assert migrate.head() == schema.HEAD


def test_migrations_of_the_checkout_are_found() -> None:
    assert migrations_directory() == Path(__file__).parents[3] / "migrations"


def test_migrations_of_an_installed_package_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gatekeeper" / "_migrations").mkdir(parents=True)
    monkeypatch.setattr(schema, "__file__", str(tmp_path / "gatekeeper" / "database" / "schema.py"))
    assert migrations_directory() == tmp_path / "gatekeeper" / "_migrations"


def test_a_current_schema_is_accepted() -> None:
    schema.refuse_outdated(Current("0001"))


@pytest.mark.parametrize(
    ("revision", "said"), [(None, "is empty; run"), ("0000", "needs 0001; run"), ("0002", "newer version")]
)
def test_any_other_schema_is_refused_with_a_remedy(revision: str | None, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        schema.refuse_outdated(Outdated(revision, "0001"))


@given(
    st.datetimes(
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7)), timezone(timedelta(hours=5))])
    )
)
def test_times_come_back_to_the_microsecond_in_utc(moment: datetime) -> None:
    kind = columns.Moment()
    stored = kind.process_bind_param(moment, DIALECT)
    back = kind.process_result_value(stored, DIALECT)
    assert back == moment
    assert back is not None
    assert back.tzinfo is UTC


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_stored_times_sort_as_times_do(one: datetime, other: datetime) -> None:
    kind = columns.Moment()
    first, second = (kind.process_bind_param(moment, DIALECT) or 0 for moment in (one, other))
    assert (first < second) == (one < other)


@given(st.timedeltas())
def test_durations_come_back(duration: timedelta) -> None:
    kind = columns.Duration()
    assert kind.process_result_value(kind.process_bind_param(duration, DIALECT), DIALECT) == duration


@given(st.text(st.characters()))
def test_any_text_becomes_storable_once(words: str) -> None:
    stored = columns.storable(words)
    assert "\0" not in stored
    stored.encode()
    assert columns.storable(stored) == stored


@pytest.mark.parametrize("words", ["", "plain", "snow \N{SNOWMAN} \N{GRINNING FACE}", "line\nline\t\x1b[31m"])
def test_what_is_storable_is_left_as_it_is(words: str) -> None:
    assert columns.storable(words) == words


@given(st.lists(st.text()))
def test_lists_of_names_come_back(names: list[str]) -> None:
    kind = columns.Names()
    stored = kind.process_bind_param(tuple(names), DIALECT)
    assert kind.process_result_value(stored, DIALECT) == tuple(columns.storable(name) for name in names)
