"""dev.py makes its environment once, passes exit codes through, and says in one sentence what is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = """\
#!/bin/sh
echo "$@" >> "{log}"
[ "$UV_SYSTEM_CERTS" = true ] || exit 8
if [ "$1" = venv ]; then
    for last; do :; done
    mkdir -p "$last/bin" && ln -sf "{python}" "$last/bin/python"
fi
"""
NO_VENV = """\
import importlib.util, runpy, shutil, sys
shutil.which = lambda *_: None
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "ensurepip" else found(name, *rest)
sys.argv = ["dev.py", "bench"]
runpy.run_path("dev.py", run_name="__main__")
"""


class Checkout:
    """A small checkout with dev.py in it and a made-up `uv`, so that nothing is installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        self.programs = folder / "programs"
        self.log = folder / "uv.log"
        self.folder.mkdir()
        self.programs.mkdir()
        for name in ("dev.py", "pyproject.toml", "requirements-dev.lock"):
            shutil.copy(ROOT / name, self.folder / name)
        (self.folder / "benchmarks.py").write_text("import sys\nprint(sys.argv[1:])\nsys.exit(7)\n")

    def offer_uv(self) -> None:
        program = self.programs / "uv"
        program.write_text(UV.format(log=self.log, python=Path(sys.executable).resolve()))
        program.chmod(0o755)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).resolve(), *arguments],
            cwd=self.folder,
            env={"PATH": f"{self.programs}:/usr/bin:/bin", "HOME": str(self.folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_help_lists_every_command_and_installs_nothing(checkout: Checkout) -> None:
    helped = checkout.run("dev.py", "--help")
    assert helped.returncode == 0
    for command in ("demo", "test", "check", "bench", "soak"):
        assert f"python3 dev.py {command}" in helped.stdout
    assert not (checkout.folder / ".venv").exists()


def test_an_unknown_command_is_a_usage_error_in_one_line(checkout: Checkout) -> None:
    refused = checkout.run("dev.py", "tset")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.splitlines() == ["dev.py: no command `tset`; `python3 dev.py --help` lists them."]


def test_a_system_without_venv_is_told_what_to_install_in_one_sentence(checkout: Checkout) -> None:
    refused = checkout.run("-c", NO_VENV)
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert "apt install python3-venv" in line


def test_uv_installs_the_locked_versions_by_hash_and_the_checkout(checkout: Checkout) -> None:
    checkout.offer_uv()
    checkout.run("dev.py", "bench")
    made, locked, ours = checkout.calls()
    assert made.startswith("venv ")
    assert "--require-hashes" in locked
    assert "requirements-dev.lock" in locked
    assert "--no-deps --no-build-isolation --editable ." in ours


def test_the_environment_is_made_once_and_again_after_a_change(checkout: Checkout) -> None:
    checkout.offer_uv()
    checkout.run("dev.py", "bench")
    once = len(checkout.calls())
    checkout.run("dev.py", "bench")
    assert len(checkout.calls()) == once
    with (checkout.folder / "requirements-dev.lock").open("a") as lock:
        lock.write("# changed\n")
    checkout.run("dev.py", "bench")
    again = checkout.calls()[once:]
    assert not any(call.startswith("venv ") for call in again)
    assert len(again) == 2


def test_a_failed_installation_is_not_taken_for_done(checkout: Checkout) -> None:
    checkout.offer_uv()
    program = checkout.programs / "uv"
    sound = program.read_text()
    program.write_text(sound + 'case "$*" in *--editable*) exit 9;; esac\n')
    failed = checkout.run("dev.py", "bench")
    assert failed.returncode == 2
    assert "ended with 9" in failed.stderr
    program.write_text(sound)
    assert checkout.run("dev.py", "bench").returncode == 7


def test_a_command_takes_our_place_with_its_output_and_exit_code(checkout: Checkout) -> None:
    checkout.offer_uv()
    ran = checkout.run("dev.py", "bench", "sweep", "--tags", "5")
    assert ran.returncode == 7
    assert ran.stdout == "['sweep', '--tags', '5']\n"
