"""``config show``: what holds, without a secret in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gatekeeper.config.load import load_settings, read_sections, read_source
from gatekeeper.config.problems import ProblemList

REDACTED = "[redacted]"
SECRET_KEYS = frozenset({"password", "identity_token", "authorization"})
PROXY_KEYS = frozenset({"http", "https"})


def shown_settings(
    path: Path, environment: Mapping[str, str] | None = None, *, redacted: bool
) -> dict[str, Any]:
    """File, environment and defaults together, as JSON-ready values. Raises ConfigurationError.

    ``redacted``: where secrets are kept is hidden too; what they are is never known here.
    """
    given = os.environ if environment is None else environment
    load_settings(path, given, check_secrets=False)
    problems = ProblemList()
    written = read_sections(read_source(path, given, problems), problems)
    plain = written.model.model_dump(mode="json", exclude_none=True)
    plain["registries"] = [
        entry.model_dump(mode="json", exclude_none=True) for _, entry in written.registries
    ]
    shown: dict[str, Any] = _redact(plain) if redacted else plain
    return shown


def _redact(value: Any) -> Any:
    if isinstance(value, list):
        return [_redact(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: REDACTED
        if key in SECRET_KEYS or (key in PROXY_KEYS and isinstance(item, dict))
        else _redact(item)
        for key, item in value.items()
    }


def flat(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """``("server.listen", "127.0.0.1:8080")`` for every value."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from flat(item, f"{key}.{name}" if key else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for position, item in enumerate(value):
            yield from flat(item, f"{key}[{position}]")
    else:
        yield key, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
