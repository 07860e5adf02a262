"""The tour in the README works: its commands, as they stand there, against Debian's docker-registry."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.judges.registries import RegistryServer

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
WRITTEN_HOST = "localhost:5000"

pytestmark = pytest.mark.slow


def section(title: str) -> str:
    _, _, rest = README.partition(f"\n## {title}\n")
    assert rest, f"README.md has no section {title!r}"
    return rest.partition("\n## ")[0]


def blocks(text: str) -> list[str]:
    """What stands between ```bash and ```: commands to run; ```console is for reading."""
    return re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_tour_of_the_readme(debian_registry_server: RegistryServer, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, arguments in (("gatekeeper", " -m gatekeeper"), ("python", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}"{arguments} "$@"\n')
        program.chmod(0o755)
    tour = blocks(section("Five minutes on a registry of your own"))
    assert len(tour) == 8
    # Whatever goes wrong, the daemon ends with the script.
    script = "\n".join(["set -e", "trap 'kill $daemon 2> /dev/null || true' EXIT", *tour])
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "GATEKEEPER__SERVER__LISTEN": "127.0.0.1:0",
    }
    done = subprocess.run(
        ["bash", "-c", script.replace(WRITTEN_HOST, debian_registry_server.host)],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=240,
    )
    said = done.stdout
    log = tmp_path / "tour" / "daemon.log"
    assert done.returncode == 0, f"{said}\n{log.read_text() if log.exists() else ''}"
    assert said.count("exit code 1") == 4, said
    for word in ("user-root", "signature-missing", "promoted", "quarantined", "restored"):
        assert word in said, said
    assert "none changed, missing or out of order" in said


def test_the_exit_codes_of_the_readme_are_those_of_the_code() -> None:
    from gatekeeper.core.exit_codes import ExitCode

    told = [int(code) for code in re.findall(r"^\| (\d+) \|", section("Exit codes"), re.MULTILINE)]
    assert told == sorted(ExitCode)
