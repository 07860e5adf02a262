"""Which layers of an opened manifest are candidates (reference: sigstore.md section 1, forms A, B, D, E, G).

Recognised by what the manifest carries, never by how a fallback index describes it: tools write that wrongly.
"""

from __future__ import annotations

from gatekeeper.core.evidence import Form
from gatekeeper.core.manifest import OCI_EMPTY, Descriptor, ImageIndex, ImageManifest, Manifest
from gatekeeper.ports import Wanted
from gatekeeper.signatures import media_types

MAX_SIGNATURE_BYTES = 1024 * 1024
MAX_ATTESTATION_BYTES = 32 * 1024 * 1024

_TAG_FORMS = {".sig": Form.COSIGN_SIGNATURE_TAG, ".att": Form.COSIGN_ATTESTATION_TAG}
_SMALL = (Form.COSIGN_SIGNATURE_TAG, Form.COSIGN_SIGNATURE_REFERRER)


def _tag_form(tag: str | None) -> Form | None:
    return None if tag is None else _TAG_FORMS.get(tag[-4:])


def size_limit(form: Form) -> int:
    """Bytes read of one candidate in this form."""
    return MAX_SIGNATURE_BYTES if form in _SMALL else MAX_ATTESTATION_BYTES


def decided_by_manifest(form: Form, descriptor: Descriptor) -> bool:
    """True when the descriptor alone decides the outcome, so that nothing needs to be fetched."""
    return (
        bool(descriptor.urls) or descriptor.digest.algorithm != "sha256" or descriptor.size > size_limit(form)
    )


def _layer_form(manifest: ImageManifest, layer: Descriptor, tag: str | None) -> Form | None:
    if layer.media_type == media_types.SIMPLE_SIGNING:
        return (
            Form.COSIGN_SIGNATURE_TAG
            if _tag_form(tag) is Form.COSIGN_SIGNATURE_TAG
            else Form.COSIGN_SIGNATURE_REFERRER
        )
    if layer.media_type == media_types.DSSE_ENVELOPE:
        return (
            Form.COSIGN_ATTESTATION_TAG
            if _tag_form(tag) is Form.COSIGN_ATTESTATION_TAG
            else Form.DSSE_REFERRER
        )
    if layer.media_type.startswith(media_types.BUNDLE_PREFIX):
        return Form.SIGSTORE_BUNDLE
    if manifest.effective_artifact_type == media_types.NOTATION_SIGNATURE:
        return Form.NOTATION_SIGNATURE
    return None


def candidates_in(manifest: Manifest, *, found_at: tuple[str, ...], tag: str | None) -> tuple[Wanted, ...]:
    """Every candidate this manifest carries, by layer index: two layers may share a digest."""
    if isinstance(manifest, ImageIndex):
        return _refused_index(manifest, found_at, tag)
    found = []
    for position, layer in enumerate(manifest.layers):
        form = _layer_form(manifest, layer, tag)
        if form is not None:
            fetch = not decided_by_manifest(form, layer)
            found.append(
                Wanted(
                    form,
                    manifest.digest,
                    position,
                    layer,
                    found_at,
                    fetch,
                    manifest.annotations,
                    carrier_subject=manifest.subject.digest if manifest.subject is not None else None,
                    defect=_notation_defect(manifest) if form is Form.NOTATION_SIGNATURE else "",
                )
            )
    return tuple(found)


def _notation_defect(manifest: ImageManifest) -> str:
    """signature-specification.md, "OCI Signatures": one layer; the type as ``artifactType``, or as the config's."""
    if len(manifest.layers) != 1:
        return f"its manifest has {len(manifest.layers)} layers; a signature has one"
    if manifest.artifact_type is not None and manifest.config.media_type != OCI_EMPTY:
        return f"its manifest has a config of the type {manifest.config.media_type[:80]!r}"
    return ""


def _refused_index(index: ImageIndex, found_at: tuple[str, ...], tag: str | None) -> tuple[Wanted, ...]:
    form = _tag_form(tag)
    if form is None:
        return ()
    itself = Descriptor(index.media_type, index.digest, len(index.raw))
    return (Wanted(form, index.digest, 0, itself, found_at, fetch=False),)
