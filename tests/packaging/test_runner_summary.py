"""Absent parts are listed before the runner's closing line; demanded, they fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDS_A_JUDGE = "tests/integration/judges/test_real_servers.py::test_a_registry_stops_with_its_block"


def _pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The suite's own runner on a machine without any judge that Go builds."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "GATEKEEPER_"))
    }
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            NEEDS_A_JUDGE,
            "-k",
            "referrers",
            *arguments,
        ],
        cwd=ROOT,
        env={**environment, "GATEKEEPER_JUDGES": str(folder), "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "with a worker"])
def test_an_absent_part_is_listed_before_the_closing_line(tmp_path: Path, workers: tuple[str, ...]) -> None:
    done = _pytest(tmp_path, *workers)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    listed = lines.index("referrers-registry (python3 -m tests.judges.install referrers-registry): 1 skipped")
    assert "absent parts" in lines[listed - 1]
    assert re.fullmatch(r"=+ 1 skipped.* in .*=+", lines[-1])


def test_a_demanded_part_that_is_absent_fails(tmp_path: Path) -> None:
    done = _pytest(tmp_path, "--full")
    assert done.returncode == 1
    assert "demands every real part; absent part: referrers-registry" in done.stdout
