"""A registry dump pushed into a running registry, as the tools that made it would have left it there."""

from __future__ import annotations

import json
from pathlib import Path

from gatekeeper.core.digest import Digest
from gatekeeper.core.manifest import ImageIndex, Manifest, parse_manifest
from gatekeeper.registry.client import OciRegistry
from gatekeeper.registry.settings import Pace, RegistrySettings
from tests.fakes.registry_dump import FIXTURES

REAL_TOOLS = FIXTURES / "signed_by_real_tools"


def client(host: str) -> OciRegistry:
    """Ours, over plain http."""
    return OciRegistry(RegistrySettings(host, plain_http=True, pace=Pace(concurrency=4)))


def replay(host: str, folder: Path = REAL_TOOLS, *, prefix: str = "") -> None:
    """Every repository of the dump. Referrers are attached, so that they are found with or without a referrers API."""
    registry = client(host)
    registries = json.loads((folder / "index.json").read_text())["registries"]
    try:
        for content in registries.values():
            for name, repository in content.items():
                _push(registry, folder, prefix + name, repository)
    finally:
        registry.close()


def _push(registry: OciRegistry, folder: Path, path: str, content: dict[str, dict[str, str]]) -> None:
    def read(digest: str) -> bytes:
        return (folder / "blobs" / "sha256" / digest.partition(":")[2]).read_bytes()

    for digest in content["blobs"]:
        registry.put_blob(path, read(digest))
    manifests = {
        digest: parse_manifest(read(digest), content_type=media_type, expected=Digest.parse(digest))
        for digest, media_type in content["manifests"].items()
    }
    for manifest in sorted(manifests.values(), key=lambda one: _depth(one, manifests)):
        if manifest.subject is not None:
            registry.attach(path, manifest)
        else:
            registry.put_manifest(path, manifest.raw, manifest.media_type, tag=None)
    for tag, digest in content["tags"].items():
        # The fallback index was made anew by attaching.
        manifest = manifests[digest]
        if tag.startswith("sha256-") and isinstance(manifest, ImageIndex):
            continue
        registry.put_manifest(path, manifest.raw, manifest.media_type, tag=tag)


def _depth(manifest: Manifest, manifests: dict[str, Manifest]) -> int:
    """Children before indexes, subjects before their referrers."""
    below = [entry.digest for entry in manifest.manifests] if isinstance(manifest, ImageIndex) else []
    if manifest.subject is not None:
        below.append(manifest.subject.digest)
    return 1 + max(
        (_depth(manifests[str(digest)], manifests) for digest in below if str(digest) in manifests), default=0
    )
