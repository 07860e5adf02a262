"""Docker Hub: named docker.io, served by registry-1.docker.io, tokens from auth.docker.io."""

from __future__ import annotations

from gatekeeper.registry.adapters.quirks import Quirks

DOCKER_HUB = Quirks(
    hosts=("docker.io",),
    api_host="registry-1.docker.io",
    realms=("auth.docker.io",),
    credential_key="https://index.docker.io/v1/",
    aliases=("index.docker.io", "registry-1.docker.io"),
)
