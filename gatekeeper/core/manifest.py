"""OCI and Docker manifests as typed values, from raw bytes that are kept (OCI image-spec 1.1).

``parse_manifest`` refuses whatever two programs could read in two ways: what it returns is what every other program
sees in the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.evidence import Platform
from gatekeeper.core.strict_json import check_spelling, loads_object

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json"
DOCKER_SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws"

MOST_LAYERS = 1000
MOST_CHILDREN = 1000
DEEPEST_INDEX = 3
"""An index may name indexes that name indexes of images, and no deeper."""

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

    @property
    def foreign(self) -> bool:
        """True when the content is said to lie outside the registry: never fetched, never evidence."""
        return bool(self.urls) or ".nondistributable." in self.media_type or ".foreign." in self.media_type


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

_TOP_KEYS = (
    "schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests", "subject", "annotations",
    "fsLayers", "blobs",
)  # fmt: skip
_DESCRIPTOR_KEYS = ("mediaType", "digest", "size", "urls", "annotations", "artifactType", "platform", "data")
_PLATFORM_KEYS = ("os", "architecture", "variant")
_LARGEST_SIZE = 2**63 - 1


def parse_manifest(
    raw: bytes,
    *,
    content_type: str | None,
    expected: Digest | None,
    algorithm: str = "sha256",
    size: int | None = None,
) -> Manifest:
    """Raw bytes -> ImageManifest or ImageIndex; the bytes are kept as they are.

    ``content_type`` is the response's header (parameters are ignored) or None for stored bytes; ``expected`` and
    ``size`` are what the bytes must have; without ``expected`` the digest is computed with ``algorithm``.
    Raises MalformedError, with a reason code for each refusal.
    """
    if size is not None and size != len(raw):
        raise MalformedError(
            f"the manifest has {len(raw)} bytes, {size} were announced", reason_code="manifest-size-mismatch"
        )
    if expected is not None and not expected.matches(raw):
        raise MalformedError(
            f"the manifest's bytes do not have the digest {expected}", reason_code="manifest-digest-mismatch"
        )
    members = loads_object(raw)
    check_spelling(members, _TOP_KEYS)
    media_type = _media_type(members, content_type)
    if members.get("schemaVersion") != 2 or isinstance(members.get("schemaVersion"), bool | float):
        raise MalformedError("schemaVersion is not 2", reason_code="manifest-schema-version")
    _refuse_mixes(members, index=media_type in (OCI_INDEX, DOCKER_LIST))
    digest = expected or Digest.of(raw, algorithm)
    subject = members.get("subject")
    subject_descriptor = None if subject is None else read_descriptor(subject, "subject")
    artifact_type = _text(members, "artifactType", "manifest")
    annotations = _texts(members.get("annotations"), "annotations")
    if media_type in (OCI_INDEX, DOCKER_LIST):
        children = _descriptors(members.get("manifests"), "manifests", MOST_CHILDREN)
        return ImageIndex(raw, digest, media_type, children, subject_descriptor, artifact_type, annotations)
    if members.get("config") is None:
        raise MalformedError("an image manifest without config", reason_code="manifest-config-missing")
    config = read_descriptor(members["config"], "config")
    layers = _descriptors(members.get("layers"), "layers", MOST_LAYERS)
    return ImageManifest(
        raw, digest, media_type, config, layers, subject_descriptor, artifact_type, annotations
    )


def read_descriptor(value: object, where: str) -> Descriptor:
    """A decoded descriptor -> Descriptor (OCI image-spec, descriptor.md). Raises MalformedError."""
    if not isinstance(value, dict):
        raise MalformedError(f"{where} is not a descriptor", reason_code="descriptor-malformed")
    check_spelling(value, _DESCRIPTOR_KEYS)
    media_type = _text(value, "mediaType", where)
    if not media_type:
        raise MalformedError(f"{where} has no mediaType", reason_code="descriptor-media-type-missing")
    written = _text(value, "digest", where)
    if written is None:
        raise MalformedError(f"{where} has no digest", reason_code="descriptor-digest-missing")
    urls = value.get("urls")
    if urls is not None and not (isinstance(urls, list) and all(isinstance(url, str) for url in urls)):
        raise MalformedError(f"{where}.urls is not a list of strings", reason_code="descriptor-malformed")
    return Descriptor(
        media_type=media_type,
        digest=Digest.parse(written),
        size=_size(value.get("size"), where),
        artifact_type=_text(value, "artifactType", where),
        annotations=_texts(value.get("annotations"), f"{where}.annotations"),
        platform=_platform(value.get("platform"), where),
        urls=tuple(urls or ()),
    )


def check_depth(root: Manifest, opened: Mapping[Digest, Manifest], *, limit: int = DEEPEST_INDEX) -> None:
    """Refuses an index nested deeper than ``limit`` in a resolved tree; ``opened`` holds what was fetched.

    Raises MalformedError ``index-too-deep``.
    """
    level: dict[Digest, Manifest] = {root.digest: root}
    for _ in range(limit):
        level = {
            child.digest: opened[child.digest]
            for manifest in level.values()
            if isinstance(manifest, ImageIndex)
            for child in manifest.manifests
            if child.digest in opened
        }
    if any(isinstance(manifest, ImageIndex) for manifest in level.values()):
        raise MalformedError(f"indexes are nested deeper than {limit}", reason_code="index-too-deep")


def _media_type(members: Mapping[str, object], content_type: str | None) -> str:
    written = _text(members, "mediaType", "manifest")
    header = content_type.partition(";")[0].strip().lower() if content_type is not None else None
    if written is not None and header is not None and written != header:
        raise MalformedError(
            f"served as {header[:100]!r}, but its mediaType is {written[:100]!r}",
            reason_code="manifest-media-type-mismatch",
        )
    # A missing mediaType is legal in OCI manifests only; stored bytes without it tell by their shape.
    shape = OCI_INDEX if "manifests" in members else OCI_MANIFEST
    media_type = written or header or shape
    if media_type not in MANIFEST_TYPES:
        raise MalformedError(
            f"{media_type[:100]!r} is no manifest type we read", reason_code="manifest-media-type-unsupported"
        )
    if written is None and media_type in (DOCKER_MANIFEST, DOCKER_LIST):
        raise MalformedError("a Docker manifest without mediaType", reason_code="manifest-media-type-missing")
    return media_type


def _refuse_mixes(members: Mapping[str, object], *, index: bool) -> None:
    """Go and others would read the half they look for (GHSA-77vh-xpmg-72qh)."""
    foreign = ("config", "layers", "fsLayers", "blobs") if index else ("manifests", "fsLayers", "blobs")
    for key in foreign:
        if key in members:
            kind = "index" if index else "image manifest"
            raise MalformedError(f"an {kind} that also has {key!r}", reason_code="manifest-mixed")


def _descriptors(value: object, where: str, most: int) -> tuple[Descriptor, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise MalformedError(f"{where} is not a list", reason_code="manifest-malformed")
    if len(value) > most:
        raise MalformedError(
            f"{len(value)} {where}, at most {most} are read", reason_code=f"manifest-too-many-{where}"
        )
    return tuple(read_descriptor(item, f"{where}[{position}]") for position, item in enumerate(value))


def _size(value: object, where: str) -> int:
    if type(value) is not int:
        raise MalformedError(f"{where}.size is not a whole number", reason_code="descriptor-size-malformed")
    if not 0 <= value <= _LARGEST_SIZE:
        raise MalformedError(
            f"{where}.size is negative or beyond 63 bits", reason_code="descriptor-size-malformed"
        )
    return value


def _text(members: Mapping[str, object], key: str, where: str) -> str | None:
    value = members.get(key)
    if value is None or isinstance(value, str):
        return value
    raise MalformedError(f"{where}.{key} is not a string", reason_code="manifest-malformed")


def _texts(value: object, where: str) -> Mapping[str, str]:
    if value is None:
        return {}
    if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
        return value
    raise MalformedError(f"{where} is not a map of strings", reason_code="manifest-malformed")


def _platform(value: object, where: str) -> Platform | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise MalformedError(f"{where}.platform is not an object", reason_code="manifest-malformed")
    check_spelling(value, _PLATFORM_KEYS)
    os, architecture, variant = (_text(value, key, f"{where}.platform") for key in _PLATFORM_KEYS)
    if not os and not architecture:
        return None
    return Platform(os or "", architecture or "", variant or None)
