"""Rules in ``policy.toml`` -> the rule dataclasses of the core, with typed parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from pydantic import create_model

from gatekeeper.config.fields import AnyDuration, Count, Flag, Table, Text
from gatekeeper.config.problems import Location, ProblemList, did_you_mean
from gatekeeper.config.reading import read_model
from gatekeeper.config.source import TomlSource
from gatekeeper.core.errors import GatekeeperError
from gatekeeper.core.rules.attestation_missing import AttestationMissing
from gatekeeper.core.rules.catalogue import RULES
from gatekeeper.core.rules.provenance_missing import ProvenanceMissing
from gatekeeper.core.rules.rule import Rule
from gatekeeper.core.rules.sboms import SbomTrust
from gatekeeper.core.rules.signature_missing import SignatureMissing

_BELIEVING = (SignatureMissing.id, AttestationMissing.id, ProvenanceMissing.id)
"""Rules that always ask for a signer."""

_WRITTEN_AS: Mapping[Any, Any] = {timedelta: AnyDuration, int: Count, bool: Flag, str: Text}


@cache
def rule_model(rule: type[Rule]) -> type[Table]:
    """The table that holds a rule's parameters: its dataclass fields, as a person writes them."""
    hints = get_type_hints(rule)
    parameters: dict[str, Any] = {}
    for field in dataclasses.fields(cast("Any", rule)):
        default: Any = ...
        if field.name in getattr(rule, "required", frozenset()):
            pass
        elif field.default is not dataclasses.MISSING:
            default = field.default
        elif field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        parameters[field.name] = (_as_written(hints[field.name]), default)
    return create_model(f"{rule.__name__}Parameters", __base__=Table, **parameters)


def _as_written(hint: Any) -> Any:
    arguments = tuple(
        argument if argument is Ellipsis else _as_written(argument) for argument in get_args(hint)
    )
    if not arguments:
        return _WRITTEN_AS.get(hint, hint)
    origin = get_origin(hint)
    if origin in (tuple, frozenset, Mapping, dict):
        return origin[arguments]
    if origin is not None and not hasattr(origin, "__metadata__") and type(None) in arguments:
        return Union[arguments]  # noqa: UP007 - the members are only known here
    return hint


def read_rule(entry: Any, source: TomlSource, problems: ProblemList, at: Location) -> Rule | None:
    """One rule; None when it has problems, which were added."""
    table = {"rule": entry} if isinstance(entry, str) else entry
    if not isinstance(table, Mapping):
        problems.add(source.problem(at, "must be a rule's name in quotes, or a table { rule = ... }"))
        return None
    name = table.get("rule")
    if not isinstance(name, str):
        problems.add(
            source.problem((*at, "rule"), "is missing; a rule begins with its name: rule = 'user-root'")
        )
        return None
    rule = RULES.get(name)
    if rule is None:
        where = at if isinstance(entry, str) else (*at, "rule")
        problems.add(source.problem(where, f"there is no rule '{name}'{did_you_mean(name, RULES)}"))
        return None
    written = {key: value for key, value in table.items() if key != "rule"}
    model = read_model(rule_model(rule), written, source, problems, at=at)
    if model is None:
        return None
    optional = {"signers"} | (getattr(rule, "optional", frozenset()) - model.model_fields_set)
    empty = [key for key, value in model if key not in optional and isinstance(value, tuple) and not value]
    for key in empty:
        problems.add(
            source.problem((*at, key), "must not be empty: a rule that demands nothing passes nothing")
        )
    try:
        made: Rule = cast("Any", rule)(**dict(model))
    except (GatekeeperError, ValueError) as error:
        problems.add(source.problem(at, str(error)))
        return None
    return None if empty else made


def needs_signers(table: Mapping[str, Any]) -> bool:
    """True for a rule that would believe every signer of the policy."""
    rule = RULES.get(str(table.get("rule")))
    if rule is None:
        return False
    parameters = {field.name: field.default for field in dataclasses.fields(cast("Any", rule))}
    return rule.id in _BELIEVING or table.get("trust", parameters.get("trust")) == SbomTrust.SIGNED
