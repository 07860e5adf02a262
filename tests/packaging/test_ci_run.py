""".ci/run prepares the machine, demands every part, and ends with the test runner."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.judges.tools import DEBIAN

ROOT = Path(__file__).parents[2]
PYTHON = """\
#!/bin/sh
echo "python3 $* full=$GATEKEEPER_TEST_FULL"
case "$*" in
    "dev.py check") exit {gates};;
    "dev.py test") echo "== closing line =="; exit {tests};;
    "-m tests.judges.install") exit {judges};;
esac
"""
INSTALLED = "#!/bin/sh\necho installed\n"


def _run(
    tmp_path: Path, *, gates: int = 0, tests: int = 0, judges: int = 0, go: int = 1
) -> subprocess.CompletedProcess[str]:
    """The script with made-up programs, on a machine that has every Debian package."""
    programs = tmp_path / "programs"
    programs.mkdir()
    scripts = {"python3": PYTHON.format(gates=gates, tests=tests, judges=judges), "dpkg-query": INSTALLED}
    if go:
        scripts["go"] = INSTALLED
    for name, text in scripts.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    for name in ("bash", "sh", "dirname", "grep"):
        (programs / name).symlink_to(shutil.which(name) or name)
    return subprocess.run(
        [ROOT / ".ci" / "run"],
        cwd=tmp_path,
        env={"PATH": str(programs), "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_it_builds_the_judges_checks_and_tests_with_every_part_demanded(tmp_path: Path) -> None:
    done = _run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if "-c " not in line] == [
        "python3 -m tests.judges.install full=1",
        "python3 dev.py check full=1",
        "python3 dev.py test full=1",
        "== closing line ==",
    ]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [({"tests": 1}, 1), ({"gates": 1}, 1), ({"gates": 1, "tests": 5}, 5), ({"judges": 1}, 0)],
)
def test_the_closing_line_stays_last_and_no_failure_is_lost(
    tmp_path: Path, codes: dict[str, int], expected: int
) -> None:
    done = _run(tmp_path, **codes)
    assert done.returncode == expected
    assert done.stdout.splitlines()[-1] == "== closing line =="


def test_without_go_it_says_so_and_stops(tmp_path: Path) -> None:
    done = _run(tmp_path, go=0)
    assert done.returncode == 2
    assert "install Go" in done.stderr


def test_it_installs_every_debian_package_that_a_test_asks_for() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    (packages,) = re.findall(r"^packages=\((.*)\)$", script, re.MULTILINE)
    assert set(packages.split()) == set(DEBIAN.values())


def test_it_can_be_run(tmp_path: Path) -> None:
    for script in (ROOT / ".ci" / "run", ROOT / "dev.py"):
        assert os.access(script, os.X_OK), script
