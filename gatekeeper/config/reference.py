"""The reference of both files as Markdown, made from the models: ``docs/configuration.md``."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gatekeeper.config.models import ConfigModel
from gatekeeper.config.policy_models import (
    DefaultsModel,
    PolicyModel,
    RuleSetModel,
    ScopeModel,
)
from gatekeeper.config.quantities import format_duration, format_size, parse_size
from gatekeeper.config.reading import tables_in
from gatekeeper.config.registry_models import CredentialsModel, ProxiesModel, RegistryModel
from gatekeeper.config.rules import rule_model
from gatekeeper.config.secret_models import SecretModel
from gatekeeper.config.signing_models import KeylessModel
from gatekeeper.config.trust_models import (
    IdentityModel,
    KeyModel,
    PatternModel,
    SignerModel,
    TrustRootModel,
)
from gatekeeper.core.rules.catalogue import RULES

HEAD = """# Configuration reference

<!-- Made by `python -m gatekeeper.cli.reference`; a test compares. Change the descriptions in gatekeeper/config. -->

Gatekeeper reads two TOML files: `config.toml` (registries, database, server, the daemon's work) and the
policy it names (`policy.toml`: what is demanded of images, and what happens to those that fail). Both have a
commented example: `config.example.toml` and `policy.example.toml`. `gatekeeper config check` reads both and
tells every problem at once, as `file:line:column: key: what is wrong, what to do`; `gatekeeper config schema
config|policy` prints JSON Schemas for editors.

The configuration is looked for at `--config FILE`, `GATEKEEPER_CONFIG`, `./config.toml`,
`/etc/gatekeeper/config.toml`.

**Environment.** `GATEKEEPER__` and the key in capitals, words joined by two underscores, replaces a value of
`config.toml`: `GATEKEEPER__SERVER__LISTEN=0.0.0.0:8080` is `server.listen`, `GATEKEEPER__REGISTRIES__0__HOST`
the host of the first registry. `true`, `false`, numbers, lists and inline tables are read as TOML, anything
else is text.

**Durations** are strings: `"500ms"`, `"30s"`, `"10m"`, `"1h30m"`, `"90d"`, `"2w"`. **Sizes** too: `"512KiB"`,
`"4MiB"`, `"1GB"`.

**Moments** are TOML dates and times with a zone, `2026-12-31T23:59:59Z`; a date alone means its first moment in UTC.

**Secrets** are never written into the file. A secret is `{ env = "NAME" }`, `{ file = "/run/secrets/name" }`
or (where it is allowed) `{ command = ["program", "argument"] }`; files that everybody may read are refused.
Secrets are read anew when they are needed, so that rotating one needs no restart.

**Reload.** On SIGHUP the daemon reads both files again. A bad one changes nothing and is told in the log. The
policy, `caps`, `polling` and `logging` take effect at once; `registries`, `database`, `server`, `engine`, `trust`
and `signing` at the next start.
"""


def configuration_markdown() -> str:
    """The whole page."""
    parts = [HEAD, "## config.toml\n"]
    parts += _section("Top level", ConfigModel)
    for name, field in ConfigModel.model_fields.items():
        for table in tables_in(field.annotation):
            parts += _section(f"[{name}]", table)
    parts += _section("[signing.keyless]", KeylessModel)
    parts += _section("[[registries]]", RegistryModel)
    for name, field in RegistryModel.model_fields.items():
        for table in tables_in(field.annotation):
            title = f"registries.{name}"
            parts += _section(title if table in (CredentialsModel, ProxiesModel) else f"[{title}]", table)
    parts += _section("A secret", SecretModel)
    parts += ["## policy.toml\n"]
    parts += _section("Top level of the policy", PolicyModel)
    parts += _section("[defaults]", DefaultsModel)
    parts += _section("[signers.NAME]", SignerModel)
    parts += _section("A key", KeyModel)
    parts += _section("An identity", IdentityModel)
    parts += _section("A pattern", PatternModel)
    parts += _section("[trust_roots.NAME]", TrustRootModel)
    parts += _section("[policies.NAME]", RuleSetModel)
    parts += _section("[[scopes]]", ScopeModel, skip=frozenset(DefaultsModel.model_fields))
    parts += ["A scope may also have every key of `[defaults]`; what it says itself wins.\n"]
    parts += [
        "## Rules\n",
        "What each rule means is in [rules.md](rules.md). `level` is `fail`, `warn` or `off`.\n",
    ]
    for name, rule in sorted(RULES.items()):
        parts += _section(f'rule = "{name}"', rule_model(rule), text=(rule.__doc__ or "").split("\n\n")[0])
    return "\n".join(parts).rstrip() + "\n"


def _section(
    title: str, table: type[BaseModel], *, text: str | None = None, skip: frozenset[str] = frozenset()
) -> Iterator[str]:
    yield f"### {title}\n"
    yield f"{text or inspect.cleandoc(table.__doc__ or '')}\n"
    with_text = any(field.description for field in table.model_fields.values())
    yield "| key | type | default |" + (" meaning |" if with_text else "")
    yield "|---|---|---|" + ("---|" if with_text else "")
    for name, field in table.model_fields.items():
        if name not in skip:
            meaning = f" {_cell(field.description or '')} |" if with_text else ""
            yield f"| `{name}` | {_cell(_type(field.annotation, field))} | {_default(field)} |{meaning}"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    match value:
        case None | BaseModel():
            return ""
        case bool():
            return f"`{str(value).lower()}`"
        case timedelta():
            return f'`"{format_duration(value)}"`'
        case int() if _is_size(field):
            return f'`"{format_size(value)}"`'
        case StrEnum() | str():
            return f'`"{value}"`'
        case tuple():
            return "`[" + ", ".join(f'"{item}"' for item in value) + "]`"
        case dict():
            return "`{}`"
    return f"`{value}`"


def _is_size(field: FieldInfo) -> bool:
    return any(getattr(part, "func", None) is parse_size for part in field.metadata)


def _type(annotation: Any, field: FieldInfo | None = None) -> str:
    if field is not None and _is_size(field):
        return "size"
    if hasattr(annotation, "__metadata__"):
        return _type(get_args(annotation)[0])
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(part) for part in arguments if part is not type(None)))
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if origin in (dict, Mapping):
        return f"tables of {_type(arguments[1])}"
    if origin is Literal:
        return " or ".join(f"`{part}`" for part in arguments)
    if isinstance(annotation, type):
        return _type_name(annotation)
    return "value"


def _type_name(kind: type) -> str:
    if issubclass(kind, StrEnum):
        return " or ".join(f'`"{member}"`' for member in kind)
    if issubclass(kind, SecretModel):
        return "secret"
    if issubclass(kind, PatternModel):
        return "text or pattern"
    if issubclass(kind, BaseModel):
        return "table"
    names = {
        str: "text",
        bool: "true or false",
        int: "number",
        float: "number",
        timedelta: "duration",
        datetime: "moment",
    }
    return names.get(kind, "value")
