"""Which blobs of an opened manifest say to be SBOMs (reference: sigstore.md forms C and F, scanning.md section 1)."""

from __future__ import annotations

from gatekeeper.core.evidence import Form, Trust
from gatekeeper.core.manifest import Descriptor, ImageManifest, Manifest
from gatekeeper.ports import WantedSbom
from gatekeeper.sbom.statement import CUSTOM_PREDICATE, is_sbom_predicate

HARBOR_SBOM = "application/vnd.goharbor.harbor.sbom.v1"
SBOM_TYPES = frozenset(
    {
        "application/spdx+json",
        "application/spdx3+json",
        "application/spdx+tag-value",
        "application/syft+json",
        "application/vnd.cyclonedx",
        "application/vnd.cyclonedx+json",
        "application/vnd.cyclonedx+xml",
        HARBOR_SBOM,
        "application/vnd.syft+json",
        "text/spdx",
        "text/spdx+json",
        "text/spdx+xml",
    }
)
COSIGN_SBOM_ARTIFACT = "application/vnd.dev.cosign.artifact.sbom.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
PREDICATE_ANNOTATION = "in-toto.io/predicate-type"


def candidates_in(manifest: Manifest, *, tag: str | None) -> tuple[WantedSbom, ...]:
    """Every layer that says to be an SBOM; none for an index or a runnable image."""
    if not isinstance(manifest, ImageManifest):
        return ()
    found = []
    for layer in manifest.layers:
        form = _form(manifest, layer, tag)
        if form is not None:
            trust = Trust.REGISTRY if form is Form.HARBOR_SBOM else Trust.UNSIGNED
            found.append(WantedSbom(form, manifest.digest, layer, form is Form.BUILDKIT_ATTESTATION, trust))
    return tuple(found)


def _form(manifest: ImageManifest, layer: Descriptor, tag: str | None) -> Form | None:
    if layer.media_type == IN_TOTO:
        # The annotation is optional: an unannotated statement has to be opened.
        claimed = layer.annotations.get(PREDICATE_ANNOTATION)
        if claimed is None or claimed == CUSTOM_PREDICATE or is_sbom_predicate(claimed):
            return Form.BUILDKIT_ATTESTATION
        return None
    artifact = _plain(manifest.effective_artifact_type)
    if _plain(layer.media_type) not in SBOM_TYPES and artifact not in SBOM_TYPES:
        return None
    if HARBOR_SBOM in (artifact, _plain(layer.media_type)):
        return Form.HARBOR_SBOM
    if tag is not None and tag.endswith(".sbom"):
        return Form.COSIGN_SBOM_TAG
    if artifact == COSIGN_SBOM_ARTIFACT:
        return Form.COSIGN_SBOM_REFERRER
    return Form.SBOM_REFERRER


def _plain(media_type: str | None) -> str:
    """Without parameters: some clients write ``application/vnd.cyclonedx+json; version=1.5``."""
    return (media_type or "").partition(";")[0].strip().lower()
