"""Sample images, indexes and referrers as bytes: the same arguments give the same digests on every machine.

::

    app = image({"etc/motd": "hello"}, user="1000", labels={"team": "blue"})
    both = index([image({"a": "1"}), image({"a": "1"}, platform="linux/arm64")])
    sbom = referrer(app, "application/spdx+json", b"{...}")
    app.store_in(registry.store, "team/app", "1.0")          # in process
    push(registry.url, "team/app", both, tags=["latest"])    # over HTTP: gatekeeper.demo.registry_push
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

from gatekeeper.demo.oci_registry.manifests import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST

if TYPE_CHECKING:
    from gatekeeper.demo.oci_registry.store import Store

CREATED = datetime(2026, 11, 1, tzinfo=UTC)
"""When the sample images were built, unless told otherwise."""

_OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
_OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_IN_TOTO = "application/vnd.in-toto+json"

Files = Mapping[str, str | bytes]
"""path in the image -> content"""


class Flavour(Enum):
    """Whose media types are used."""

    OCI = "oci"
    DOCKER = "docker"


@dataclass(frozen=True, slots=True)
class Piece:
    """A blob and how a manifest speaks of it."""

    content: bytes
    media_type: str = "application/octet-stream"
    annotations: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)
    """Further members of the descriptor: ``urls``, ``data``, or a lie about ``size``."""

    @property
    def digest(self) -> str:
        return _digest(self.content)

    def descriptor(self) -> dict[str, object]:
        """Its descriptor (image-spec, descriptor.md)."""
        document: dict[str, object] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": len(self.content),
        }
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        return document | dict(self.extra)


EMPTY = Piece(b"{}", "application/vnd.oci.empty.v1+json")
"""The empty descriptor's blob (image-spec, "Guidance for an Empty Descriptor")."""


@dataclass(frozen=True, slots=True)
class Built:
    """A manifest as bytes, with everything it needs in the repository before it."""

    raw: bytes
    media_type: str
    pieces: tuple[Piece, ...] = ()
    children: tuple[Built, ...] = ()
    platform: Mapping[str, str] | None = None
    """For an index that lists it."""
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """For a descriptor that speaks of it."""

    @property
    def digest(self) -> str:
        return _digest(self.raw)

    @property
    def document(self) -> dict[str, object]:
        """The parsed manifest, a fresh copy."""
        parsed: dict[str, object] = json.loads(self.raw)
        return parsed

    def descriptor(self) -> dict[str, object]:
        """Its descriptor in a subject, an index or a referrers list."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.raw)}

    def store_in(self, store: Store, repository: str, *tags: str) -> str:
        """Put it with its pieces and children straight into a registry's store; gives the digest."""
        for piece in self.pieces:
            store.put_blob(repository, piece.content)
        for child in self.children:
            child.store_in(store, repository)
        return store.put_manifest(repository, self.raw, self.media_type, tags=tags).digest


def layer(files: Files, *, flavour: Flavour = Flavour.OCI) -> Piece:
    """A gzip layer with these files, owned by root, dated 1970."""
    return _layer(files, flavour)[0]


def image(
    files: Files | Sequence[Files],
    *,
    user: str | None = "1000",
    labels: Mapping[str, str] | None = None,
    created: datetime | str | None = CREATED,
    platform: str = "linux/amd64",
    flavour: Flavour = Flavour.OCI,
    run: Mapping[str, object] | None = None,
    config: Mapping[str, object] | None = None,
    annotations: Mapping[str, str] | None = None,
    subject: Built | None = None,
) -> Built:
    """An image; several mappings give several layers. ``platform``: ``os/architecture`` or ``os/architecture/variant``.

    ``created`` may be any text, or None to leave it out. ``run`` adds to the run configuration (``Env``,
    ``Entrypoint``, ``ExposedPorts``, …), ``config`` to the whole configuration (``history``, …); both win.
    """
    parts = [_layer(one, flavour) for one in ([files] if isinstance(files, Mapping) else files)]
    settings: dict[str, object] = {} if user is None else {"User": user}
    settings |= {"Labels": dict(labels)} if labels else {}
    names = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
    document: dict[str, object] = dict(names)
    if created is not None:
        moment = created.astimezone(UTC) if isinstance(created, datetime) else created
        document["created"] = moment if isinstance(moment, str) else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    document["config"] = settings | dict(run or {})
    document["rootfs"] = {"type": "layers", "diff_ids": [diff_id for _, diff_id in parts]}
    document |= dict(config or {})
    docker = flavour is Flavour.DOCKER
    built = artifact(
        [piece for piece, _ in parts],
        config=Piece(_json(document), _DOCKER_CONFIG if docker else _OCI_CONFIG),
        media_type=DOCKER_MANIFEST if docker else OCI_MANIFEST,
        annotations=annotations,
        subject=subject,
    )
    return replace(built, platform=names)


def artifact(
    layers: Iterable[Piece],
    *,
    config: Piece = EMPTY,
    media_type: str = OCI_MANIFEST,
    artifact_type: str = "",
    annotations: Mapping[str, str] | None = None,
    subject: Built | Mapping[str, object] | None = None,
    extra: Mapping[str, object] | None = None,
) -> Built:
    """Any image manifest: chart, signature, SBOM. ``extra`` members win, so a test may write nonsense."""
    pieces = tuple(layers)
    document: dict[str, object] = {"schemaVersion": 2, "mediaType": media_type}
    document |= {"artifactType": artifact_type} if artifact_type else {}
    document["config"] = config.descriptor()
    document["layers"] = [piece.descriptor() for piece in pieces]
    document |= _tail(subject, annotations) | dict(extra or {})
    needed = tuple(piece for piece in (config, *pieces) if "urls" not in piece.extra)
    listed = artifact_type or config.media_type
    return Built(
        _json(document), media_type, needed, artifact_type=listed, annotations=dict(annotations or {})
    )


def referrer(
    subject: Built,
    artifact_type: str,
    content: bytes,
    *,
    media_type: str | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Built:
    """An artifact of one layer that hangs on ``subject``; the layer's media type is the artifact type by default."""
    piece = Piece(content, media_type or artifact_type)
    return artifact([piece], artifact_type=artifact_type, annotations=annotations, subject=subject)


def index(
    children: Iterable[Built],
    *,
    flavour: Flavour = Flavour.OCI,
    artifact_type: str = "",
    annotations: Mapping[str, str] | None = None,
    subject: Built | None = None,
    extra: Mapping[str, object] | None = None,
) -> Built:
    """An index (or docker manifest list) of these children, each with its platform."""
    listed = tuple(children)
    media_type = DOCKER_LIST if flavour is Flavour.DOCKER else OCI_INDEX
    document: dict[str, object] = {"schemaVersion": 2, "mediaType": media_type}
    document |= {"artifactType": artifact_type} if artifact_type else {}
    document["manifests"] = [_entry(child) for child in listed]
    document |= _tail(subject, annotations) | dict(extra or {})
    return Built(
        _json(document),
        media_type,
        children=listed,
        artifact_type=artifact_type,
        annotations=dict(annotations or {}),
    )


def buildkit_index(images: Iterable[Built], statements: Mapping[str, Sequence[bytes]]) -> Built:
    """An index as BuildKit writes it: each image, then its attestation manifest (platform unknown/unknown).

    ``statements``: image digest -> in-toto statements, whose ``predicateType`` goes to the layer's annotation.
    """
    listed = list(images)
    for child in tuple(listed):
        layers = [
            Piece(raw, _IN_TOTO, {"in-toto.io/predicate-type": str(json.loads(raw)["predicateType"])})
            for raw in statements.get(child.digest, ())
        ]
        if layers:
            diff_ids = [piece.digest for piece in layers]
            config: dict[str, object] = {"architecture": "unknown", "os": "unknown", "config": {}}
            config["rootfs"] = {"type": "layers", "diff_ids": diff_ids}
            marks = {
                "vnd.docker.reference.digest": child.digest,
                "vnd.docker.reference.type": "attestation-manifest",
            }
            built = artifact(layers, config=Piece(_json(config), _OCI_CONFIG))
            platform = {"architecture": "unknown", "os": "unknown"}
            listed.append(replace(built, platform=platform, annotations=marks))
    return index(listed)


def fallback_index(referrers: Iterable[Built]) -> tuple[Built, str]:
    """The referrers tag schema's index, and its tag (distribution-spec, "Referrers Tag Schema")."""
    listed = tuple(referrers)
    entries = []
    for one in listed:
        entry = one.descriptor()
        entry |= {"artifactType": one.artifact_type} if one.artifact_type else {}
        entry |= {"annotations": dict(one.annotations)} if one.annotations else {}
        entries.append(entry)
    subject = listed[0].document["subject"]
    assert isinstance(subject, dict)
    algorithm, _, encoded = str(subject["digest"]).partition(":")
    return index((), extra={"manifests": entries}), f"{algorithm[:32]}-{encoded[:64]}"


def tar(files: Files) -> bytes:
    """A tar of these files, in the given order, owned by root, dated 1970."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            raw = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return buffer.getvalue()


def stored_gzip(content: bytes) -> bytes:
    """Gzip without compression: the only one that every zlib writes alike, so that digests are the same everywhere."""
    blocks = [content[start : start + 65_535] for start in range(0, len(content), 65_535)] or [b""]
    stream = bytearray(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
    for number, block in enumerate(blocks, 1):
        size = len(block)
        stream += struct.pack("<BHH", number == len(blocks), size, size ^ 0xFFFF) + block
    return bytes(stream) + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def _layer(files: Files, flavour: Flavour) -> tuple[Piece, str]:
    raw = tar(files)
    media_type = _DOCKER_LAYER if flavour is Flavour.DOCKER else _OCI_LAYER
    return Piece(stored_gzip(raw), media_type), _digest(raw)


def _entry(child: Built) -> dict[str, object]:
    entry = child.descriptor()
    entry |= {"platform": dict(child.platform)} if child.platform else {}
    return entry | ({"annotations": dict(child.annotations)} if child.annotations else {})


def _tail(
    subject: Built | Mapping[str, object] | None, annotations: Mapping[str, str] | None
) -> dict[str, object]:
    tail: dict[str, object] = {}
    if subject is not None:
        tail["subject"] = subject.descriptor() if isinstance(subject, Built) else dict(subject)
    if annotations:
        tail["annotations"] = dict(annotations)
    return tail


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
