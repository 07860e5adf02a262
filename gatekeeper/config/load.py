"""``config.toml`` -> Settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatekeeper.config.assembly import Written, assemble
from gatekeeper.config.models import ConfigModel
from gatekeeper.config.overlay import overlay
from gatekeeper.config.problems import ProblemList
from gatekeeper.config.reading import read_model, tables_in
from gatekeeper.config.registry_models import RegistryModel
from gatekeeper.config.settings import Settings
from gatekeeper.config.source import TomlSource
from gatekeeper.core.errors import ConfigurationError

VARIABLE = "GATEKEEPER_CONFIG"
REMEDY = "copy config.example.toml to one of these"
SYSTEM_PATH = Path("/etc/gatekeeper/config.toml")


def find_config(
    given: Path | None, environment: Mapping[str, str] | None = None, *, directory: Path | None = None
) -> Path:
    """The configuration file: ``--config``, ``GATEKEEPER_CONFIG``, ``./config.toml``, ``/etc/gatekeeper/config.toml``.

    The first two are taken at their word; raises ConfigurationError when nothing is named and neither file exists.
    """
    named = (os.environ if environment is None else environment).get(VARIABLE)
    if given is not None:
        return given
    if named:
        return Path(named)
    places = ((directory or Path()) / "config.toml", SYSTEM_PATH)
    for place in places:
        if place.is_file():
            return place
    raise ConfigurationError(
        (
            f"there is no configuration: looked at --config, {VARIABLE}, {places[0]} and {SYSTEM_PATH}; {REMEDY}",
        ),
        reason_code="configuration-missing",
    )


def load_settings(
    path: Path, environment: Mapping[str, str] | None = None, *, check_secrets: bool = True
) -> Settings:
    """Reads the file and the environment's overlay. Raises ConfigurationError with every problem at once.

    ``check_secrets``: also say which secrets are missing or readable by everybody; no secret is kept.
    """
    problems = ProblemList()
    source = read_source(path, os.environ if environment is None else environment, problems)
    written = read_sections(source, problems)
    settings = assemble(written, source, path.absolute(), problems, check_secrets=check_secrets)
    problems.raise_if_any()
    return settings


def read_source(path: Path, environment: Mapping[str, str], problems: ProblemList) -> TomlSource:
    """The file with the environment laid over it. Raises ConfigurationError when it is no TOML file."""
    source = TomlSource.read(path)
    overlay(source, environment, problems)
    return source


def read_sections(source: TomlSource, problems: ProblemList) -> Written:
    """Every section read on its own, so that a fault in one does not hide those in another."""
    rest = dict(source.content)
    sections: dict[str, Any] = {}
    for name, field in ConfigModel.model_fields.items():
        tables = tables_in(field.annotation)
        if tables and name in rest:
            read = read_model(tables[0], rest.pop(name), source, problems, at=(name,))
            sections[name] = field.get_default() if read is None else read
    registries = []
    if isinstance(rest.get("registries"), list):
        for position, entry in enumerate(rest.pop("registries")):
            registry = read_model(RegistryModel, entry, source, problems, at=("registries", position))
            if registry is not None:
                registries.append((position, registry))
    top = read_model(ConfigModel, rest, source, problems) or ConfigModel()
    return Written(top.model_copy(update=sections), tuple(registries))
