"""The import contracts refuse what they are there to refuse, shown on an empty house of the same plan."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = next(
    contract["layers"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    if contract["type"] == "layers"
)
ROOMS = [room for layer in LAYERS for room in re.findall(r"\w+", layer)]

UPWARD = [
    (f"gatekeeper.{lower}", f"gatekeeper.{upper}")
    for above, below in itertools.pairwise(LAYERS)
    for upper, lower in [(re.findall(r"\w+", above)[0], re.findall(r"\w+", below)[0])]
]
SIDEWAYS = [
    ("gatekeeper.signatures.cosign", "gatekeeper.registry"),
    ("gatekeeper.workflow.verify", "gatekeeper.database"),
    ("gatekeeper.web.api", "gatekeeper.scheduler"),
    ("gatekeeper.transport.client", "gatekeeper.ports"),
]
WRONG_DOORS = [
    ("gatekeeper.core.reference", "msgspec"),
    ("gatekeeper.registry.client", "requests"),
    ("gatekeeper.notifications.webhook", "urllib3"),
    ("gatekeeper.workflow.verify", "oras.provider"),
    ("gatekeeper.demo.images", "sigstore.models"),
    ("gatekeeper.registry.client", "cryptography"),
    ("gatekeeper.web.api", "sqlalchemy"),
    ("gatekeeper.wiring", "alembic.command"),
    ("gatekeeper.engine.local", "apscheduler"),
    ("gatekeeper.cli.run", "uvicorn"),
    ("gatekeeper.config.reading", "rich"),
    ("gatekeeper.workflow.verify", "pydantic"),
    ("gatekeeper.database.sub.store", "fastapi"),
]
OPEN_DOORS = [
    ("gatekeeper.transport.client", "urllib3"),
    ("gatekeeper.registry.client", "oras.provider"),
    ("gatekeeper.database.sub.store", "sqlalchemy.orm"),
    ("gatekeeper.scheduler", "apscheduler.schedulers.background"),
    ("gatekeeper.database.store", "gatekeeper.database.tables"),
    ("gatekeeper.cli.run", "gatekeeper.core"),
]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    for room in ROOMS:
        (tmp_path / "gatekeeper" / room).mkdir(parents=True)
        (tmp_path / "gatekeeper" / room / "__init__.py").touch()
    (tmp_path / "gatekeeper" / "__init__.py").touch()
    (tmp_path / "gatekeeper" / "__main__.py").touch()
    (tmp_path / "gatekeeper" / "database" / "tables.py").touch()
    return tmp_path


def _furnish(house: Path, module: str, line: str) -> None:
    place = house.joinpath(*module.split("."))
    if place.is_dir():
        place = place / "__init__"
    for folder in reversed(place.relative_to(house).parents):
        (house / folder).mkdir(exist_ok=True)
        (house / folder / "__init__.py").touch()
    place.with_suffix(".py").write_text(line + "\n")


def _broken(house: Path) -> int:
    """How many contracts are broken."""
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=house,
        env={**os.environ, "PYTHONPATH": str(house), "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    counted = re.search(r"(\d+) kept, (\d+) broken", done.stdout)
    assert counted, done.stdout + done.stderr
    assert done.returncode == (1 if int(counted.group(2)) else 0)
    return int(counted.group(2))


def test_the_empty_house_and_every_open_door_are_fine(house: Path) -> None:
    for importer, imported in OPEN_DOORS:
        _furnish(house, importer, f"import {imported}")
    assert _broken(house) == 0


@pytest.mark.parametrize(("importer", "imported"), [*UPWARD, *SIDEWAYS, *WRONG_DOORS])
def test_an_arrow_against_the_plan_is_refused(house: Path, importer: str, imported: str) -> None:
    _furnish(house, importer, f"import {imported}")
    assert _broken(house) > 0


def test_a_new_room_must_be_placed_on_purpose(house: Path) -> None:
    _furnish(house, "gatekeeper.attic.box", "")
    assert _broken(house) > 0


def test_tables_stay_in_the_database_room(house: Path) -> None:
    _furnish(house, "gatekeeper.wiring", "import gatekeeper.database.tables")
    assert _broken(house) > 0


def test_a_circle_inside_a_room_is_refused(house: Path) -> None:
    _furnish(house, "gatekeeper.registry.tags", "import gatekeeper.registry.copying")
    _furnish(house, "gatekeeper.registry.copying", "import gatekeeper.registry.tags")
    assert _broken(house) > 0
