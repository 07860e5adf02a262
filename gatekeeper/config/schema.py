"""JSON Schemas of both files."""

from __future__ import annotations

from typing import Any

from gatekeeper.config.models import ConfigModel
from gatekeeper.config.policy_models import PolicyModel
from gatekeeper.config.rules import rule_model
from gatekeeper.core.rules.catalogue import RULES

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def config_schema() -> dict[str, Any]:
    """Of ``config.toml``."""
    return {"$schema": DIALECT, **ConfigModel.model_json_schema()}


def policy_schema() -> dict[str, Any]:
    """Of ``policy.toml``, with every rule's parameters."""
    schema = PolicyModel.model_json_schema()
    tables = []
    for name, rule in sorted(RULES.items()):
        table = rule_model(rule).model_json_schema()
        schema["$defs"].update(table.pop("$defs", {}))
        table["title"] = name
        table["properties"] = {"rule": {"const": name}, **table.get("properties", {})}
        table["required"] = ["rule", *table.get("required", ())]
        tables.append(table)
    items = {"anyOf": [{"enum": sorted(RULES)}, *tables]}
    schema["$defs"]["RuleSetModel"]["properties"]["rules"]["items"] = items
    return {"$schema": DIALECT, **schema}
