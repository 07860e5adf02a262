"""Reads option values without pydantic.

Typer 0.29 builds a pydantic adapter for every parameter of the command that runs, which costs more than the whole of a
remote ``status``. Our options are text, numbers, paths, choices and lists of these, so they are read here. Should Typer
keep its readers elsewhere one day, its own are used: slower, not wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_origin

import typer

_SLOT = "_runtime_param"
HELP_NAMES = ["-h", "--help"]


@dataclass(frozen=True, slots=True)
class Reader:
    """What Typer asks to turn the words of the command line into a parameter's value."""

    read: Callable[[str], Any]
    many: bool

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value of one parameter. Raises BadParameter: exit code 2."""
        if value is None:
            return () if self.many else None
        try:
            return [self._one(item) for item in value] if self.many else self._one(value)
        except ValueError as error:
            raise typer.BadParameter(str(error), ctx=ctx, param=param) from error

    def _one(self, value: Any) -> Any:
        return self.read(value) if isinstance(value, str) and not isinstance(value, StrEnum) else value


def read_plainly(group: Any) -> None:
    """Gives every parameter below ``group`` our reader, where its type is one of ours."""
    for node in getattr(group, "commands", {}).values():
        read_plainly(node)
    # The parameters of a command include its --help, which is made (and kept) when it is first asked for.
    for parameter in group.get_params(typer.Context(group, help_option_names=HELP_NAMES)):
        descriptor = getattr(parameter, "type_descriptor", None)
        if descriptor is None or not hasattr(parameter, _SLOT):
            continue
        annotation = descriptor.annotation
        many = get_origin(annotation) is list
        read = _reader(get_args(annotation)[0] if many else annotation, descriptor.parameter_info)
        if read is not None:
            setattr(parameter, _SLOT, Reader(read, many))


def _reader(kind: Any, declared: Any) -> Callable[[str], Any] | None:
    if declared.parser is not None:
        parser: Callable[[str], Any] = declared.parser
        return parser
    if kind in (str, Path):
        return kind  # type: ignore[no-any-return]
    if kind is int:
        return lambda text: _number(text, declared.min, declared.max)
    if kind is bool:
        return _flag
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return lambda text: _choice(kind, text)
    return None


def _flag(text: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in words:
        raise ValueError(f"{text!r} is neither true nor false")
    return words[text.lower()]


def _number(text: str, least: int | None, most: int | None) -> int:
    if not (text.isascii() and text.removeprefix("-").isdecimal()):
        raise ValueError(f"{text!r} is no whole number")
    number = int(text)
    if (least is not None and number < least) or (most is not None and number > most):
        raise ValueError(f"{number} is not between {least} and {most}")
    return number


def _choice(kind: type[StrEnum], text: str) -> StrEnum:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{text!r} is not one of {', '.join(kind)}") from None
