"""Which layers of a manifest are candidates, and what the manifest alone decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Form, Outcome
from gatekeeper.core.manifest import (
    DOCKER_CONFIG,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    ImageIndex,
    ImageManifest,
)
from gatekeeper.core.trust import TrustMaterial
from gatekeeper.ports import Wanted
from gatekeeper.signatures import media_types
from gatekeeper.signatures.storage import MAX_ATTESTATION_BYTES, MAX_SIGNATURE_BYTES
from gatekeeper.signatures.verifier import Verifier
from tests.fakes.registry_dump import about
from tests.unit.signatures.crafted import KEY, SUBJECT

_SIG, _ATT = SUBJECT.tag_form + ".sig", SUBJECT.tag_form + ".att"


def _layer(
    media_type: str, *, size: int = 3, urls: tuple[str, ...] = (), algorithm: str = "sha256"
) -> Descriptor:
    return Descriptor(media_type, Digest.of(b"abc", algorithm), size, urls=urls)


def _manifest(
    layers: Sequence[Descriptor], *, artifact_type: str | None = None, docker: bool = False
) -> ImageManifest:
    config = Descriptor(DOCKER_CONFIG if docker else OCI_CONFIG, Digest.of(b"config"), 6)
    return ImageManifest(
        raw=b"raw",
        digest=Digest.of(b"raw"),
        media_type=DOCKER_MANIFEST if docker else OCI_MANIFEST,
        config=config,
        layers=tuple(layers),
        subject=None,
        artifact_type=artifact_type,
        annotations={"a": "b"},
    )


_FORMS = [
    (media_types.SIMPLE_SIGNING, _SIG, Form.COSIGN_SIGNATURE_TAG),
    (media_types.SIMPLE_SIGNING, None, Form.COSIGN_SIGNATURE_REFERRER),
    (media_types.SIMPLE_SIGNING, _ATT, Form.COSIGN_SIGNATURE_REFERRER),
    (media_types.DSSE_ENVELOPE, _ATT, Form.COSIGN_ATTESTATION_TAG),
    (media_types.DSSE_ENVELOPE, None, Form.DSSE_REFERRER),
    (media_types.BUNDLE_V03, None, Form.SIGSTORE_BUNDLE),
    ("application/vnd.dev.sigstore.bundle+json;version=0.1", None, Form.SIGSTORE_BUNDLE),
]


@pytest.mark.parametrize(("media_type", "tag", "form"), _FORMS)
def test_a_layer_is_recognised_by_its_media_type(media_type: str, tag: str | None, form: Form) -> None:
    manifest = _manifest([_layer("application/octet-stream"), _layer(media_type), _layer(media_type)])
    found = Verifier().wanted(manifest, found_at=("here",), tag=tag)
    assert [(one.form, one.position, one.fetch) for one in found] == [(form, 1, True), (form, 2, True)]
    assert {one.carrier for one in found} == {manifest.digest}
    assert found[0].found_at == ("here",)
    assert found[0].annotations == {"a": "b"}


def test_a_docker_manifest_carries_signatures_too() -> None:
    manifest = _manifest([_layer(media_types.SIMPLE_SIGNING)], docker=True)
    assert len(Verifier().wanted(manifest, found_at=(), tag=_SIG)) == 1


def test_a_runnable_image_at_a_signature_tag_carries_nothing() -> None:
    manifest = _manifest([_layer("application/vnd.oci.image.layer.v1.tar+gzip")])
    assert Verifier().wanted(manifest, found_at=(), tag=_SIG) == ()


def test_an_index_carries_nothing_unless_a_tag_says_it_does() -> None:
    raw = b"{}"
    index = ImageIndex(raw, Digest.of(raw), OCI_INDEX, (), None, None, {})
    assert Verifier().wanted(index, found_at=(), tag=None) == ()
    assert Verifier().wanted(index, found_at=(), tag=SUBJECT.tag_form) == ()
    (found,) = Verifier().wanted(index, found_at=(), tag=_SIG)
    assert not found.fetch
    candidate = (
        Verifier().verify(found, b"", subject=about(SUBJECT), trust=TrustMaterial((KEY.public,))).candidate
    )
    assert (candidate.outcome, candidate.reason_code) == (Outcome.REFUSED, "carrier-is-index")


_DECIDED = {
    "13 and 15 foreign layer": (
        _layer(media_types.SIMPLE_SIGNING, urls=("https://evil.test/x",)),
        Outcome.REFUSED,
        "layer-foreign",
    ),
    "15 sha512": (
        _layer(media_types.SIMPLE_SIGNING, algorithm="sha512"),
        Outcome.REFUSED,
        "layer-digest-algorithm",
    ),
    "12 ten gigabytes": (
        _layer(media_types.SIMPLE_SIGNING, size=10 * 2**30),
        Outcome.INCONCLUSIVE,
        "candidate-too-large",
    ),
    "12 one byte too many": (
        _layer(media_types.SIMPLE_SIGNING, size=MAX_SIGNATURE_BYTES + 1),
        Outcome.INCONCLUSIVE,
        "candidate-too-large",
    ),
    "12 a large bundle": (
        _layer(media_types.BUNDLE_V03, size=MAX_ATTESTATION_BYTES + 1),
        Outcome.INCONCLUSIVE,
        "candidate-too-large",
    ),
}


@pytest.mark.parametrize("case", _DECIDED)
def test_what_the_manifest_alone_decides_is_never_fetched(case: str) -> None:
    layer, outcome, code = _DECIDED[case]
    (found,) = Verifier().wanted(_manifest([layer]), found_at=(), tag=_SIG)
    assert not found.fetch
    candidate = (
        Verifier().verify(found, b"", subject=about(SUBJECT), trust=TrustMaterial((KEY.public,))).candidate
    )
    assert (candidate.outcome, candidate.reason_code) == (outcome, code)


def test_exactly_the_cap_is_fetched() -> None:
    layers = [
        _layer(media_types.SIMPLE_SIGNING, size=MAX_SIGNATURE_BYTES),
        _layer(media_types.DSSE_ENVELOPE, size=MAX_ATTESTATION_BYTES),
    ]
    assert [one.fetch for one in Verifier().wanted(_manifest(layers), found_at=(), tag=_SIG)] == [True, True]


_OWN_SUBJECT = Descriptor(OCI_MANIFEST, SUBJECT, 100)


def _notation(layers: int = 1, **members: Any) -> Wanted:
    """The first candidate of a manifest that carries Notary Project signatures."""
    empty = Descriptor(OCI_EMPTY, Digest.of(b"{}"), 2)
    made = _manifest([_layer("application/jose+json")] * layers, artifact_type=media_types.NOTATION_SIGNATURE)
    found = Verifier().wanted(replace(made, **{"config": empty, **members}), found_at=(), tag=None)
    assert len(found) == layers
    return found[0]


def test_a_notation_signature_is_fetched_and_belongs_to_its_subject() -> None:
    found = _notation(subject=_OWN_SUBJECT)
    assert (found.form, found.fetch, found.defect) == (Form.NOTATION_SIGNATURE, True, "")
    assert found.carrier_subject == SUBJECT


def test_a_notation_signature_without_a_trust_policy_is_not_looked_at() -> None:
    trust = TrustMaterial((KEY.public,))
    candidate = Verifier().verify(_notation(), b"abc", subject=about(SUBJECT), trust=trust).candidate
    assert (candidate.outcome, candidate.reason_code) == (Outcome.SKIPPED, "notation-not-configured")


def test_the_type_of_a_notation_signature_may_be_that_of_its_config() -> None:
    config = Descriptor(media_types.NOTATION_SIGNATURE, Digest.of(b"{}"), 2)
    assert _notation(artifact_type=None, config=config).defect == ""


def test_case_146_and_148_a_manifest_that_breaks_the_specification_of_notation() -> None:
    assert "2 layers" in _notation(layers=2).defect
    config = Descriptor(OCI_CONFIG, Digest.of(b"{}"), 2)
    assert OCI_CONFIG in _notation(config=config).defect


def test_case_54_sbom_tags_and_buildkit_statements_are_no_candidates() -> None:
    layers = [_layer("application/spdx+json"), _layer("application/vnd.in-toto+json"), _layer(OCI_EMPTY)]
    assert Verifier().wanted(_manifest(layers), found_at=(), tag=SUBJECT.tag_form + ".sbom") == ()
