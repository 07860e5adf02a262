"""A feed as an artifact of a registry: pulled by our own client, pinned by digest or signed by a signer we name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gatekeeper.core.errors import ConfigurationError, DeniedError, MalformedError
from gatekeeper.core.evidence import Candidates, Outcome, Purpose
from gatekeeper.core.feed import FeedSource
from gatekeeper.core.manifest import Descriptor, ImageManifest, Manifest
from gatekeeper.core.reference import Repository, parse_reference
from gatekeeper.ports import Registry
from gatekeeper.workflow.attached import Site, gather_attached
from gatekeeper.workflow.pile import Pile
from gatekeeper.workflow.workroom import Workroom

LARGEST_LAYER = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Artifact:
    """The one layer of an artifact, saved. ``path`` None: it is the one that is known already."""

    path: Path | None
    cursor: str


def fetch_artifact(room: Workroom, source: FeedSource, folder: Path, *, cursor: str | None) -> Artifact:
    """Raises DeniedError (not signed by whom it must be), MalformedError (no artifact of one layer),
    ConfigurationError (its registry or a signer is not configured), NotFoundError, UnavailableError.
    """
    reference = parse_reference(source.url.removeprefix("oci:"))
    registry = room.registries.get(reference.repository.registry)
    path = reference.repository.path
    digest = reference.digest or registry.resolve(path, reference.tag or "latest").digest
    known = f"digest:{digest}"
    if cursor == known:
        return Artifact(None, known)
    manifest = registry.manifest(path, digest)
    layer = _only_layer(manifest, source.url)
    if source.signers or reference.digest is None:
        _check_signed(room, source, registry, reference.repository, manifest)
    saved = folder / f"{source.name}.artifact"
    saved.write_bytes(registry.blob(path, layer, cap=LARGEST_LAYER))
    return Artifact(saved, known)


def _only_layer(manifest: Manifest, url: str) -> Descriptor:
    if not isinstance(manifest, ImageManifest) or len(manifest.layers) != 1:
        raise MalformedError(
            f"{url} is no artifact with exactly one layer, the feed's file",
            reason_code="feed-artifact-malformed",
        )
    return manifest.layers[0]


def _check_signed(
    room: Workroom, source: FeedSource, registry: Registry, repository: Repository, manifest: Manifest
) -> None:
    policy = room.policy()
    signers = []
    for name in source.signers:
        signer = policy.signers.get(name)
        if signer is None:
            raise ConfigurationError(
                (f"feeds.sources: feed {source.name}: the policy has no signer '{name}'",),
                reason_code="signer-unknown",
            )
        signers.append(signer)
    site = Site(room.collector, registry, repository, policy.trust, None)
    pile = Pile(manifest.digest)
    gather_attached(site, Descriptor(manifest.media_type, manifest.digest, len(manifest.raw)), pile)
    signatures = pile.sealed().signatures
    found = signatures.items if isinstance(signatures, Candidates) else ()
    for candidate in found:
        signs = candidate.outcome is Outcome.VERIFIED and candidate.purpose is Purpose.SIGNATURE
        if signs and any(signer.voices(candidate, room.clock.now()) for signer in signers):
            return
    raise DeniedError(
        f"{source.url} ({manifest.digest}) is not signed by {' or '.join(source.signers)}; it is not imported",
        reason_code="feed-not-signed",
    )
