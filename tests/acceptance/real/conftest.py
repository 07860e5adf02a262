"""Every combination of registry and database that the machine has."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.demo.story_files import Stage
from tests.acceptance.real.databases import SQLITE, postgres_lines
from tests.judges.registries import KINDS, RegistryServer, registry_server

_SHARED = {
    "debian": "debian_registry_server",
    "distribution3": "distribution3_server",
    "referrers": "referrers_registry_server",
}


@pytest.fixture(params=KINDS)
def registry(request: pytest.FixtureRequest) -> Iterator[RegistryServer]:
    """Each registry in turn; those of other people are shared by a whole run."""
    if request.param in _SHARED:
        yield request.getfixturevalue(_SHARED[request.param])
        return
    with registry_server(request.param) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def database_lines(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, ...]:
    """Each database in turn, as the lines of ``[database]``."""
    if request.param == "sqlite":
        return SQLITE
    return postgres_lines(request.getfixturevalue("postgres_url"), tmp_path)


@pytest.fixture
def stage(registry: RegistryServer, database_lines: tuple[str, ...], tmp_path: Path) -> Stage:
    """One registry with one database; repositories of this test alone."""
    directory = tmp_path / "stage"
    directory.mkdir()
    return Stage(registry.host, directory, database_lines, f"shop{secrets.token_hex(4)}")
