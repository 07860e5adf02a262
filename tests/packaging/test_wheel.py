"""The built wheel is whole: installed in an empty environment outside the checkout it runs by itself."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.judges.tools import full

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("wheel")]

Run = Callable[..., subprocess.CompletedProcess[str]]


def _checked(command: list[str | Path], cwd: Path) -> None:
    done = subprocess.run(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    _checked([sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", target], ROOT)
    (built,) = target.iterdir()
    return built


def _installer(python: Path) -> list[str | Path]:
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python, "install"]
    uv = shutil.which("uv")
    assert uv, "neither pip in this environment nor uv on PATH"
    return [uv, "pip", "install", "--python", python]


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel in it. Its dependencies: by hash when every part is demanded, else ours."""
    environment = tmp_path_factory.mktemp("environment") / "venv"
    _checked([sys.executable, "-m", "venv", "--without-pip", environment], wheel.parent)
    python = environment / "bin" / "python"
    install = _installer(python)
    if full():
        _checked([*install, "--require-hashes", "--no-deps", "-r", ROOT / "requirements.lock"], wheel.parent)
    else:
        site_packages = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
        (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    _checked([*install, "--no-deps", "--no-index", wheel], wheel.parent)
    return environment


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """Run a program of that environment in an empty directory, far from the checkout."""
    kept = {key: os.environ[key] for key in ("LANG", "LC_ALL", "TZ") if key in os.environ}
    environment = {**kept, "PATH": f"{installed / 'bin'}:/usr/bin:/bin", "HOME": str(tmp_path)}
    work = tmp_path / "work"
    work.mkdir()

    def program(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [installed / "bin" / name, *arguments],
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return program


def _below(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    expected = {f"gatekeeper/{name}" for name in _below(ROOT / "gatekeeper")}
    expected |= {f"gatekeeper/_migrations/{name}" for name in _below(ROOT / "migrations")}
    expected |= {f"gatekeeper/_examples/{name}.example.toml" for name in ("config", "policy")}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == expected


def test_the_wheel_names_its_licence_and_its_script(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {
            name.partition(".dist-info/")[2]: name for name in archive.namelist() if ".dist-info/" in name
        }
        script = archive.read(names["entry_points.txt"]).decode()
        metadata = archive.read(names["METADATA"]).decode()
    assert "gatekeeper = gatekeeper.cli:main" in script
    assert "licenses/LICENSE" in names
    assert f"Requires-Python: {PROJECT['requires-python']}" in metadata


def test_the_installed_package_is_not_the_checkout(run: Run, installed: Path) -> None:
    asked = run("python", "-c", "import gatekeeper; print(gatekeeper.__file__)")
    assert Path(asked.stdout.strip()).is_relative_to(installed), asked.stderr


@pytest.mark.parametrize("command", [("gatekeeper", "--help"), ("python", "-m", "gatekeeper", "--help")])
def test_help_is_printed(run: Run, command: tuple[str, ...]) -> None:
    helped = run(*command)
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "migrate" in helped.stdout


def test_the_packaged_examples_and_migrations_make_a_database(
    run: Run, installed: Path, tmp_path: Path
) -> None:
    (examples,) = installed.glob("lib/python*/site-packages/gatekeeper/_examples")
    for name in ("config", "policy"):
        shutil.copyfile(examples / f"{name}.example.toml", tmp_path / "work" / f"{name}.toml")
    first = run("gatekeeper", "migrate", "--config", "config.toml")
    assert first.returncode == 0, first.stderr
    assert [path.name for path in tmp_path.rglob("*.db")] == ["gatekeeper.db"]
    again = run("gatekeeper", "migrate", "--config", "config.toml")
    assert again.returncode == 0, again.stderr


def test_the_demo_tells_its_whole_story(run: Run) -> None:
    told = run("gatekeeper", "demo")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Traceback" not in told.stdout + told.stderr
    for word in ("passed", "failed", "quarantine", "promote", "restored"):
        assert word in told.stdout.lower(), word
