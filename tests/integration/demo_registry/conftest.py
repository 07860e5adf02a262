"""A registry and a client for each test; a test fails when the registry itself was broken."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.demo.registry_push import PushClient


@pytest.fixture
def registry() -> Iterator[EmbeddedRegistry]:
    """Complete, in memory."""
    with EmbeddedRegistry() as running:
        yield running
    assert running.internal_errors == ()


@pytest.fixture
def client(registry: EmbeddedRegistry) -> Iterator[PushClient]:
    """One connection to it."""
    with PushClient(registry.url, timeout=20) as connected:
        yield connected
