"""A registry's content as files: ``index.json`` and ``blobs/sha256/<hex>``. No socket, no registry.

Layout of ``tests/fixtures/*/index.json``: ``{"registries": {NAME: {REPOSITORY: {tags, manifests, blobs}}}}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gatekeeper.core.digest import Digest
from gatekeeper.core.manifest import (
    OCI_MANIFEST,
    Descriptor,
    ImageIndex,
    ImageManifest,
    Manifest,
    parse_manifest,
)
from gatekeeper.core.reference import Repository
from gatekeeper.core.trust import PublicKey, TrustMaterial
from gatekeeper.ports import Judged, Verified, Wanted
from gatekeeper.signatures.verifier import Verifier

FIXTURES = Path(__file__).parent.parent / "fixtures"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Hanging:
    """A manifest that hangs on a subject, with the tag that names it, if one does."""

    manifest: Manifest
    tag: str | None


@dataclass(frozen=True, slots=True)
class DumpedRepository:
    """One repository of a dump."""

    folder: Path
    tags: dict[str, str]
    manifests: dict[str, str]

    def blob(self, digest: Digest | str) -> bytes:
        return (self.folder / "blobs" / "sha256" / str(digest).partition(":")[2]).read_bytes()

    def manifest(self, digest: str) -> Manifest:
        return parse_manifest(
            self.blob(digest), content_type=self.manifests[digest], expected=Digest.parse(digest)
        )

    def subject(self, tag: str = "v1") -> Digest:
        """What a tag points at."""
        return Digest.parse(self.tags[tag])

    def hanging_on(self, subject: Digest) -> Iterator[Hanging]:
        """Referrers by ``subject``, and what cosign's tags name; the fallback index itself left out."""
        named = {digest: tag for tag, digest in self.tags.items() if tag.startswith(subject.tag_form)}
        for digest in self.manifests:
            manifest = self.manifest(digest)
            tag = named.get(digest)
            if tag == subject.tag_form and isinstance(manifest, ImageIndex):
                continue
            if tag is not None or (manifest.subject is not None and manifest.subject.digest == subject):
                yield Hanging(manifest, tag)

    def candidates(self, subject: Digest) -> Iterator[tuple[Wanted, bytes]]:
        """Each candidate beside the subject with its bytes."""
        verifier = Verifier()
        for hanging in self.hanging_on(subject):
            found_at = (f"tag:{hanging.tag}",) if hanging.tag else ("referrers-api",)
            for wanted in verifier.wanted(hanging.manifest, found_at=found_at, tag=hanging.tag):
                yield wanted, self.blob(wanted.descriptor.digest) if wanted.fetch else b""

    def judged(self, subject: Digest) -> Judged:
        """What candidates beside this subject have to be about."""
        return about(subject, self.manifests[str(subject)], len(self.blob(subject)))

    def verify(self, subject: Digest, keys: Sequence[PublicKey]) -> list[Verified]:
        """Every candidate beside the subject, verified with managed keys alone."""
        return self.verify_with(subject, TrustMaterial(tuple(keys)))

    def verify_with(self, subject: Digest, trust: TrustMaterial) -> list[Verified]:
        """Every candidate beside the subject, verified."""
        verifier = Verifier()
        return [
            verifier.verify(wanted, content, subject=self.judged(subject), trust=trust)
            for wanted, content in self.candidates(subject)
        ]

    def image_children(self, subject: Digest) -> list[Digest]:
        """The platform images an index lists."""
        manifest = self.manifest(str(subject))
        assert not isinstance(manifest, ImageManifest)
        return [child.digest for child in manifest.manifests]


def about(digest: Digest, media_type: str = OCI_MANIFEST, size: int = 100) -> Judged:
    """What candidates beside an image of this digest have to be about."""
    return Judged(Descriptor(media_type, digest, size), Repository("registry.test", "app"), NOW)


def repository(folder: Path, name: str) -> DumpedRepository:
    """The repository of this name, in whichever registry of the dump it lies."""
    registries = json.loads((folder / "index.json").read_text())["registries"]
    found = next(content[name] for content in registries.values() if name in content)
    return DumpedRepository(folder, found["tags"], found["manifests"])
