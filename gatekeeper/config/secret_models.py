"""How a configuration names a secret."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from gatekeeper.config.fields import SomeTexts, Table, Text


class SecretModel(Table):
    """Where a secret is kept: exactly one of the three."""

    env: Text | None = Field(None, description="Name of the environment variable that holds it.")
    file: Text | None = Field(None, description="File that holds it; refused when everybody may read it.")
    command: SomeTexts | None = Field(
        None, description="Program and arguments, run without a shell; its first output is the secret."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> SecretModel:
        if sum(part is not None for part in (self.env, self.file, self.command)) != 1:
            raise ValueError("needs exactly one of env, file and command")
        return self


def _no_literal(written: Any) -> Any:
    if isinstance(written, str):
        raise ValueError(
            'secrets are not written into the configuration; write { env = "NAME" } or { file = "/run/secrets/name" }'
        )
    return written


SecretField = Annotated[SecretModel, BeforeValidator(_no_literal)]


def _text_or_table(written: Any) -> str:
    return "table" if isinstance(written, dict | SecretModel) else "text"


TextOrSecret = Annotated[
    Annotated[Text, Tag("text")] | Annotated[SecretModel, Tag("table")], Discriminator(_text_or_table)
]
"""A text that may hold a password, or where it is kept."""
