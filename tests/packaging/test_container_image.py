"""The Dockerfile keeps its promises, and its build steps work in a clean directory."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.judges.tools import absent, full
from tests.packaging.dockerfile import Instruction, parse, problems

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text()

FLAWS = [
    ("ARG BASE=python:3.13-slim-bookworm", "ARG BASE=python:latest", "base-latest"),
    ("ARG BASE=python:3.13-slim-bookworm", "ARG BASE=python", "base-latest"),
    ("ARG BASE=python:3.13-slim-bookworm", "ARG BASE", "base-without-default"),
    (
        "ARG BASE=python:3.13-slim-bookworm",
        "ARG BASE=python:3.13@sha256:" + "0" * 64,
        "base-digest-written-down",
    ),
    ("FROM ${BASE} AS run", "FROM python:3.13 AS run", "base-not-an-argument"),
    ("USER 65532:65532", "USER gatekeeper", "user-not-numeric-or-root"),
    ("USER 65532:65532", "USER 0", "user-not-numeric-or-root"),
    ("USER 65532:65532", "USER 65532\nRUN true", "run-after-user"),
    ("USER 65532:65532", "USER 65532\nHEALTHCHECK NONE\nRUN pip install x", "install-without-hashes"),
    ("HEALTHCHECK ", "LABEL ", "healthcheck-missing"),
    ('ENTRYPOINT ["gatekeeper"]', "ENTRYPOINT gatekeeper", "entrypoint-in-shell-form"),
    ('ENTRYPOINT ["gatekeeper"]', "LABEL a=b", "entrypoint-missing"),
    ("--require-hashes --no-deps --only-binary", "--only-binary", "install-without-hashes"),
    ("COPY gatekeeper ./gatekeeper", "COPY . .", "copies-everything"),
    ("COPY gatekeeper ./gatekeeper", "ADD gatekeeper ./gatekeeper", "add-instead-of-copy"),
    ("COPY --from=build", "COPY", "final-stage-copies-the-context"),
    ("WORKDIR /data", "WORKDIR data", "workdir-relative"),
    ("PYTHONUNBUFFERED=1", "REGISTRY_PASSWORD=x", "secret-in-layer"),
]


def test_the_dockerfile_has_no_problem() -> None:
    assert problems(TEXT) == []


@pytest.mark.parametrize(("sound", "flawed", "expected"), FLAWS)
def test_the_lint_finds_each_flaw(sound: str, flawed: str, expected: str) -> None:
    assert sound in TEXT
    found = {problem.partition(":")[0] for problem in problems(TEXT.replace(sound, flawed))}
    assert expected in found


def test_a_file_that_ends_inside_an_instruction_is_refused() -> None:
    with pytest.raises(ValueError, match="ends inside"):
        parse("FROM x\nRUN a \\\n")


def _copied(step: Instruction) -> tuple[list[str], str]:
    *sources, target = step.listed()
    return sources, target


def _context_sources() -> list[str]:
    return [source for step in parse(TEXT).stage("build").named("COPY") for source in _copied(step)[0]]


def test_every_copied_file_exists_and_enters_the_build_context() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    admitted = [line[1:] for line in lines if line.startswith("!")]
    for source in _context_sources():
        assert (ROOT / source).exists(), source
        assert any(fnmatch.fnmatchcase(source, pattern) for pattern in admitted), source


def test_nothing_else_enters_the_build_context() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert {line[1:] for line in lines if line.startswith("!")} == set(_context_sources())


def test_the_image_listens_where_its_healthcheck_asks() -> None:
    final = parse(TEXT).stages[-1]
    (exposed,), (health,) = final.named("EXPOSE"), final.named("HEALTHCHECK")
    assert f"http://127.0.0.1:{exposed.words}/healthz" in health.words


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_build_steps_work_in_a_clean_directory(tmp_path: Path) -> None:
    """Each COPY and RUN of the build stage, with the image's ``/opt`` and ``/src`` below ``tmp_path``."""
    if not full():
        absent("package index", "GATEKEEPER_TEST_FULL=1 installs the locked dependencies from it")
    sources = tmp_path / "src"
    sources.mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in {"PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME"}
    }
    environment["PATH"] = f"{Path(sys.executable).resolve().parent}:{environment['PATH']}"
    for step in parse(TEXT).stage("build").instructions:
        if step.name == "COPY":
            names, target = _copied(step)
            for name in names:
                place = sources / target if (ROOT / name).is_dir() else sources / target / name
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, place, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copyfile(ROOT / name, place)
        elif step.name == "RUN":
            script = re.sub(r"(?<![\w.])/opt/", f"{tmp_path}/opt/", step.words)
            done = subprocess.run(
                ["sh", "-eu", "-c", script],
                cwd=sources,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"line {step.line}: {done.stdout}"
    installed = tmp_path / "opt" / "gatekeeper" / "bin" / "gatekeeper"
    helped = subprocess.run(
        [installed, "--help"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "Usage" in helped.stdout
    assert not (tmp_path / "opt" / "gatekeeper" / "bin" / "pip").exists()
