"""``[[scanners]]``: what is written, what it becomes, and what is told about mistakes."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper.config.load import load_settings
from gatekeeper.config.settings import ScannerSettings
from gatekeeper.core.errors import ConfigurationError
from gatekeeper.ports.scanners import Makes, Program


def loaded(folder: Path, text: str) -> tuple[ScannerSettings, ...]:
    path = folder / "config.toml"
    path.write_text(text)
    return load_settings(path, {}).scanners


def test_both_kinds(tmp_path: Path) -> None:
    served, local = loaded(
        tmp_path,
        f"""\
[[scanners]]
name = "trivy"
url = "https://scanner.example.com:8443/api/v1/"
makes = ["sbom", "report"]
timeout = "10m"
[[scanners]]
name = "grype"
program = "grype"
path = "{sys.executable}"
makes = ["report"]
memory = "2GiB"
environment = {{ GRYPE_DB_CACHE_DIR = "/var/lib/grype" }}
""",
    )
    assert served == ScannerSettings(
        "trivy",
        "https://scanner.example.com:8443/api/v1",
        makes=(Makes.SBOM, Makes.REPORT),
        timeout=timedelta(minutes=10),
    )
    assert (local.program, local.memory) == (Program.GRYPE, 2 * 1024**3)
    assert local.environment == {"GRYPE_DB_CACHE_DIR": "/var/lib/grype"}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "needs exactly one of url and program"),
        ('url = "https://a"\nprogram = "syft"', "needs exactly one of url and program"),
        ('url = "ftp://a"', "must be https://host"),
        ('url = "https://user:password@a"', "must be https://host"),
        ('url = "https://a"\npath = "/bin/sh"', "path and environment belong to a program"),
        ('program = "syft"', "absolute path"),
        ('program = "syft"\npath = "syft"', "absolute path"),
        ('program = "syft"\npath = "/no/such/syft"', "there is no executable /no/such/syft"),
        ('program = "syft"\npath = "/bin/sh"\nmakes = ["report"]', "syft makes no report"),
        ('program = "grype"\npath = "/bin/sh"', "grype makes no sbom"),
        ('program = "syft"\npath = "/bin/sh"\nenvironment = { "A B" = "c" }', "is no name of a variable"),
        (
            'program = "syft"\npath = "/bin/sh"\nauthorization = { env = "X" }',
            "belongs to a scanner with a url",
        ),
        ('url = "https://a"\nmakes = []', "makes"),
        ('url = "https://a"\nauthorization = "Bearer x"', "secrets are not written into the configuration"),
        ('url = "https://a"\n[[scanners]]\nname = "s"\nurl = "https://b"', "there is another scanner 's'"),
    ],
)
def test_mistakes(tmp_path: Path, lines: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, f'[[scanners]]\nname = "s"\n{lines}\n')
    assert any(said in problem and "config.toml:" in problem for problem in caught.value.problems), (
        caught.value.problems
    )
