"""Fixtures around the real servers: one server for a worker's whole run, one database for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.judges.registries import KINDS, REAL_KINDS, RegistryServer, registry_server
from tests.judges.servers import PostgresServer, postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL of our own."""
    with postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """SQLAlchemy URL of a new empty PostgreSQL database, dropped after the test."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture(scope="session")
def debian_registry_server() -> Iterator[RegistryServer]:
    """Debian's docker-registry 2.8.2."""
    with registry_server("debian") as server:
        yield server


@pytest.fixture(scope="session")
def distribution3_server() -> Iterator[RegistryServer]:
    """CNCF Distribution 3."""
    with registry_server("distribution3") as server:
        yield server


@pytest.fixture(scope="session")
def referrers_registry_server() -> Iterator[RegistryServer]:
    """A registry with the referrers API that is not ours."""
    with registry_server("referrers") as server:
        yield server


@pytest.fixture(scope="session", params=KINDS)
def any_registry(request: pytest.FixtureRequest) -> Iterator[RegistryServer]:
    """Each registry in turn, ours first. Shared by a run: push to a repository name of the test's own."""
    with ExitStack() as stack:
        yield stack.enter_context(registry_server(request.param))


@pytest.fixture(scope="session", params=REAL_KINDS)
def real_registry(request: pytest.FixtureRequest) -> Iterator[RegistryServer]:
    """Each registry of other people in turn. Shared by a run: push to a repository name of the test's own."""
    with ExitStack() as stack:
        yield stack.enter_context(registry_server(request.param))
