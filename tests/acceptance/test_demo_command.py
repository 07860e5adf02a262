"""``gatekeeper demo`` as a person runs it, and what it says when a claim does not hold."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatekeeper.cli.local import open_demo
from gatekeeper.core.policy import Mode
from gatekeeper.demo.story import run
from gatekeeper.demo.story_clock import StoryClock
from gatekeeper.wiring import Application

ROOT = Path(__file__).parents[2]


def test_the_command_tells_everything_and_leaves_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    told = subprocess.run(
        [sys.executable, "-m", "gatekeeper", "demo"],
        cwd=tmp_path,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert "\x1b" not in told.stdout, "plain text where nobody looks at a terminal"
    for claim in (
        "was waiting (settling), is passed (passed)",
        "rolled back to",
        "shop/batch:1.0     quarantined  user-root",
        "promoted sha256:",
        "refused, exit code 1",
        "shop/legacy:0.9 is restored",
        "passed-with-waiver",
        "none changed, missing or out of order",
    ):
        assert claim in told.stdout
    assert list(temporary.iterdir()) == []
    assert list(tmp_path.iterdir()) == [temporary]


def test_a_step_that_comes_out_otherwise_is_said_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    def open_observing(config: Path, clock: StoryClock) -> Application:
        """The same installation, but somebody switched enforcement off."""
        policy = config.with_name("policy.toml")
        policy.write_text(policy.read_text().replace('mode = "enforce"', f'mode = "{Mode.OBSERVE}"'))
        return open_demo(config, clock)

    told = io.StringIO()
    assert run(open_observing, told) == 1
    assert "The story broke here: shop/batch:1.0 is failed" in capsys.readouterr().err
    assert "That was all" not in told.getvalue()
