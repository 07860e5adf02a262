"""A database that is away, foreign, outdated or stalled: told as what it is, and nothing half done."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from gatekeeper.core.errors import Cause, ConfigurationError, UnavailableError
from gatekeeper.database import Database, migrate
from gatekeeper.database.connection import Link, make_engine
from tests.contract.store.samples import APP, NOW, digest, watch


def test_a_postgresql_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(UnavailableError) as caught:
        Database.open("postgresql+psycopg://gatekeeper:secret@127.0.0.1:1/gatekeeper")
    assert caught.value.cause is Cause.STORE
    assert "secret" not in str(caught.value)


def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        Database.open(f"sqlite:///{tmp_path}/nowhere/gatekeeper.db")


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    file = tmp_path / "gatekeeper.db"
    file.write_text("this is a letter, not a database. " * 100)
    with pytest.raises(UnavailableError, match="not a database"):
        Database.open(f"sqlite:///{file}")


@pytest.mark.parametrize("url", ["mysql://host/name", "sqlite://", "sqlite:///:memory:", "no url", ""])
def test_another_url_is_a_mistake_in_the_configuration(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Database.open(url)
    assert caught.value.reason_code == "database-url"


def test_an_empty_database_is_refused_with_the_command_to_type(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="gatekeeper migrate") as caught:
        Database.open(f"sqlite:///{tmp_path}/new.db")
    assert caught.value.reason_code == "schema-outdated"


def test_a_database_of_a_newer_version_is_refused(url: str) -> None:
    link = Link(make_engine(url))
    with link.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    link.close()
    with pytest.raises(ConfigurationError, match="newer version"):
        Database.open(url)


def test_tables_that_vanish_under_a_daemon_are_told_as_an_outage(store: Database, url: str) -> None:
    watch(store, {"v1": digest("one")})
    migrate.downgrade(url)
    with pytest.raises(UnavailableError) as caught:
        store.status(APP, digest("one"), now=NOW)
    assert caught.value.cause is Cause.STORE


def test_connections_that_the_server_ended_are_replaced(store: Database, other: Database) -> None:
    store.change_counter()
    if other._link.sqlite:
        store._link.engine.pool.dispose()
    else:
        with other._link.reading() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
    watch(store, {"v1": digest("one")})
    assert store.status(APP, digest("one"), now=NOW) is not None


def test_readers_do_not_wait_for_a_writer(store: Database, other: Database) -> None:
    watch(store, {"v1": digest("one")})
    with store._link.writing(serial=True) as connection:
        connection.execute(text("UPDATE counter SET value = value + 1"))
        row = other.status(APP, digest("one"), now=NOW)
    assert row is not None


def test_a_writer_waits_for_the_one_before_it(store: Database, other: Database) -> None:
    done: list[str] = []

    def write() -> None:
        other.add_repositories([APP], now=NOW)
        done.append("second")

    with store._link.writing(serial=True) as connection:
        connection.execute(text("UPDATE counter SET value = value + 1"))
        second = threading.Thread(target=write)
        second.start()
        done.append("first")
    second.join()
    assert done == ["first", "second"]


def test_what_was_committed_survives_in_the_file(tmp_path: Path, empty_file: Path) -> None:
    """WAL, foreign keys and full synchronisation are on for every connection."""
    file = tmp_path / "gatekeeper.db"
    file.write_bytes(empty_file.read_bytes())
    store = Database.open(f"sqlite:///{file}")
    with store._link.reading() as connection:
        said = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous")
        }
    assert said == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2}
    watch(store, {"v1": digest("one")})
    store.close()
    with sqlite3.connect(file) as plain:
        assert plain.execute("SELECT name FROM repository").fetchall() == [(str(APP),)]
    plain.close()
