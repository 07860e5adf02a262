"""Reading a pushed manifest: what it refers to, and whether it may be stored (distribution-spec, "Push")."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.demo.oci_registry.wire import RefusedError

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
KNOWN = frozenset({OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST})
INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """A manifest at rest. ``raw`` is what was pushed, byte for byte."""

    digest: str
    media_type: str
    raw: bytes
    subject: str | None = None
    artifact_type: str = ""
    annotations: Mapping[str, str] | None = None
    children: tuple[str, ...] = ()
    """Digests an index lists."""
    blobs: tuple[str, ...] = ()
    """Config and layers that must be there (foreign and non-distributable layers left out)."""

    def descriptor(self) -> dict[str, object]:
        """Its descriptor in a referrers list."""
        document: dict[str, object] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": len(self.raw),
        }
        if self.artifact_type:
            document["artifactType"] = self.artifact_type
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        return document


def read(raw: bytes, media_type: str, digest: str) -> StoredManifest:
    """What these bytes refer to, leniently: what cannot be read is left out. Never raises."""
    document = _document(raw)
    if document is None:
        return StoredManifest(digest, media_type, raw)
    subject = document.get("subject")
    config = document.get("config")
    artifact_type = document.get("artifactType")
    if not artifact_type and media_type not in INDEXES and isinstance(config, dict):
        artifact_type = config.get("mediaType")
    annotations = document.get("annotations")
    layers = [entry for entry in _entries(document.get("layers")) if not _is_foreign(entry)]
    blobs = [*([config] if isinstance(config, dict) else []), *layers]
    return StoredManifest(
        digest=digest,
        media_type=media_type,
        raw=raw,
        subject=str(subject["digest"]) if isinstance(subject, dict) and "digest" in subject else None,
        artifact_type=artifact_type if isinstance(artifact_type, str) else "",
        annotations=annotations if isinstance(annotations, dict) else None,
        children=tuple(str(entry.get("digest")) for entry in _entries(document.get("manifests"))),
        blobs=tuple(str(entry.get("digest")) for entry in blobs),
    )


def check(raw: bytes, content_type: str, *, known_only: bool) -> None:
    """Raises RefusedError (400 MANIFEST_INVALID) when these bytes are no manifest of this Content-Type."""
    document = _document(raw)
    if document is None:
        raise _refused("the body is not a JSON object")
    declared = document.get("mediaType")
    if declared is not None and declared != content_type:
        raise _refused(f"Content-Type {content_type!r} is not the manifest's mediaType {declared!r}")
    if known_only and content_type not in KNOWN:
        raise _refused(f"unknown manifest media type {content_type!r}")
    if content_type in KNOWN:
        _check_shape(document, content_type)


def declared_media_type(raw: bytes) -> str:
    """The ``mediaType`` in the bytes, or "" when there is none."""
    declared = (_document(raw) or {}).get("mediaType")
    return declared if isinstance(declared, str) else ""


def _check_shape(document: dict[str, object], content_type: str) -> None:
    if document.get("schemaVersion") != 2:
        raise _refused("schemaVersion must be 2")
    listed = content_type in INDEXES
    if listed and ("layers" in document or "config" in document):
        raise _refused("an index has no config and no layers")
    if not listed and "manifests" in document:
        raise _refused("an image manifest has no manifests")
    if not listed and not isinstance(document.get("config"), dict):
        raise _refused("an image manifest needs a config descriptor")
    for name in ("manifests",) if listed else ("layers",):
        if not isinstance(document.get(name), list):
            raise _refused(f"{name} must be a list")
    descriptors = [document.get("config"), document.get("subject")]
    for name in ("manifests", "layers"):
        descriptors.extend(cast(list[object], document.get(name) or []))
    for descriptor in descriptors:
        if descriptor is not None:
            _check_descriptor(descriptor)


def _check_descriptor(descriptor: object) -> None:
    if not isinstance(descriptor, dict):
        raise _refused("a descriptor must be an object")
    try:
        Digest.parse(str(descriptor.get("digest")))
    except MalformedError as error:
        raise _refused(f"descriptor: {error}") from error
    size = descriptor.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise _refused("a descriptor needs a size of 0 or more")


def _document(raw: bytes) -> dict[str, object] | None:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _entries(value: object) -> list[dict[str, object]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _is_foreign(layer: dict[str, object]) -> bool:
    media_type = str(layer.get("mediaType", ""))
    return bool(layer.get("urls")) or "nondistributable" in media_type or ".foreign." in media_type


def _refused(message: str) -> RefusedError:
    return RefusedError(400, "MANIFEST_INVALID", message)
