"""One house for each situation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.runbook.house import House, RegistryOnFiles
from tests.judges.servers import PostgresServer, scratch


@contextmanager
def built(
    postgres: PostgresServer | None, database: str, directory: Path, *, password: str | None = None
) -> Iterator[House]:
    """A registry, an empty database that is migrated, and an enforcing policy."""
    with scratch() as folder:
        registry = RegistryOnFiles(folder, password=password)
        registry.start()
        try:
            made = House(registry, postgres, database, directory)
            assert made.run("migrate").code == 0
            try:
                yield made
            finally:
                made.stop()
        finally:
            registry.stop()


@pytest.fixture
def house(postgres_server: PostgresServer, postgres_url: str, tmp_path: Path) -> Iterator[House]:
    """On PostgreSQL, beside a registry without logins."""
    with built(postgres_server, postgres_url, tmp_path / "house") as made:
        yield made


@pytest.fixture
def guarded_house(postgres_server: PostgresServer, postgres_url: str, tmp_path: Path) -> Iterator[House]:
    """On PostgreSQL, beside a registry that wants a password."""
    with built(postgres_server, postgres_url, tmp_path / "house", password="plum-tree-1") as made:
        yield made


@pytest.fixture
def sqlite_house(tmp_path: Path) -> Iterator[House]:
    """On SQLite, beside a registry without logins."""
    with built(None, "sqlite", tmp_path / "house") as made:
        yield made
