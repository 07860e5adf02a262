"""The field types that all models share."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StrictBool,
    StrictInt,
    StrictStr,
    WithJsonSchema,
)

from gatekeeper.config.quantities import (
    DURATION_PATTERN,
    SIZE_PATTERN,
    format_duration,
    format_size,
    parse_duration,
    parse_moment,
    parse_size,
)


class Table(BaseModel):
    """A TOML table: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _number(written: Any) -> Any:
    if isinstance(written, bool) or not isinstance(written, int | float):
        raise ValueError("must be a number")
    return written


def _positive(duration: timedelta) -> timedelta:
    if duration <= timedelta():
        raise ValueError("must be longer than nothing")
    return duration


def _no_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _not_empty(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if not items:
        raise ValueError("must not be empty: an empty list would match nothing")
    return items


AnyDuration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "format": "gatekeeper-duration"}),
]
Duration = Annotated[AnyDuration, AfterValidator(_positive)]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(format_size, return_type=str),
    WithJsonSchema({"type": ["string", "integer"], "pattern": SIZE_PATTERN, "format": "gatekeeper-size"}),
]
Moment = Annotated[
    datetime,
    BeforeValidator(parse_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment with a zone; a date alone means its first moment in UTC."""
Text = Annotated[StrictStr, AfterValidator(_no_blank)]
Texts = tuple[Text, ...]
SomeTexts = Annotated[tuple[Text, ...], AfterValidator(_not_empty)]
Flag = StrictBool
Count = StrictInt
Number = Annotated[float, BeforeValidator(_number)]
