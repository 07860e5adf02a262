"""One house for each situation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.runbook.house import House, RegistryOnFiles
from tests.judges.servers import PostgresServer, scratch


@pytest.fixture
def house(postgres_server: PostgresServer, postgres_url: str, tmp_path: Path) -> Iterator[House]:
    """A registry without logins, an empty database that is migrated, and an enforcing policy."""
    with scratch() as folder:
        registry = RegistryOnFiles(folder)
        registry.start()
        try:
            made = House(registry, postgres_server, postgres_url, tmp_path / "house")
            assert made.run("migrate").code == 0
            yield made
        finally:
            registry.stop()
