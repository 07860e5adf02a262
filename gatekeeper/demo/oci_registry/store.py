"""The content of the registry. Every method is one atomic step, so a test may play a racing pusher at any moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import TypedDict

from gatekeeper.core.digest import Digest
from gatekeeper.demo.oci_registry import manifests
from gatekeeper.demo.oci_registry.manifests import StoredManifest
from gatekeeper.demo.oci_registry.shelf import DirectoryShelf, MemoryShelf, Shelf


class ManifestDump(TypedDict):
    """One manifest in a dump."""

    mediaType: str
    size: int
    content: str
    """sha256 of the stored bytes: differs from the digest only where a test stored a lie."""


class RepositoryDump(TypedDict):
    """One repository in a dump."""

    tags: dict[str, str]
    manifests: dict[str, ManifestDump]
    blobs: dict[str, int]


Dump = dict[str, RepositoryDump]


@dataclass(slots=True)
class _Repository:
    tags: dict[str, str] = field(default_factory=dict)
    manifests: dict[str, StoredManifest] = field(default_factory=dict)
    blobs: dict[str, int] = field(default_factory=dict)
    referrers: dict[str, dict[str, None]] = field(default_factory=dict)


class Store:
    """Repositories, tags, manifests and blobs. Thread-safe. With a directory, everything is written through to it."""

    def __init__(self, directory: Path | None = None, *, forgets_untagged: bool = False) -> None:
        self._shelf: Shelf = MemoryShelf() if directory is None else DirectoryShelf(directory)
        self._forgets_untagged = forgets_untagged
        self._lock = RLock()
        self._repositories: dict[str, _Repository] = {}
        for name, kind, key, text in self._shelf.records():
            repository = self._repositories.setdefault(name, _Repository())
            if kind == "tags":
                repository.tags[key] = text
            elif kind == "blobs":
                repository.blobs[key] = int(text)
            else:
                self._remember(repository, manifests.read(self._shelf.content(key) or b"", text, key))

    # reading

    def repositories(self) -> list[str]:
        """Every repository ever written to, emptied ones included, in order of creation."""
        with self._lock:
            return list(self._repositories)

    def exists(self, repository: str) -> bool:
        """True when anything was ever written to it."""
        return repository in self._repositories

    def tags(self, repository: str) -> dict[str, str]:
        """Tag -> digest, in order of creation; empty for an unknown repository."""
        with self._lock:
            found = self._repositories.get(repository)
            return dict(found.tags) if found else {}

    def tag(self, repository: str, tag: str) -> str | None:
        """The digest a tag points at."""
        found = self._repositories.get(repository)
        return found.tags.get(tag) if found else None

    def manifest(self, repository: str, reference: str) -> StoredManifest | None:
        """By tag or by digest."""
        with self._lock:
            found = self._repositories.get(repository)
            if found is None:
                return None
            digest = reference if ":" in reference else found.tags.get(reference, "")
            return found.manifests.get(digest)

    def blob_size(self, repository: str, digest: str) -> int | None:
        """Bytes of a blob, or None when the repository does not have it."""
        found = self._repositories.get(repository)
        return found.blobs.get(digest) if found else None

    def blob(self, repository: str, digest: str) -> bytes | None:
        """The content of a blob, or None when the repository does not have it."""
        with self._lock:
            return self._shelf.content(digest) if self.blob_size(repository, digest) is not None else None

    def referrers(self, repository: str, subject: str) -> list[StoredManifest]:
        """The manifests whose subject is this digest, in order of arrival."""
        with self._lock:
            found = self._repositories.get(repository)
            if found is None:
                return []
            return [found.manifests[digest] for digest in found.referrers.get(subject, ())]

    def dump(self) -> Dump:
        """Everything there is, comparable with ``==``: repository -> tags, manifests, blobs (all sorted)."""
        with self._lock:
            return {
                name: {
                    "tags": dict(sorted(found.tags.items())),
                    "manifests": {
                        digest: {
                            "mediaType": manifest.media_type,
                            "size": len(manifest.raw),
                            "content": str(Digest.of(manifest.raw)),
                        }
                        for digest, manifest in sorted(found.manifests.items())
                    },
                    "blobs": dict(sorted(found.blobs.items())),
                }
                for name, found in sorted(self._repositories.items())
            }

    # writing; nothing is checked here, so that tests may store lies

    def put_blob(self, repository: str, content: bytes, digest: str | None = None) -> str:
        """Store a blob and give its digest. A given digest is taken as it is, true or not."""
        digest = digest or str(Digest.of(content))
        with self._lock:
            self._shelf.save_content(digest, content)
            self._link_blob(repository, digest, len(content))
        return digest

    def mount_blob(self, source: str | None, repository: str, digest: str) -> bool:
        """Make a blob of ``source`` (None: of any repository) one of ``repository`` too; False when it is not there."""
        with self._lock:
            sources = list(self._repositories) if source is None else [source]
            for name in sources:
                size = self.blob_size(name, digest)
                if size is not None:
                    self._link_blob(repository, digest, size)
                    return True
        return False

    def put_manifest(
        self,
        repository: str,
        raw: bytes,
        media_type: str,
        *,
        tags: Iterable[str] = (),
        digest: str | None = None,
    ) -> StoredManifest:
        """Store a manifest and point tags at it. A given digest is taken as it is, true or not."""
        manifest = manifests.read(raw, media_type, digest or str(Digest.of(raw)))
        with self._lock:
            found = self._open(repository)
            self._shelf.save_content(manifest.digest, raw)
            self._shelf.save_record(repository, "manifests", manifest.digest, media_type)
            self._remember(found, manifest)
            for tag in tags:
                self.set_tag(repository, tag, manifest.digest)
        return manifest

    def set_tag(self, repository: str, tag: str, digest: str) -> None:
        """Point a tag at a digest, present or not: the racing pusher's move."""
        with self._lock:
            found = self._open(repository)
            before = found.tags.get(tag)
            self._shelf.save_record(repository, "tags", tag, digest)
            found.tags[tag] = digest
            if before is not None and before != digest:
                self._untagged(repository, before)

    def delete_tag(self, repository: str, tag: str) -> bool:
        """Remove one tag; False when it was not there."""
        with self._lock:
            found = self._repositories.get(repository)
            if found is None or tag not in found.tags:
                return False
            self._shelf.drop_record(repository, "tags", tag)
            digest = found.tags.pop(tag)
            self._untagged(repository, digest)
            return True

    def delete_manifest(self, repository: str, digest: str) -> bool:
        """Remove a manifest and every tag that points at it; False when it was not there."""
        with self._lock:
            found = self._repositories.get(repository)
            if found is None or digest not in found.manifests:
                return False
            for tag in [tag for tag, target in found.tags.items() if target == digest]:
                self._shelf.drop_record(repository, "tags", tag)
                del found.tags[tag]
            self._forget(repository, found, digest)
            return True

    def delete_blob(self, repository: str, digest: str) -> bool:
        """Remove a blob from one repository; False when it was not there."""
        with self._lock:
            found = self._repositories.get(repository)
            if found is None or digest not in found.blobs:
                return False
            del found.blobs[digest]
            self._shelf.drop_record(repository, "blobs", digest)
            self._drop_unlinked(digest)
            return True

    def collect_untagged(self, repository: str, *, spare_children: bool = False) -> list[str]:
        """A registry's garbage collection: remove every manifest without a tag, and give their digests.

        docker-registry 2.8.2 removes the children of tagged indexes and all referrers too, as measured;
        ``spare_children`` keeps what a tagged index lists.
        """
        with self._lock:
            found = self._repositories.get(repository)
            if found is None:
                return []
            kept = set(found.tags.values())
            waiting = list(kept) if spare_children else []
            while waiting:
                manifest = found.manifests.get(waiting.pop())
                fresh = set(manifest.children) - kept if manifest else set()
                kept |= fresh
                waiting.extend(fresh)
            gone = [digest for digest in found.manifests if digest not in kept]
            for digest in gone:
                self._forget(repository, found, digest)
            return gone

    # under the lock

    def _open(self, name: str) -> _Repository:
        return self._repositories.setdefault(name, _Repository())

    def _link_blob(self, repository: str, digest: str, size: int) -> None:
        self._shelf.save_record(repository, "blobs", digest, str(size))
        self._open(repository).blobs[digest] = size

    @staticmethod
    def _remember(repository: _Repository, manifest: StoredManifest) -> None:
        repository.manifests[manifest.digest] = manifest
        if manifest.subject is not None:
            repository.referrers.setdefault(manifest.subject, {})[manifest.digest] = None

    def _forget(self, name: str, repository: _Repository, digest: str) -> None:
        manifest = repository.manifests.pop(digest)
        self._shelf.drop_record(name, "manifests", digest)
        if manifest.subject is not None:
            repository.referrers.get(manifest.subject, {}).pop(digest, None)
        self._drop_unlinked(digest)

    def _drop_unlinked(self, digest: str) -> None:
        used = any(
            digest in found.blobs or digest in found.manifests for found in self._repositories.values()
        )
        if not used:
            self._shelf.drop_content(digest)

    def _untagged(self, name: str, digest: str) -> None:
        repository = self._repositories[name]
        if not self._forgets_untagged:
            return
        waiting = [digest]
        while waiting:
            candidate = waiting.pop()
            manifest = repository.manifests.get(candidate)
            if manifest is None or candidate in repository.tags.values():
                continue
            if any(candidate in other.children for other in repository.manifests.values()):
                continue
            waiting.extend([*manifest.children, *repository.referrers.get(candidate, ())])
            self._forget(name, repository, candidate)
