"""Reading the configuration again while the daemon runs: a bad one changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from gatekeeper.config.load import load_settings
from gatekeeper.config.policy import read_policy
from gatekeeper.config.settings import Settings
from gatekeeper.core.errors import ConfigurationError
from gatekeeper.core.policy import Policy

NEEDS_RESTART = frozenset(
    {"database", "server", "registries", "engine", "notifications", "signing", "scanners"}
)
"""Sections that are only read at the start."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Both files, read and checked together."""

    settings: Settings
    policy: Policy
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What reading again gave. With ``problems`` the old configuration stays in force."""

    problems: tuple[str, ...]
    changed: tuple[str, ...]
    """Names of the changed sections; ``policy`` when the policy's revision is another."""
    needs_restart: tuple[str, ...]
    """Those of ``changed`` that take effect only after a restart."""


def load_configuration(path: Path, environment: Mapping[str, str] | None = None) -> Configuration:
    """``config.toml`` and the policy it names. Raises ConfigurationError with the problems of both.

    ``environment`` goes over the file; the process's own by default.
    """
    problems: list[str] = []
    settings = None
    try:
        settings = load_settings(path, environment)
    except ConfigurationError as error:
        problems.extend(error.problems)
        policy_path = _policy_path(path, environment)
    else:
        policy_path = settings.policy
    try:
        read = read_policy(policy_path, environment=environment) if policy_path is not None else None
    except ConfigurationError as error:
        problems.extend(error.problems)
        read = None
    if settings is None or read is None:
        raise ConfigurationError(tuple(problems))
    return Configuration(settings, read.policy, (*read.warnings, *_unconfigured(settings, read.policy)))


def _policy_path(path: Path, environment: Mapping[str, str] | None) -> Path | None:
    """Where the policy is, when the rest of the configuration is bad."""
    try:
        return load_settings(path, environment, check_secrets=False).policy
    except ConfigurationError:
        beside = path.absolute().parent / "policy.toml"
        return beside if beside.is_file() else None


def _unconfigured(settings: Settings, policy: Policy) -> list[str]:
    """Scopes that name a registry nobody configured."""
    hosts = {entry.connection.host for entry in settings.registries}
    found = []
    for scope in policy.scopes:
        for glob in scope.repositories:
            host = glob.partition("/")[0]
            if not set("*?") & set(host) and host not in hosts:
                found.append(
                    f"{settings.policy}: scope '{scope.name}' names {host}, which is not in [[registries]]"
                )
    return found


class Reloader:
    """Holds the configuration in force. Thread-safe; ``current`` never changes halfway."""

    def __init__(self, path: Path, current: Configuration | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._current = current or load_configuration(path)

    @property
    def current(self) -> Configuration:
        """What holds now."""
        return self._current

    def reload(self) -> Reloaded:
        """Reads both files; never raises for what they say: a bad one is told and the old one kept."""
        with self._lock:
            try:
                new = load_configuration(self._path)
            except ConfigurationError as error:
                return Reloaded(error.problems, (), ())
            old, self._current = self._current, new
        changed = [
            field.name
            for field in fields(Settings)
            if field.name != "policy"
            and getattr(old.settings, field.name) != getattr(new.settings, field.name)
        ]
        if old.policy.revision != new.policy.revision:
            changed.append("policy")
        return Reloaded((), tuple(changed), tuple(name for name in changed if name in NEEDS_RESTART))
