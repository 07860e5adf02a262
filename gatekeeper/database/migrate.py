"""Migrations: up, down, and whether tables and revisions agree. The only module that imports Alembic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from gatekeeper.database.connection import SERIAL_LOCK, make_engine, relabelled
from gatekeeper.database.schema import Current, Outdated, migrations_directory, revision_of, state_of
from gatekeeper.database.tables import metadata

_WRITES = {"gatekeeper_writes": True}


def upgrade(url: str, revision: str = "head") -> str:
    """Brings the database to ``revision``, all or nothing; safe to repeat and to run twice at once.

    Returns the revision it has then. Raises UnavailableError, ConfigurationError.
    """
    with _migrating(url) as connection:
        command.upgrade(_config(connection), revision)
        return revision_of(connection) or ""


def downgrade(url: str, revision: str = "base") -> str | None:
    """Goes back to ``revision``; what only newer revisions can hold is lost. Returns the revision it has then."""
    with _migrating(url) as connection:
        command.downgrade(_config(connection), revision)
        return revision_of(connection)


def current(url: str) -> str | None:
    """The database's revision; None for an empty one."""
    with _reading(url) as connection:
        return revision_of(connection)


def head() -> str:
    """The newest revision there is."""
    found = ScriptDirectory.from_config(_config(None)).get_current_head()
    assert found is not None, "migrations/ has a revision"
    return found


def check(url: str) -> Outdated | Current:
    """Whether the database has the schema that this version needs."""
    with _reading(url) as connection:
        return state_of(connection)


def differences(url: str) -> list[object]:
    """What a new revision would have to change so that the database agrees with ``tables``; normally nothing."""
    with _reading(url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_directory()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _migrating(url: str) -> Iterator[Connection]:
    """One transaction that nobody else migrates in. SQLite rebuilds tables, which foreign keys would hinder."""
    engine = make_engine(url, foreign_keys=False)
    try:
        with relabelled(), engine.connect() as plain:
            connection = plain.execution_options(**_WRITES)
            with connection.begin():
                if engine.dialect.name != "sqlite":
                    connection.execute(select(func.pg_advisory_xact_lock(SERIAL_LOCK)))
                yield connection
    finally:
        engine.dispose()


@contextmanager
def _reading(url: str) -> Iterator[Connection]:
    engine = make_engine(url)
    try:
        with relabelled(), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
