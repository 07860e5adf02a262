"""What the workflow asks of a registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Unavailable
from gatekeeper.core.manifest import Descriptor, Manifest
from gatekeeper.ports.scanners import PullAccess


class Offered(StrEnum):
    """What is known about a capability. Never guessed by host name, never found out by writing."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a registry has shown it can do so far."""

    referrers: Offered = Offered.UNKNOWN
    catalog: Offered = Offered.UNKNOWN
    tag_delete: Offered = Offered.UNKNOWN
    digest_delete: Offered = Offered.UNKNOWN
    conditional_head: Offered = Offered.UNKNOWN
    mount: Offered = Offered.UNKNOWN


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a tag points at now. ``unchanged`` is true when the registry answered 304 to the known digest."""

    digest: Digest
    media_type: str | None
    unchanged: bool


@dataclass(frozen=True, slots=True)
class FoundReferrer:
    """A manifest that hangs on a subject, and every place that named it.

    ``tag`` is set for those named by a tag scheme (cosign ``.sig .att .sbom``); ``descriptor`` is as listed, so its
    artifactType and annotations are not to be believed before the manifest was opened.
    """

    descriptor: Descriptor
    found_at: tuple[str, ...]
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Referrers:
    """Union of referrers API, fallback tag and cosign tags. ``gap``: what could not be asked beside them."""

    items: tuple[FoundReferrer, ...]
    gap: Unavailable | None = None


@dataclass(frozen=True, slots=True)
class Copied:
    """A copied closure: every manifest, children first, that is now readable at the target."""

    root: Digest
    manifests: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What a tag shall show instead."""

    raw: bytes
    media_type: str


class Registry(Protocol):
    """One registry host with one credential. Thread-safe. Repositories are given by their path."""

    @property
    def host(self) -> str:
        """Canonical ``host[:port]`` as in ``Repository.registry``."""
        ...

    def capabilities(self) -> Capabilities:
        """What has been learned so far; asks the registry only what reading can tell (ping, referrers)."""
        ...

    def ping(self) -> datetime | None:
        """GET /v2/; what time it is there, by the answer's ``Date``. Raises UnavailableError."""
        ...

    def repositories(self) -> Iterator[str]:
        """Paths from the catalog. Raises NotOfferedError when it is not offered (401, 403, 404, 405)."""
        ...

    def tags(self, path: str) -> tuple[str, ...]:
        """Every tag, sorted. NotFoundError when the registry says there is no such repository."""
        ...

    def resolve(self, path: str, tag: str, *, known: Digest | None = None) -> Resolved:
        """One HEAD. With ``known`` it is conditional (If-None-Match)."""
        ...

    def manifest(self, path: str, digest: Digest) -> Manifest:
        """By digest, checked and parsed. MalformedError when the bytes break the specification."""
        ...

    def manifest_at(self, path: str, tag: str) -> Manifest:
        """By tag, for what is named only by a tag (cosign tags, fallback index, our tombstone)."""
        ...

    def blob(self, path: str, descriptor: Descriptor, *, cap: int) -> bytes:
        """Whole blob, digest and size checked. UnavailableError(OVER_CAP) when ``descriptor.size`` > ``cap``."""
        ...

    def open_blob(self, path: str, descriptor: Descriptor) -> AbstractContextManager[Iterator[bytes]]:
        """A blob in pieces, never whole in memory; after the last piece an error when digest or size are wrong."""
        ...

    def referrers(self, path: str, subject: Digest, *, tags: frozenset[str] | None = None) -> Referrers:
        """Everything that hangs on ``subject``. ``tags``: the repository's tag list when it is known already."""
        ...

    def pull_access(self, path: str) -> PullAccess:
        """How a scanner of ours may pull from one repository: a fresh short-lived token, never our login."""
        ...

    def put_manifest(self, path: str, raw: bytes, media_type: str, *, tag: str | None) -> Digest:
        """Raw bytes, unchanged, by tag or by digest; returns the digest that the registry confirmed."""
        ...

    def put_blob(self, path: str, content: bytes) -> Descriptor:
        """Uploads when absent. The descriptor's media type is application/octet-stream."""
        ...

    def attach(self, path: str, manifest: Manifest) -> None:
        """Puts a manifest that has a subject; maintains the fallback index where the registry does not."""
        ...

    def detach(self, path: str, subject: Digest, digest: Digest) -> None:
        """Takes a referrer out of the fallback index and deletes it. NotOfferedError where manifests stay."""
        ...

    def rewrite(
        self, path: str, tag: str, change: Callable[[Manifest | None], Rewrite | None]
    ) -> Manifest | None:
        """Changes a manifest that others write too, until ``change`` finds nothing left to do; what the tag shows then.

        ``change`` is given what the tag shows (None: no such tag), as often as somebody else was faster, and puts the
        blobs that its answer needs. ConflictError when it never lasted.
        """
        ...

    def copy_closure(
        self,
        path: str,
        root: Digest,
        target: Registry,
        target_path: str,
        *,
        before_write: Callable[[], None] = lambda: None,
    ) -> Copied:
        """Children, root, referrers and theirs, each read back at the target by digest.

        ``before_write`` is called before each blob and manifest is written; what it raises ends the copy.
        """
        ...

    def closure(self, path: str, root: Digest) -> tuple[Manifest, ...]:
        """The same closure, read only: children first, then root, then referrers."""
        ...

    def delete_tag(self, path: str, tag: str) -> None:
        """DELETE by tag. NotOfferedError where the registry cannot; nothing else is tried."""
        ...

    def delete_manifest(self, path: str, digest: Digest) -> None:
        """DELETE by digest: every tag on it goes. NotOfferedError where the registry cannot."""
        ...


class Registries(Protocol):
    """The configured registries."""

    def get(self, host: str) -> Registry:
        """Raises ConfigurationError for a host that is not configured (and none may be contacted unconfigured)."""
        ...

    def hosts(self) -> tuple[str, ...]:
        """Every configured host."""
        ...
