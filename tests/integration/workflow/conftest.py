from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.workflow.world import World, a_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Enforcing quarantine, tags may be emptied."""
    with a_world(tmp_path) as made:
        yield made
