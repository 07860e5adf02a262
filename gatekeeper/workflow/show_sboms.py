"""``show_sboms``: every SBOM of one image, read now. No policy, no database; nothing is written anywhere."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.core.component import SbomDocument
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError, UnavailableError
from gatekeeper.core.evidence import Absent, NodeEvidence, Platform, Sbom, Sboms, Unavailable
from gatekeeper.core.platforms import is_listed
from gatekeeper.core.policy import Artifacts, Policy, RuleSet, Scope, ScopedPolicy
from gatekeeper.core.reference import Reference
from gatekeeper.workflow.collect import Collected, collect
from gatekeeper.workflow.workroom import Collector


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """One SBOM of the image."""

    sbom: Sbom
    content: SbomDocument | None
    """None for a format that is not read."""


@dataclass(frozen=True, slots=True)
class ImageSboms:
    """What was found about one image, or one platform of an index."""

    reference: Reference
    digest: Digest
    """Of the image itself, never of the index."""
    index: Digest | None
    platform: Platform | None
    documents: tuple[FoundDocument, ...]
    """Most trusted first; those of the index count for the image too."""
    gaps: tuple[Unavailable, ...]
    """What could not be asked or read beside them."""


def show_sboms(
    collector: Collector,
    reference: Reference,
    *,
    platform: str,
    fallback: str,
    os_only: bool = False,
    policy: Policy | None = None,
) -> ImageSboms:
    """Everything that says what is in the image.

    ``os_only`` reads the layers of an image without any. ``platform`` chooses from an index; empty: the only one, else
    ``fallback``. With a policy, its keys verify attestations. Raises NotFoundError (no such tag), UnavailableError,
    MalformedError ``platform-not-chosen`` | ``platform-missing`` | ``no-image``.
    """
    registry = collector.registries.get(reference.repository.registry)
    digest = reference.digest or registry.resolve(reference.repository.path, reference.tag or "").digest
    scoped = ScopedPolicy(
        Scope("", (), "", artifacts=Artifacts.JUDGE, read_layers=os_only),
        RuleSet("", ()),
        signers={},
        revision="",
    )
    collected = collect(collector, reference.repository, digest, scoped, policy or Policy())
    node = _chosen(collected, platform, fallback)
    root = collected.evidence.root
    places = [node.sboms] if node.digest == root.digest else [node.sboms, root.sboms]
    contents = {gathered.document: gathered.content for gathered in collected.sboms}
    found = sorted(
        (sbom for place in places if isinstance(place, Sboms) for sbom in place.items),
        key=lambda sbom: (sbom.trust.rank, -sbom.components, str(sbom.document)),
    )
    gaps = [place for place in places if isinstance(place, Unavailable)]
    gaps += [place.gap for place in places if isinstance(place, Sboms) and place.gap is not None]
    return ImageSboms(
        reference=reference,
        digest=node.digest,
        index=None if node.digest == root.digest else root.digest,
        platform=node.platform,
        documents=tuple(FoundDocument(sbom, contents.get(sbom.document)) for sbom in found),
        gaps=tuple(gaps),
    )


def _chosen(collected: Collected, platform: str, fallback: str) -> NodeEvidence:
    evidence = collected.evidence
    if isinstance(evidence.root.sboms, Unavailable):
        gap = evidence.root.sboms
        raise UnavailableError(f"could not ask for {gap.source}: {gap.detail}", cause=gap.cause)
    if not evidence.children:
        if isinstance(evidence.root.config, Absent):
            raise MalformedError("the index names no image", reason_code="no-image")
        if platform and not is_listed(evidence.root.platform, (platform,)):
            raise MalformedError(
                f"the image is for {evidence.root.platform}, not {platform}", reason_code="platform-missing"
            )
        return evidence.root
    wanted = platform or (fallback if len(evidence.children) > 1 else "")
    fitting = [node for node in evidence.children if not wanted or is_listed(node.platform, (wanted,))]
    if fitting:
        return fitting[0]
    there = ", ".join(sorted(str(node.platform) for node in evidence.children))
    if platform:
        raise MalformedError(f"no {platform} in this index; it has {there}", reason_code="platform-missing")
    raise MalformedError(f"choose one with --platform: {there}", reason_code="platform-not-chosen")
