"""notation-go for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.signatures.notation.notation_go import NotationGo


@pytest.fixture
def go(tmp_path: Path) -> NotationGo:
    """An empty folder and the program."""
    return NotationGo(tmp_path)
