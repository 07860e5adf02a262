"""A cosign bench for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.demo.registry import EmbeddedRegistry
from tests.integration.signatures.cosign_bench import CosignBench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[CosignBench]:
    """An empty registry and an empty folder."""
    with EmbeddedRegistry() as registry:
        yield CosignBench(tmp_path, registry)
    assert registry.internal_errors == ()
