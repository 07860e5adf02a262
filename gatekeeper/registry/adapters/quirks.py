"""What an adapter can say. Capabilities are not among it: they are learned from answers, never from a name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quirks:
    """Facts about one registry that its own answers do not tell."""

    hosts: tuple[str, ...] = ()
    """Canonical hosts these facts are about."""
    api_host: str | None = None
    """``host[:port]`` that serves the API, when it is another."""
    realms: tuple[str, ...] = ()
    """Token services elsewhere, as the operator documents them."""
    credential_key: str | None = None
    """Under which name docker's credential programs keep the login, when it is not the host."""
    aliases: tuple[str, ...] = ()
    """Other hosts in docker's configuration that mean this registry."""


PLAIN = Quirks()
