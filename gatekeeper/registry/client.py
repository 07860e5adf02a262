"""``OciRegistry``: the registry port, over oras."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from threading import Lock

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import NotFoundError, NotOfferedError
from gatekeeper.core.manifest import Descriptor, Manifest
from gatekeeper.ports import Capabilities, Copied, Offered, Referrers, Registry, Resolved, Rewrite
from gatekeeper.ports.scanners import PullAccess
from gatekeeper.registry import blobs, lists, manifests
from gatekeeper.registry.answers import http_date, protocol_error
from gatekeeper.registry.asking import Asking, Terms, checked_path, checked_tag, expect
from gatekeeper.registry.attach import attach, detach
from gatekeeper.registry.capability import Learned
from gatekeeper.registry.closure import Member, Walk
from gatekeeper.registry.copying import copy_members
from gatekeeper.registry.pacing import RateLimit
from gatekeeper.registry.referrers import find_referrers, related_tags
from gatekeeper.registry.rewriting import rewrite
from gatekeeper.registry.scope import reading
from gatekeeper.registry.settings import RegistrySettings

_HANDED_OVER = 64


class OciRegistry(Asking):
    """One registry host with one credential: ``ports.Registry``. Thread-safe."""

    def __init__(
        self,
        settings: RegistrySettings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Opens no connection. Raises ConfigurationError when a certificate file cannot be used."""
        super().__init__(settings, monotonic=monotonic, sleep=sleep)
        self._learned = Learned(monotonic)
        self._opened: dict[tuple[str, Digest], Manifest] = {}
        self._opened_lock = Lock()
        self._seen_subject: tuple[str, Digest] | None = None
        self._pinged = False

    # --- what it is ---------------------------------------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        """What has been learned; pings, and asks for the referrers of a manifest seen before. UnavailableError."""
        if not self._pinged:
            self.ping()
        seen = self._seen_subject
        if seen is not None and self._learned.known.referrers is Offered.UNKNOWN:
            self.referrers(*seen, tags=frozenset())
        return self._learned.known

    def rate_limit(self) -> RateLimit | None:
        """What the registry last said of its rate limit."""
        return self.pacer.rate_limit

    def ping(self) -> datetime | None:
        """GET /v2/; what time it is there, by the answer's ``Date``. Raises UnavailableError."""
        answer = self.ask("GET", "/v2/", terms=Terms(scope=()))
        what = f"ping of {self.host}"
        try:
            expect(answer, what, 200)
        except NotFoundError as error:
            raise protocol_error(what, "there is no registry API at /v2/") from error
        self._pinged = True
        return http_date(answer.headers.get("Date"))

    # --- lists --------------------------------------------------------------------------------------------------

    def repositories(self) -> Iterator[str]:
        """Paths from the catalog. Raises NotOfferedError, UnavailableError."""
        try:
            for path in lists.list_repositories(self):
                self._learned.note(catalog=True)
                yield path
        except NotOfferedError:
            self._learned.note(catalog=False)
            raise

    def tags(self, path: str) -> tuple[str, ...]:
        """Every tag, sorted. Raises NotFoundError, UnavailableError."""
        return lists.list_tags(self, path)

    # --- manifests ----------------------------------------------------------------------------------------------

    def resolve(self, path: str, tag: str, *, known: Digest | None = None) -> Resolved:
        """One HEAD. Raises NotFoundError, UnavailableError."""
        found = manifests.head(self, path, tag, known)
        if found.conditional is not None and known is not None:
            self._learned.note(conditional_head=found.conditional)
        self._seen_subject = (path, found.digest)
        return Resolved(found.digest, found.media_type, found.unchanged)

    def manifest(self, path: str, digest: Digest) -> Manifest:
        """By digest. Raises NotFoundError, UnavailableError, MalformedError."""
        with self._opened_lock:
            opened = self._opened.pop((path, digest), None)
        return opened if opened is not None else manifests.manifest(self, path, digest)

    def manifest_at(self, path: str, tag: str) -> Manifest:
        """By tag. Raises NotFoundError, UnavailableError, MalformedError."""
        return manifests.manifest_at(self, path, tag)

    def pull_access(self, path: str) -> PullAccess:
        """The token is drawn for this alone; without a token service there is none, and pulling is anonymous."""
        return PullAccess(self.base, self.auth.pull_token(reading(checked_path(path))))

    def put_manifest(self, path: str, raw: bytes, media_type: str, *, tag: str | None) -> Digest:
        """Raw bytes, unchanged. Raises UnavailableError."""
        digest = Digest.of(raw)
        reference = checked_tag(tag) if tag is not None else str(digest)
        self._forget(path, digest)
        manifests.put(self, path, raw, media_type, reference, digest=digest)
        return digest

    def delete_tag(self, path: str, tag: str) -> None:
        """DELETE by tag. Raises NotOfferedError, NotFoundError, UnavailableError."""
        try:
            manifests.delete_tag(self, path, tag)
        except NotOfferedError:
            self._learned.note(tag_delete=False)
            raise
        self._learned.note(tag_delete=True)

    def delete_manifest(self, path: str, digest: Digest) -> None:
        """DELETE by digest. Raises NotOfferedError, NotFoundError, UnavailableError."""
        self._forget(path, digest)
        try:
            manifests.delete_manifest(self, path, digest)
        except NotOfferedError:
            self._learned.note(digest_delete=False)
            raise
        self._learned.note(digest_delete=True)

    # --- blobs --------------------------------------------------------------------------------------------------

    def blob(self, path: str, descriptor: Descriptor, *, cap: int) -> bytes:
        """Whole blob. Raises UnavailableError, NotFoundError."""
        return blobs.blob(self, path, descriptor, cap)

    def open_blob(self, path: str, descriptor: Descriptor) -> AbstractContextManager[Iterator[bytes]]:
        """Its pieces. Raises UnavailableError, NotFoundError when it is entered or read."""
        return blobs.reading_blob(self, path, descriptor)

    def put_blob(self, path: str, content: bytes) -> Descriptor:
        """Uploads when absent. Raises UnavailableError."""
        return blobs.put_blob(self, path, content)

    def receive_manifest(self, path: str, manifest: Manifest) -> None:
        """Puts a manifest at exactly the digest it was read by. Raises UnavailableError."""
        self._forget(path, manifest.digest)
        manifests.put(
            self, path, manifest.raw, manifest.media_type, str(manifest.digest), digest=manifest.digest
        )

    def has_blob(self, path: str, digest: Digest) -> bool:
        """One HEAD. Raises UnavailableError."""
        return blobs.has_blob(self, path, digest)

    def receive_blob(self, path: str, descriptor: Descriptor, pieces: Iterable[bytes]) -> None:
        """Uploads a blob while it is being read elsewhere. Raises UnavailableError."""
        blobs.upload(self, path, descriptor, pieces)

    # --- referrers and closures -----------------------------------------------------------------------------------

    def referrers(self, path: str, subject: Digest, *, tags: frozenset[str] | None = None) -> Referrers:
        """Everything that hangs on ``subject``. Raises UnavailableError when not even the tags can be listed."""
        known = tags if tags is not None else self._related_tags(path)
        return find_referrers(
            self, path, subject, learned=self._learned, tags=known, manifest_at=self._opened_at
        )

    def attach(self, path: str, manifest: Manifest) -> None:
        """Raises UnavailableError, ConflictError, MalformedError."""
        self._forget(path, manifest.digest)
        attach(self, path, manifest, learned=self._learned)

    def detach(self, path: str, subject: Digest, digest: Digest) -> None:
        """Raises NotOfferedError, UnavailableError, ConflictError."""
        self._forget(path, digest)
        detach(self, path, subject, digest)

    def rewrite(
        self, path: str, tag: str, change: Callable[[Manifest | None], Rewrite | None]
    ) -> Manifest | None:
        """Raises UnavailableError, ConflictError, and what ``change`` raises."""
        return rewrite(self, path, tag, change)

    def closure(self, path: str, root: Digest) -> tuple[Manifest, ...]:
        """Children first, then root, then referrers. Raises UnavailableError, NotFoundError, MalformedError."""
        return tuple(member.manifest for member in self._members(path, root))

    def copy_closure(
        self,
        path: str,
        root: Digest,
        target: Registry,
        target_path: str,
        *,
        before_write: Callable[[], None] = lambda: None,
    ) -> Copied:
        """Raises UnavailableError, NotFoundError, ConflictError, MalformedError, and what ``before_write`` raises."""
        members = self._members(path, root)
        return copy_members(
            self,
            path,
            members,
            target,
            target_path,
            root=root,
            learned=self._learned,
            before_write=before_write,
        )

    def _members(self, path: str, root: Digest) -> tuple[Member, ...]:
        tags = self._related_tags(path)
        walk = Walk(
            lambda digest: self.manifest(path, digest),
            lambda digest: self.referrers(path, digest, tags=tags),
            self.settings.caps,
        )
        return walk.run(root)

    def _related_tags(self, path: str) -> frozenset[str] | None:
        # Distribution 2 knows no repository without a tag, although its manifests can be read.
        try:
            return related_tags(self.tags(path))
        except NotFoundError:
            return None

    # A manifest that was opened by its tag to learn its digest is about to be asked for by that digest: it is handed
    # over once instead of being fetched twice.

    def _opened_at(self, path: str, tag: str) -> Manifest:
        manifest = manifests.manifest_at(self, path, tag)
        with self._opened_lock:
            if len(self._opened) >= _HANDED_OVER:
                self._opened.pop(next(iter(self._opened)))
            self._opened[path, manifest.digest] = manifest
        return manifest

    def _forget(self, path: str, digest: Digest) -> None:
        with self._opened_lock:
            self._opened.pop((path, digest), None)
