"""What single registries do differently and no probe can tell: one file each, one line here."""

from __future__ import annotations

from gatekeeper.registry.adapters.docker_hub import DOCKER_HUB
from gatekeeper.registry.adapters.gitlab import GITLAB
from gatekeeper.registry.adapters.quirks import PLAIN, Quirks

ADAPTERS = (DOCKER_HUB, GITLAB)


def quirks_of(host: str) -> Quirks:
    """The quirks of a canonical host; PLAIN for every registry that needs none."""
    return next((quirks for quirks in ADAPTERS if host in quirks.hosts), PLAIN)
