"""A registry under the test's orders, and a client with little patience and small caps."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause
from gatekeeper.core.manifest import ImageManifest, parse_manifest
from gatekeeper.demo import images
from gatekeeper.demo.images import Built
from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.registry.client import OciRegistry
from gatekeeper.registry.settings import Pace, ReadCaps, RegistrySettings, Timeouts

PATH = "team/app"
MEMORY = 24 * 1024 * 1024
"""Bytes that one hostile behaviour may cost, registry included."""

HASTE = Timeouts(connect=2.0, read=0.6, total=1.2, transfer=1.8)
"""Where running out of time is what must come of it."""
PATIENCE = Timeouts(connect=5.0, read=8.0, total=12.0, transfer=15.0)
"""Where something else must come of it, however busy this machine is; the tests' own timeout is the ceiling."""
CAPS = ReadCaps(
    manifest=64 * 1024,
    referrers=64 * 1024,
    page=64 * 1024,
    pages=5,
    entries=1000,
    referrer_count=20,
    closure=50,
    layer=1024 * 1024,
    error_body=4096,
    token=4096,
    headers=50,
    header_bytes=16 * 1024,
)
PACE = Pace(concurrency=4, attempts=2, ceiling=0.2, backoff=0.01)


@dataclass(frozen=True, slots=True)
class Scene:
    """One hostile registry with one honest image, and who talks to it."""

    registry: EmbeddedRegistry
    client: OciRegistry
    image: Built
    manifest: ImageManifest

    @property
    def digest(self) -> Digest:
        return self.manifest.digest

    def asked(self, method: str) -> int:
        return sum(request.method == method for request in self.registry.requests)


def reader(registry: EmbeddedRegistry, timeouts: Timeouts) -> OciRegistry:
    return OciRegistry(
        RegistrySettings(host=registry.host, plain_http=True, timeouts=timeouts, caps=CAPS, pace=PACE),
        sleep=lambda _seconds: None,
    )


@pytest.fixture
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    timeouts = HASTE if parameters.get("cause", Cause.TIMEOUT) is Cause.TIMEOUT else PATIENCE
    with EmbeddedRegistry() as registry:
        image = images.image({"etc/motd": b"hello"})
        image.store_in(registry.store, PATH, "v1")
        manifest = parse_manifest(image.raw, content_type=None, expected=None)
        assert isinstance(manifest, ImageManifest)
        client = reader(registry, timeouts)
        yield Scene(registry, client, image, manifest)
        client.close()


@pytest.fixture
def other() -> Iterator[EmbeddedRegistry]:
    """Another host: its own port is enough to be one."""
    with EmbeddedRegistry() as registry:
        yield registry


@pytest.fixture(autouse=True)
def _memory_ceiling() -> Iterator[None]:
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MEMORY
