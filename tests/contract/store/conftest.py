"""The store on every database: each test runs on SQLite and on PostgreSQL, in a database of its own."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gatekeeper.database import Database, migrate
from tests.judges.servers import PostgresServer

BOTH = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy from."""
    file = tmp_path_factory.mktemp("template") / "gatekeeper.db"
    migrate.upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def empty_database(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a migrated PostgreSQL database to copy from."""
    with postgres_server.database() as url:
        migrate.upgrade(url)
        yield url.rpartition("/")[2]


@contextmanager
def copied(server: PostgresServer, template: str) -> Iterator[str]:
    name = f"gatekeeper_{secrets.token_hex(6)}"
    server.statement(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield server.url(name)
    finally:
        server.statement(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a migrated database with nothing in it."""
    if request.param == "sqlite":
        file = tmp_path / "gatekeeper.db"
        shutil.copyfile(request.getfixturevalue("empty_file"), file)
        yield f"sqlite:///{file}"
        return
    template = request.getfixturevalue("empty_database")
    with copied(request.getfixturevalue("postgres_server"), template) as copy:
        yield copy


@pytest.fixture
def store(url: str) -> Iterator[Database]:
    database = Database.open(url)
    yield database
    database.close()


@pytest.fixture
def other(url: str) -> Iterator[Database]:
    """The same database as another process sees it."""
    database = Database.open(url)
    yield database
    database.close()
