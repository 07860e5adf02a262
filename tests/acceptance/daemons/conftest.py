"""One registry of ours, so that every request can be seen, one PostgreSQL, and an installation on both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.database import Database
from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.demo.story_files import Stage
from tests.acceptance.real.databases import postgres_lines
from tests.acceptance.real.site import Site


@pytest.fixture
def registry() -> Iterator[EmbeddedRegistry]:
    with EmbeddedRegistry() as started:
        yield started


@pytest.fixture
def site(registry: EmbeddedRegistry, postgres_url: str, tmp_path: Path) -> Site:
    """Migrated; no daemon runs yet."""
    made = Site(Stage(registry.host, tmp_path, postgres_lines(postgres_url, tmp_path), "shop"))
    migrated = made.run("migrate")
    assert migrated.code == 0, migrated
    return made


@pytest.fixture
def database(site: Site, postgres_url: str) -> Iterator[Database]:
    """What the daemons have recorded."""
    opened = Database.open(postgres_url)
    try:
        yield opened
    finally:
        opened.close()
