"""Which blobs of a manifest say to be SBOMs."""

from __future__ import annotations

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Form, Trust
from gatekeeper.core.manifest import (
    OCI_CONFIG,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    ImageIndex,
    ImageManifest,
)
from gatekeeper.sbom.reader import Reader

_TAG = "sha256-" + "a" * 64 + ".sbom"
_IN_TOTO = "application/vnd.in-toto+json"


def _manifest(
    *layers: str,
    artifact_type: str | None = None,
    config: str = OCI_EMPTY,
    annotations: dict[str, str] | None = None,
) -> ImageManifest:
    digest = Digest.of(b"x")
    return ImageManifest(
        raw=b"raw",
        digest=Digest.of(b"raw"),
        media_type=OCI_MANIFEST,
        config=Descriptor(config, digest, 1),
        layers=tuple(Descriptor(layer, digest, 1, annotations=annotations or {}) for layer in layers),
        subject=None,
        artifact_type=artifact_type,
        annotations={},
    )


_FOUND = [
    (_manifest("application/spdx+json", artifact_type="application/spdx+json"), None, Form.SBOM_REFERRER),
    (_manifest("application/vnd.cyclonedx+json"), None, Form.SBOM_REFERRER),
    (_manifest("application/json", artifact_type="application/vnd.cyclonedx+json"), None, Form.SBOM_REFERRER),
    (_manifest("application/vnd.syft+json"), None, Form.SBOM_REFERRER),
    (_manifest("application/vnd.cyclonedx+json; version=1.5"), None, Form.SBOM_REFERRER),
    (
        _manifest("text/spdx+json", artifact_type="application/vnd.goharbor.harbor.sbom.v1"),
        None,
        Form.HARBOR_SBOM,
    ),
    (_manifest("text/spdx+json", config=OCI_CONFIG), _TAG, Form.COSIGN_SBOM_TAG),
    (
        _manifest("text/spdx+json", config="application/vnd.dev.cosign.artifact.sbom.v1+json"),
        None,
        Form.COSIGN_SBOM_REFERRER,
    ),
    (_manifest(_IN_TOTO), None, Form.BUILDKIT_ATTESTATION),
    (
        _manifest(_IN_TOTO, annotations={"in-toto.io/predicate-type": "https://spdx.dev/Document"}),
        None,
        Form.BUILDKIT_ATTESTATION,
    ),
]


@pytest.mark.parametrize(("manifest", "tag", "form"), _FOUND)
def test_an_sbom_is_found(manifest: ImageManifest, tag: str | None, form: Form) -> None:
    (found,) = Reader().wanted(manifest, tag=tag)
    assert (found.form, found.carrier) == (form, manifest.digest)
    assert found.predicate is (form is Form.BUILDKIT_ATTESTATION)
    assert found.trust is (Trust.REGISTRY if form is Form.HARBOR_SBOM else Trust.UNSIGNED)


_NOT = [
    (_manifest("application/vnd.oci.image.layer.v1.tar+gzip", config=OCI_CONFIG), _TAG),
    (_manifest("application/vnd.dev.sigstore.bundle.v0.3+json"), None),
    (_manifest(_IN_TOTO, annotations={"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"}), None),
    (ImageIndex(b"{}", Digest.of(b"{}"), OCI_INDEX, (), None, None, {}), _TAG),
]


@pytest.mark.parametrize(("manifest", "tag"), _NOT)
def test_anything_else_is_not(manifest: ImageManifest | ImageIndex, tag: str | None) -> None:
    assert Reader().wanted(manifest, tag=tag) == ()
