"""What is judged and what is not (design, section 2a): decided by opening the manifest, never by its tag or referrer.

A tag, a ``subject`` member and the annotations of a descriptor are the pusher's words. What container runtimes do with
a manifest is decided by its configuration's and its layers' media types, so these decide here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.image_config import RUNNABLE_CONFIG_TYPES
from gatekeeper.core.manifest import (
    DOCKER_SCHEMA1,
    DOCKER_SCHEMA1_SIGNED,
    MANIFEST_TYPES,
    MOST_CHILDREN,
    OCI_EMPTY,
    Descriptor,
    ImageIndex,
    ImageManifest,
    Manifest,
    check_depth,
)
from gatekeeper.core.policy import Artifacts

TOMBSTONE_TYPE = "application/vnd.gatekeeper.tombstone.v1+json"
CASE_RECORD_TYPE = "application/vnd.gatekeeper.case.v1+json"
EMPTY_JSON = b"{}"
EMPTY_DIGEST = Digest.of(EMPTY_JSON)

REFERENCE_TYPE = "vnd.docker.reference.type"
REFERENCE_DIGEST = "vnd.docker.reference.digest"
ATTESTATION_MANIFEST = "attestation-manifest"

EVIDENCE_TYPES = (
    "application/cose",
    "application/jose+json",
    "application/openvex+json",
    "application/sarif+json",
    "application/spdx+",
    "application/vnd.cncf.notary.",
    "application/vnd.cyclonedx+",
    "application/vnd.dev.cosign.",
    "application/vnd.dev.sigstore.",
    "application/vnd.dsse.envelope.",
    "application/vnd.goharbor.harbor.sbom.",
    "application/vnd.in-toto",
    "application/vnd.openvex+json",
    "application/vnd.security.vulnerability.report",
    "application/vnd.syft+json",
    "text/spdx",
)
"""Beginnings of media types of evidence. None begins like an image layer's (``application/vnd.oci.image.`` or
``application/vnd.docker.``): those are what runtimes unpack."""

_OPENABLE = frozenset(MANIFEST_TYPES)
_SCHEMA1 = frozenset({DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED})


class SubjectKind(StrEnum):
    """What a manifest is. Only the first two are images; ``judged`` says which are subjects."""

    IMAGE = "image"
    INDEX = "index"
    EVIDENCE = "evidence"
    ARTIFACT = "artifact"
    TOMBSTONE = "tombstone"
    CASE_RECORD = "case-record"

    def judged(self, artifacts: Artifacts) -> bool:
        """True when a scope with this answer for artifacts judges such a manifest."""
        if self is SubjectKind.ARTIFACT:
            return artifacts is Artifacts.JUDGE
        return self in (SubjectKind.IMAGE, SubjectKind.INDEX)


def classify(manifest: Manifest, opened: Mapping[Digest, Manifest] | None = None) -> SubjectKind:
    """What this manifest is. ``opened``: the manifests below an index, by digest (see ``to_open``).

    A child that was not opened counts as an image: its descriptor alone proves nothing. Raises MalformedError
    ``index-too-deep``.
    """
    below = opened or {}
    check_depth(manifest, below)
    return _classify(manifest, below, {})


def to_open(index: ImageIndex) -> tuple[Descriptor, ...]:
    """The children of an index that have to be fetched before it can be classified and judged.

    Those that call themselves something else too: Docker before its containerd store ran whatever the registry serves
    as a manifest under a child's digest. What the registry does not have as a manifest is none (``says_manifest``).
    """
    return tuple(child for child in index.manifests if child.media_type not in _SCHEMA1)


def says_manifest(descriptor: Descriptor) -> bool:
    """True when a descriptor's media type is a manifest's: then a missing one is a gap, else it is no manifest."""
    return descriptor.media_type in _OPENABLE


def judged_children(index: ImageIndex, opened: Mapping[Digest, Manifest]) -> tuple[Descriptor, ...]:
    """The platform images that an index names, nested indexes included, each digest once, in the index's order.

    Attestation manifests, other evidence and artifacts are left out, because they were opened and are no images.
    A descriptor that was not opened is kept: the caller has to say that it could not. Raises MalformedError
    ``index-too-deep`` or ``index-too-many-children``.
    """
    check_depth(index, opened)
    found: dict[Digest, Descriptor] = {}
    _collect(index, opened, found, {})
    return tuple(found.values())


def attestations(
    index: ImageIndex, opened: Mapping[Digest, Manifest]
) -> tuple[tuple[Descriptor, ImageManifest, Digest], ...]:
    """BuildKit's attestation manifests of an index: (descriptor, manifest, the child that it says to attest).

    Only those that name a child of this very index count.
    """
    named = {child.digest for child in index.manifests}
    found = []
    for child in index.manifests:
        manifest = opened.get(child.digest)
        if not says_attestation(child) or not isinstance(manifest, ImageManifest):
            continue
        try:
            attested = Digest.parse(child.annotations.get(REFERENCE_DIGEST, ""))
        except MalformedError:
            continue
        if attested in named and classify(manifest) is SubjectKind.EVIDENCE:
            found.append((child, manifest, attested))
    return tuple(found)


def says_attestation(descriptor: Descriptor) -> bool:
    """True when an index calls this child an attestation manifest. Believed only once it was opened."""
    return descriptor.annotations.get(REFERENCE_TYPE) == ATTESTATION_MANIFEST


def is_evidence_type(media_type: str) -> bool:
    """True for the media types of signatures, attestations, SBOMs and reports."""
    return media_type.strip().lower().startswith(EVIDENCE_TYPES)


def is_empty(descriptor: Descriptor) -> bool:
    """True for the empty descriptor (OCI image-spec, manifest.md, "Guidance for an Empty Descriptor")."""
    return (
        descriptor.media_type == OCI_EMPTY
        and descriptor.digest == EMPTY_DIGEST
        and descriptor.size == len(EMPTY_JSON)
    )


def _classify_manifest(manifest: ImageManifest) -> SubjectKind:
    layers = manifest.layers
    only_empty = is_empty(manifest.config) and all(is_empty(layer) for layer in layers)
    if only_empty and manifest.artifact_type == TOMBSTONE_TYPE:
        return SubjectKind.TOMBSTONE
    if only_empty and manifest.artifact_type == CASE_RECORD_TYPE:
        return SubjectKind.CASE_RECORD
    if layers and all(is_evidence_type(layer.media_type) for layer in layers):
        # Even with an image's configuration: cosign's .sig and .att and older BuildKit are stored so, and no
        # runtime unpacks such a layer.
        return SubjectKind.EVIDENCE
    if manifest.config.media_type.strip().lower() in RUNNABLE_CONFIG_TYPES:
        return SubjectKind.IMAGE
    evidence_named = is_evidence_type(manifest.effective_artifact_type) or is_evidence_type(
        manifest.config.media_type
    )
    if evidence_named or manifest.subject is not None:
        return SubjectKind.EVIDENCE
    return SubjectKind.ARTIFACT


def _classify(
    manifest: Manifest, opened: Mapping[Digest, Manifest], known: dict[Digest, SubjectKind]
) -> SubjectKind:
    """``known`` keeps hostile indexes that name each other's children a thousand times from costing their product."""
    if manifest.digest not in known:
        if isinstance(manifest, ImageManifest):
            known[manifest.digest] = _classify_manifest(manifest)
        else:
            known[manifest.digest] = _classify_index(manifest, opened, known)
    return known[manifest.digest]


def _classify_index(
    index: ImageIndex, opened: Mapping[Digest, Manifest], known: dict[Digest, SubjectKind]
) -> SubjectKind:
    kinds = {_classify_child(child, opened, known) for child in index.manifests}
    if kinds & {SubjectKind.IMAGE, SubjectKind.INDEX}:
        return SubjectKind.INDEX
    return SubjectKind.EVIDENCE if kinds == {SubjectKind.EVIDENCE} else SubjectKind.ARTIFACT


def _classify_child(
    child: Descriptor, opened: Mapping[Digest, Manifest], known: dict[Digest, SubjectKind]
) -> SubjectKind:
    manifest = opened.get(child.digest)
    if manifest is not None:
        return _classify(manifest, opened, known)
    if child.media_type in _OPENABLE or child.media_type in _SCHEMA1:
        return SubjectKind.IMAGE
    return SubjectKind.EVIDENCE if is_evidence_type(child.media_type) else SubjectKind.ARTIFACT


def _collect(
    index: ImageIndex,
    opened: Mapping[Digest, Manifest],
    found: dict[Digest, Descriptor],
    visited: dict[Digest, SubjectKind],
) -> None:
    visited[index.digest] = SubjectKind.INDEX
    for child in index.manifests:
        manifest = opened.get(child.digest)
        if isinstance(manifest, ImageIndex):
            if manifest.digest not in visited:
                _collect(manifest, opened, found, visited)
        elif child.digest not in found and _classify_child(child, opened, visited) is SubjectKind.IMAGE:
            found[child.digest] = child
        if len(found) > MOST_CHILDREN:
            raise MalformedError(
                f"more than {MOST_CHILDREN} images in one index", reason_code="index-too-many-children"
            )
