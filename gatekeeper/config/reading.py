"""A parsed document -> a model. What pydantic says of it becomes sentences with a position."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gatekeeper.config.problems import Location, ProblemList, did_you_mean
from gatekeeper.config.source import TomlSource

Model = TypeVar("Model", bound=BaseModel)

SENTENCES = {
    "missing": "is missing; add it",
    "string_type": "must be a string, in quotes",
    "int_type": "must be a whole number, without quotes",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number, without quotes",
    "bool_type": "must be true or false, without quotes",
    "tuple_type": "must be a list: [ ... ]",
    "model_type": "must be a table: {{ key = value }} or a [section]",
    "model_attributes_type": "must be a table: {{ key = value }} or a [section]",
    "dict_type": "must be a table: {{ key = value }} or a [section]",
    "frozen_set_type": "must be a list: [ ... ]",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be more than {gt}",
}


def read_model(
    model: type[Model],
    content: Mapping[str, Any],
    source: TomlSource,
    problems: ProblemList,
    *,
    at: Location = (),
) -> Model | None:
    """The model of a table that stands at ``at``; None when it has problems, which were added."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        # Inputs are kept out of messages: a misplaced secret must not be printed.
        for fault in error.errors(include_url=False, include_context=True, include_input=True):
            location = _location(fault, content)
            problems.add(source.problem((*at, *location), _sentence(fault, model, location)))
        return None


def _location(fault: ErrorDetails, content: object) -> Location:
    """Pydantic's location without the parts that name union members instead of keys."""
    location: Location = ()
    here = content
    for number, part in enumerate(fault["loc"], start=1):
        if _has(here, part):
            here = here[part]  # type: ignore[index]
        elif not (fault["type"] == "missing" and number == len(fault["loc"])):
            continue
        location = (*location, part)
    return location


def _has(here: object, part: str | int) -> bool:
    if isinstance(here, list | tuple):
        return isinstance(part, int) and part < len(here)
    return isinstance(here, Mapping) and part in here


def _sentence(fault: ErrorDetails, model: type[BaseModel], location: Location) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        return f"is not a key that is known here{did_you_mean(str(location[-1]), known_keys(model, location[:-1]))}"
    if kind in ("enum", "literal_error"):
        written = fault["input"]
        close = did_you_mean(written, _expected(context)) if isinstance(written, str) else ""
        return f"must be {context['expected']}{close if 'did you mean' in close else ''}"
    if kind == "value_error":
        return str(context["error"])
    sentence = SENTENCES.get(kind)
    return sentence.format(**context) if sentence else f"{fault['msg'][:1].lower()}{fault['msg'][1:]}"


def _expected(context: Mapping[str, Any]) -> list[str]:
    return [word.strip(" '") for word in str(context["expected"]).replace(" or ", ",").split(",")]


def known_keys(model: type[BaseModel], location: Location) -> set[str]:
    """The keys of the table at ``location`` below ``model``."""
    here: list[Any] = [model]
    for part in location:
        here = [inner for kind in here for inner in _below(kind, part)]
    return {name for kind in here for member in tables_in(kind) for name in member.model_fields}


def _below(kind: Any, part: str | int) -> list[Any]:
    found: list[Any] = []
    if isinstance(part, str):
        tables = [table for table in tables_in(kind) if part in table.model_fields]
        found.extend(table.model_fields[part].annotation for table in tables)
    for member in _members(kind):
        arguments = get_args(member)
        if get_origin(member) is tuple and isinstance(part, int):
            found.append(arguments[0])
        elif get_origin(member) in (dict, Mapping) and isinstance(part, str):
            found.append(arguments[1])
    return found


def tables_in(kind: Any) -> list[type[BaseModel]]:
    """The models that an annotation allows."""
    return [member for member in _members(kind) if isinstance(member, type) and issubclass(member, BaseModel)]


def _members(kind: Any) -> list[Any]:
    if hasattr(kind, "__metadata__"):
        return _members(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return [inner for member in get_args(kind) for inner in _members(member)]
    return [kind]
