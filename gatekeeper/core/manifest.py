"""OCI and Docker manifests as typed values, from raw bytes that are kept (OCI image-spec 1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Platform

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"

MANIFEST_TYPES = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST)
"""Sent in every Accept, always all four: a registry may silently rewrite what is not accepted."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """OCI image-spec, descriptor.md. ``size`` in bytes, never negative."""

    media_type: str
    digest: Digest
    size: int
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    platform: Platform | None = None
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageManifest:
    """An image manifest, OCI or Docker schema 2; also every artifact stored as one."""

    raw: bytes
    digest: Digest
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None
    artifact_type: str | None
    """As written; see ``effective_artifact_type``."""
    annotations: Mapping[str, str]

    @property
    def effective_artifact_type(self) -> str:
        """``artifactType``, or the config's media type (OCI image-spec, manifest.md, "artifactType")."""
        return self.artifact_type or self.config.media_type


@dataclass(frozen=True, slots=True)
class ImageIndex:
    """An image index or Docker manifest list."""

    raw: bytes
    digest: Digest
    media_type: str
    manifests: tuple[Descriptor, ...]
    subject: Descriptor | None
    artifact_type: str | None
    annotations: Mapping[str, str]


Manifest = ImageManifest | ImageIndex
