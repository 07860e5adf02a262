"""What the workflow asks of the room that signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gatekeeper.core.digest import Digest
from gatekeeper.core.manifest import OCI_MANIFEST, Descriptor, ImageManifest
from gatekeeper.core.trust import PublicKey
from gatekeeper.ports.evidence import Judged, Statement, Wanted


@dataclass(frozen=True, slots=True)
class Attachment:
    """A manifest to put, with the blobs to put before it. ``tag``: where, when it is not found by its subject."""

    manifest: bytes
    blobs: tuple[bytes, ...]
    tag: str | None = None
    media_type: str = OCI_MANIFEST

    @property
    def digest(self) -> Digest:
        """The manifest's digest."""
        return Digest.of(self.manifest)


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """An in-toto statement, signed once, in both shapes that registries hold."""

    predicate_type: str
    bundle: bytes
    """Sigstore bundle v0.3 as JSON."""
    envelope: bytes
    """Its DSSE envelope alone: the layer of a ``.att`` manifest."""
    annotations: Mapping[str, str]
    """Of that layer."""


class AttestationSigner(Protocol):
    """Signs statements, knows its own again, and writes the manifests that carry them. No registry, no clock."""

    def sign(self, statement: bytes, predicate_type: str) -> SignedStatement:
        """ConfigurationError: key or token cannot be had. UnavailableError: Fulcio or Rekor cannot be asked."""
        ...

    def current(self) -> PublicKey | None:
        """The key in force; None when it cannot be read, or when signing keyless."""
        ...

    def public_keys(self) -> Sequence[PublicKey]:
        """The keys of our attestations, the one in force first, then the retired ones; none when signing keyless."""
        ...

    def ours(self, wanted: Wanted, content: bytes, *, subject: Judged) -> Statement | None:
        """The statement of a candidate that we signed, with this key or a retired one; None of anybody else's."""
        ...

    def referrer(self, signed: SignedStatement, subject: Descriptor, *, created: datetime) -> Attachment:
        """A manifest that carries the bundle and names the subject."""
        ...

    def appended(
        self, signed: SignedStatement, current: ImageManifest | None, config: bytes, *, subject: Digest
    ) -> Attachment:
        """The ``.att`` manifest with one layer more. ``config``: the blob of ``current``; empty without one."""
        ...

    def without(
        self, current: ImageManifest, config: bytes, positions: frozenset[int], *, subject: Digest
    ) -> Attachment:
        """The ``.att`` manifest without these layers."""
        ...
