#!/usr/bin/env python3
"""The front door: makes `.venv` and runs what a developer needs. Standard library only.

python3 dev.py demo [...]       the whole story on this machine
python3 dev.py test [--full]    every test that this machine can run (--full demands each real part);
                                further arguments go to pytest
python3 dev.py check            lint, format, types, floors
python3 dev.py bench [...]      benchmarks against peers, ratios in one run
python3 dev.py soak [...]       the daemon killed again and again at random moments
python3 dev.py load [...]       a simulated day over ten thousand repositories, with everything that goes wrong
python3 dev.py lock [...]       resolve the dependencies again into the hash-locked files (needs uv)
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".gatekeeper-stamp"
LOCK = ROOT / "requirements-dev.lock"
OLDEST = (3, 11)
WORKERS_AT_MOST = 4
"""Each test worker may start its own servers; more of them cost more than they bring."""

LOCKED_FILES = {
    "requirements.lock": ["pyproject.toml"],
    "requirements-build.lock": ["--group", "build"],
    "requirements-dev.lock": ["pyproject.toml", "--group", "dev", "--constraint", "requirements.lock"],
}


def stop(sentence: str) -> NoReturn:
    """End with one sentence that says what to do."""
    print(f"dev.py: {sentence}", file=sys.stderr)
    sys.exit(2)


def wanted_stamp() -> str:
    """Changes when what is installed must change."""
    content = hashlib.sha256()
    for part in (LOCK.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), sys.version.encode()):
        content.update(hashlib.sha256(part).digest())
    return content.hexdigest()


def environment() -> dict[str, str]:
    """Ours without what would lead another interpreter astray, and with the programs of `.venv` first."""
    ours = {key: value for key, value in os.environ.items() if key not in {"PYTHONHOME", "PYTHONPATH"}}
    path = os.pathsep.join([str(PYTHON.parent), os.environ.get("PATH", os.defpath)])
    # By itself uv trusts a list of its own, not the authorities that this machine trusts.
    trusting = {"UV_SYSTEM_CERTS": "true", **ours}
    return {**trusting, "PATH": path, "VIRTUAL_ENV": str(VENV), "PYTHONNOUSERSITE": "1"}


def run(*command: str | Path) -> None:
    """Run a step of the set-up; its output goes to standard error."""
    done = subprocess.run(
        [str(word) for word in command], cwd=ROOT, env=environment(), stdout=sys.stderr, check=False
    )
    if done.returncode != 0:
        stop(f"`{' '.join(map(str, command))}` ended with {done.returncode}; see its output above")


def answers(*command: str | Path) -> bool:
    """True when the program exists and ends with 0."""
    quiet = subprocess.DEVNULL
    try:
        done = subprocess.run([str(word) for word in command], stdout=quiet, stderr=quiet, check=False)
    except OSError:
        return False
    return done.returncode == 0


def usable() -> bool:
    """`.venv` has an interpreter that runs, of the version that runs us."""
    return answers(
        PYTHON, "-c", f"import sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    )


def install() -> None:
    """Make `.venv` hold exactly the locked versions and this checkout; nothing to do when it does already."""
    stamp = wanted_stamp()
    if STAMP.is_file() and STAMP.read_text() == stamp and usable():
        return
    uv = shutil.which("uv")
    if uv is None and not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        stop(
            "Python's `venv` is incomplete here: install it (Debian and Ubuntu: `apt install python3-venv`), "
            "or install `uv`, and run this again."
        )
    print("dev.py: installing the locked dependencies into .venv", file=sys.stderr)
    if not usable():
        make = (
            [uv, "venv", "--clear", "--python", sys.executable]
            if uv
            else [sys.executable, "-m", "venv", "--clear"]
        )
        run(*make, VENV)
    STAMP.unlink(missing_ok=True)
    # The build backend is one of the locked dependencies, so that building needs nothing unlocked.
    # The locked files are complete: nothing is resolved, so nothing newer than what is locked is ever looked at.
    locked: list[str | Path] = ["--no-deps", "--require-hashes", "--requirement", LOCK]
    here: list[str | Path] = ["--no-deps", "--no-build-isolation", "--editable", "."]
    if uv:
        # As pip does by itself: else every program and test would compile again what it loads where nothing is kept.
        run(uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", PYTHON, *locked)
        run(uv, "pip", "install", "--quiet", "--python", PYTHON, *here)
    else:
        if not answers(PYTHON, "-m", "pip", "--version"):
            run(PYTHON, "-m", "ensurepip", "--upgrade")
        pip: list[str | Path] = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        run(*pip, *locked)
        run(*pip, *here)
    STAMP.write_text(stamp)


def become(*command: str | Path, **more: str) -> NoReturn:
    """Run a program of `.venv` in our place: its last line is the last line, its exit code is ours."""
    sys.stdout.flush()
    os.chdir(ROOT)
    os.execve(PYTHON, [str(PYTHON), *map(str, command)], {**environment(), **more})


def test(arguments: list[str]) -> NoReturn:
    """Run pytest, in parallel unless the arguments say how or want to talk to a person."""
    full = {"GATEKEEPER_TEST_FULL": "1"} if "--full" in arguments else {}
    rest = [word for word in arguments if word != "--full"]
    chosen = any(word.startswith(("-n", "--numprocesses", "--pdb", "--trace", "-s")) for word in rest)
    workers = min(os.cpu_count() or 1, WORKERS_AT_MOST)
    parallel = [] if chosen or workers == 1 else ["-n", str(workers), "--dist", "loadgroup"]
    become("-m", "pytest", *parallel, *rest, **full)


def check() -> int:
    """Every gate, all of them even when one fails; 0 when each holds."""
    gates: dict[str, list[str | Path]] = {
        "ruff check": [PYTHON, "-m", "ruff", "check", "."],
        "ruff format": [PYTHON, "-m", "ruff", "format", "--check", "."],
        "mypy --strict": [PYTHON, "-m", "mypy", "--strict"],
        "lint-imports": [PYTHON.parent / "lint-imports"],
    }
    broken = []
    for name, command in gates.items():
        print(f"== {name}", flush=True)
        if subprocess.run(
            [str(word) for word in command], cwd=ROOT, env=environment(), check=False
        ).returncode:
            broken.append(name)
    print(f"check: broken: {', '.join(broken)}" if broken else "check: all gates hold")
    return 1 if broken else 0


def lock(arguments: list[str]) -> int:
    """Write the hash-locked files; `--upgrade` takes newer versions inside the ranges."""
    uv = shutil.which("uv")
    if uv is None:
        stop("`uv` resolves the locked files: install it and run this again.")
    base = [
        uv, "pip", "compile", "--quiet", "--universal", "--python-version", ".".join(map(str, OLDEST)),
        "--generate-hashes", "--no-emit-index-url", "--custom-compile-command", "python3 dev.py lock",
    ]  # fmt: skip
    for name, sources in LOCKED_FILES.items():
        run(*base, *arguments, *sources, "--output-file", name)
    return 0


def main(arguments: list[str]) -> int:
    """Run one command. Does not return from those that take our place."""
    if sys.version_info < OLDEST:
        stop(f"Python {OLDEST[0]}.{OLDEST[1]} or later is needed; this is {sys.version.split()[0]}.")
    command, rest = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    if command in {"-h", "--help", "help"}:
        print(__doc__)
        return 0
    if command == "lock":
        return lock(rest)
    modules = {
        "demo": ["gatekeeper", "demo"],
        "bench": ["benchmarks"],
        "soak": ["tests.soak"],
        "load": ["tests.load"],
    }
    if command not in {*modules, "test", "check"}:
        stop(f"no command `{command}`; `python3 dev.py --help` lists them.")
    install()
    if command == "check":
        return check()
    if command == "test":
        test(rest)
    become("-m", *modules[command], *rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
