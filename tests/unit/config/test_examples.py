"""The commented examples can be used as they are, and name every key there is."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel

from gatekeeper.config.load import load_settings
from gatekeeper.config.models import ConfigModel
from gatekeeper.config.policy import read_policy
from gatekeeper.config.policy_models import DefaultsModel, PolicyModel
from gatekeeper.config.reading import tables_in
from gatekeeper.core.identity import FULCIO_FIELDS
from gatekeeper.core.lifecycle import Caps
from gatekeeper.core.policy import Scope
from gatekeeper.core.rules.catalogue import RULES

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "config.example.toml"
POLICY = ROOT / "policy.example.toml"


def keys_of(model: type[BaseModel]) -> set[str]:
    found = set(model.model_fields)
    for field in model.model_fields.values():
        for annotation in (field.annotation, *getattr(field.annotation, "__args__", ())):
            for table in tables_in(annotation):
                found |= keys_of(table)
    return found


def words(path: Path) -> set[str]:
    """Every key that is written in the file, commented out or not."""
    return set(re.findall(r"([a-z_]+)\s*=", path.read_text())) | set(
        re.findall(r"[\[.]([a-z_]+)", path.read_text())
    )


def test_the_example_configuration_loads() -> None:
    settings = load_settings(CONFIG, {})
    assert [entry.connection.host for entry in settings.registries] == ["registry.example.com"]
    assert settings.caps == Caps()


def test_the_example_policy_loads_without_a_warning() -> None:
    read = read_policy(POLICY)
    assert read.warnings == ()
    assert {rule.id for rules in read.policy.rule_sets.values() for rule in rules.rules} == set(RULES)


def test_the_example_configuration_shows_every_key() -> None:
    assert keys_of(ConfigModel) - words(CONFIG) == set()


def test_the_example_policy_shows_every_key() -> None:
    known = words(POLICY) | {"file", "inline", "env"} | set(FULCIO_FIELDS)
    assert keys_of(PolicyModel) | set(DefaultsModel.model_fields) <= known


def test_the_defaults_in_the_examples_are_the_built_in_ones() -> None:
    settings, empty = load_settings(CONFIG, {}), load_settings(ROOT / "tests/unit/config/empty.toml", {})
    assert settings.polling == empty.polling
    assert settings.engine == empty.engine
    assert settings.logging == empty.logging
    connection = settings.registries[0].connection
    default = type(connection)(connection.host)
    assert connection == default
    scope = read_policy(POLICY).policy.scopes[1]
    assert scope == Scope(scope.name, scope.repositories, scope.policy)
