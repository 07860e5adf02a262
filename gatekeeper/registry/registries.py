"""``ConfiguredRegistries``: the configured registries, each built when it is first needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING

from gatekeeper.core.errors import ConfigurationError
from gatekeeper.registry.settings import RegistrySettings

if TYPE_CHECKING:
    from gatekeeper.registry.client import OciRegistry


class ConfiguredRegistries:
    """``ports.Registries``. One client for one host, shared by all threads; no other host is ever contacted."""

    def __init__(
        self,
        settings: Iterable[RegistrySettings],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises ConfigurationError when a host is configured twice."""
        self._settings: dict[str, RegistrySettings] = {}
        for one in settings:
            if one.host in self._settings:
                raise ConfigurationError((f"registry {one.host} is configured twice",))
            self._settings[one.host] = one
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = Lock()
        self._open: dict[str, OciRegistry] = {}

    def get(self, host: str) -> OciRegistry:
        """Raises ConfigurationError for a host that is not configured, or whose files cannot be used."""
        with self._lock:
            known = self._open.get(host)
            if known is not None:
                return known
            settings = self._settings.get(host)
            if settings is None:
                raise ConfigurationError(
                    (
                        f"registry {host} is not configured; add it to `registries`, nothing else is contacted",
                    ),
                    reason_code="registry-not-configured",
                )
            # oras and requests are a third of a command's start; many commands never ask a registry.
            from gatekeeper.registry.client import OciRegistry  # noqa: PLC0415

            opened = OciRegistry(settings, monotonic=self._monotonic, sleep=self._sleep)
            self._open[host] = opened
            return opened

    def hosts(self) -> tuple[str, ...]:
        """Every configured host, sorted."""
        return tuple(sorted(self._settings))

    def close(self) -> None:
        """Closes idle connections of every client."""
        with self._lock:
            for opened in self._open.values():
                opened.close()
            self._open.clear()
