"""Copy a closure: blobs mounted or streamed, manifests put as they are, everything read back at the target."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, NotFoundError, UnavailableError
from gatekeeper.core.manifest import Descriptor, ImageManifest, Manifest
from gatekeeper.ports import Copied, Registry
from gatekeeper.registry.asking import Asking
from gatekeeper.registry.blobs import mount, reading_blob, upload
from gatekeeper.registry.capability import Learned
from gatekeeper.registry.closure import Member

_WHOLE = 64 * 1024 * 1024
"""Bytes of a blob held in memory for a target that cannot take pieces."""


@runtime_checkable
class TakesPieces(Protocol):
    """A target that takes a blob while it is still being read, and a manifest at a digest of any algorithm."""

    def has_blob(self, path: str, digest: Digest) -> bool: ...
    def receive_manifest(self, path: str, manifest: Manifest) -> None: ...
    def receive_blob(self, path: str, descriptor: Descriptor, pieces: Iterable[bytes]) -> None: ...


def copy_members(
    asking: Asking,
    path: str,
    members: tuple[Member, ...],
    target: Registry,
    target_path: str,
    *,
    root: Digest,
    learned: Learned,
    before_write: Callable[[], None],
) -> Copied:
    """Raises UnavailableError, NotFoundError (the source lost something), ConflictError (fallback index)."""
    if target.host == asking.host and target_path == path:
        return Copied(root, tuple(member.manifest.digest for member in members))
    done: set[Digest] = set()
    for member in members:
        if isinstance(member.manifest, ImageManifest):
            for descriptor in (member.manifest.config, *member.manifest.layers):
                if descriptor.digest not in done:
                    before_write()
                    _copy_blob(asking, path, descriptor, target, target_path, learned)
                    done.add(descriptor.digest)
        _put_member(member, target, target_path, before_write)
    for member in members:
        _read_back(member, target, target_path)
    return Copied(root, tuple(member.manifest.digest for member in members))


def _put_member(member: Member, target: Registry, path: str, before_write: Callable[[], None]) -> None:
    manifest = member.manifest
    before_write()
    if member.tag is not None:
        target.put_manifest(path, manifest.raw, manifest.media_type, tag=member.tag)
    if manifest.subject is not None:
        before_write()
        target.attach(path, manifest)
    elif member.tag is None:
        _put_by_digest(member, target, path)


def _put_by_digest(member: Member, target: Registry, path: str) -> None:
    manifest = member.manifest
    if isinstance(target, TakesPieces):
        target.receive_manifest(path, manifest)
    else:
        target.put_manifest(path, manifest.raw, manifest.media_type, tag=None)


def _read_back(member: Member, target: Registry, path: str) -> None:
    try:
        read = target.manifest(path, member.manifest.digest)
    except NotFoundError as error:
        raise UnavailableError(
            f"{target.host}/{path}@{member.manifest.digest}: copied, and not there when read back",
            cause=Cause.PROTOCOL,
            reason_code="copy-not-readable",
        ) from error
    if read.raw != member.manifest.raw:
        raise UnavailableError(
            f"{target.host}/{path}@{member.manifest.digest}: the copy has other bytes", cause=Cause.PROTOCOL
        )


def _copy_blob(
    asking: Asking,
    path: str,
    descriptor: Descriptor,
    target: Registry,
    target_path: str,
    learned: Learned,
) -> None:
    if target.host == asking.host:
        session = mount(asking, target_path, path, descriptor.digest)
        learned.note(mount=session is None)
        if session is not None:
            _stream(
                asking,
                path,
                descriptor,
                lambda pieces: upload(asking, target_path, descriptor, pieces, session=session),
            )
        return
    if isinstance(target, TakesPieces):
        if not target.has_blob(target_path, descriptor.digest):
            _stream(
                asking, path, descriptor, lambda pieces: target.receive_blob(target_path, descriptor, pieces)
            )
        return
    if descriptor.size > _WHOLE:
        raise UnavailableError(
            f"{descriptor.digest}: {descriptor.size} bytes are too many for this target", cause=Cause.OVER_CAP
        )
    _stream(asking, path, descriptor, lambda pieces: target.put_blob(target_path, b"".join(pieces)))


def _stream(
    asking: Asking, path: str, descriptor: Descriptor, take: Callable[[Iterable[bytes]], object]
) -> None:
    with reading_blob(asking, path, descriptor) as pieces:
        take(pieces)
