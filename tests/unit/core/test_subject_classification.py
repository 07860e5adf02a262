"""What is judged (design, section 2a): one test for each sentence there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.manifest import (
    DOCKER_CONFIG,
    DOCKER_SCHEMA1_SIGNED,
    OCI_CONFIG,
    OCI_EMPTY,
    OCI_MANIFEST,
    Manifest,
)
from gatekeeper.core.policy import Artifacts
from gatekeeper.core.subject import (
    CASE_RECORD_TYPE,
    EVIDENCE_TYPES,
    TOMBSTONE_TYPE,
    SubjectKind,
    attestations,
    classify,
    judged_children,
    to_open,
)
from tests.unit.core.builders import LAYER, child_of, described, digest, index, manifest, opened, parse

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
IN_TOTO = "application/vnd.in-toto+json"
HELM = "application/vnd.cncf.helm.config.v1+json"
SUBJECT = described("other", OCI_MANIFEST)


def attestation_child(of: Manifest, attestation: Manifest) -> dict[str, Any]:
    annotations = {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": str(of.digest),
    }
    return child_of(
        attestation, annotations=annotations, platform={"os": "unknown", "architecture": "unknown"}
    )


def test_an_image_manifest_is_a_subject() -> None:
    for config in (OCI_CONFIG, DOCKER_CONFIG):
        assert classify(manifest(config=config)) is SubjectKind.IMAGE
        assert classify(manifest(config=config)).judged(Artifacts.IGNORE)


def test_an_image_without_layers_is_a_subject() -> None:
    assert classify(manifest(layers=())) is SubjectKind.IMAGE


def test_an_index_of_images_is_a_subject() -> None:
    image = manifest()
    assert classify(index(image), opened(image)) is SubjectKind.INDEX


@pytest.mark.parametrize("media_type", [SIMPLE_SIGNING, DSSE, IN_TOTO, "application/spdx+json", "text/spdx"])
def test_a_manifest_whose_every_layer_is_evidence_is_none_even_with_an_images_configuration(
    media_type: str,
) -> None:
    assert classify(manifest(layers=(media_type, media_type))) is SubjectKind.EVIDENCE


def test_one_evidence_layer_among_others_makes_no_evidence() -> None:
    assert classify(manifest(layers=(SIMPLE_SIGNING, LAYER))) is SubjectKind.IMAGE


def test_a_bundle_referrer_is_evidence() -> None:
    bundle = manifest(config=OCI_EMPTY, layers=(BUNDLE,), artifactType=BUNDLE, subject=SUBJECT)
    assert classify(bundle) is SubjectKind.EVIDENCE
    assert not classify(bundle).judged(Artifacts.JUDGE)


def test_an_index_whose_every_child_is_evidence_is_evidence() -> None:
    one = manifest(config=OCI_EMPTY, layers=(BUNDLE,), artifactType=BUNDLE, subject=SUBJECT)
    two = manifest(layers=(DSSE,), name="att")
    assert classify(index(one, two), opened(one, two)) is SubjectKind.EVIDENCE


def test_evidence_is_recognised_by_opening_never_by_its_tag_or_descriptor() -> None:
    image = manifest()
    lying = index(child_of(image, artifactType=BUNDLE, annotations={"dev.sigstore.bundle.content": "x"}))
    assert classify(lying, opened(image)) is SubjectKind.INDEX
    assert classify(lying) is SubjectKind.INDEX, "a child that was not opened counts as an image"


def test_an_artifact_that_hangs_on_another_and_is_no_runnable_image_is_evidence() -> None:
    unknown = manifest(
        config=OCI_EMPTY, layers=("application/x",), artifactType="application/x", subject=SUBJECT
    )
    assert classify(unknown) is SubjectKind.EVIDENCE


def test_the_image_that_cosign_copy_tags_by_its_own_digest_is_judged() -> None:
    # The tag sha256-D is no argument of classify: the image at it is an image.
    image = manifest(name="copied")
    assert classify(image) is SubjectKind.IMAGE


def test_a_hostile_image_that_wears_a_subject_is_judged() -> None:
    assert classify(manifest(subject=SUBJECT)) is SubjectKind.IMAGE


def test_a_hostile_image_that_wears_an_evidence_artifact_type_is_judged() -> None:
    assert classify(manifest(artifactType=BUNDLE, subject=SUBJECT)) is SubjectKind.IMAGE
    assert classify(manifest(artifactType=TOMBSTONE_TYPE)) is SubjectKind.IMAGE


@pytest.mark.parametrize("config", ["application/octet-stream", "application/json", "text/html"])
def test_an_image_with_a_configuration_type_that_docker_still_runs_is_judged(config: str) -> None:
    assert classify(manifest(config=config)) is SubjectKind.IMAGE


def test_no_evidence_type_begins_like_a_layer_that_runtimes_unpack() -> None:
    for unpacked in ("application/vnd.oci.image.", "application/vnd.docker."):
        assert not unpacked.startswith(EVIDENCE_TYPES)
        assert not any(media_type.startswith(unpacked) for media_type in EVIDENCE_TYPES)


def test_attestation_manifests_of_an_index_are_not_judged() -> None:
    image = manifest()
    old = manifest(layers=(IN_TOTO,), name="old-buildkit")
    new = manifest(
        config=OCI_EMPTY,
        layers=(IN_TOTO,),
        artifactType="application/vnd.docker.attestation.manifest.v1+json",
    )
    whole = index(child_of(image), attestation_child(image, old), attestation_child(image, new))
    below = opened(image, old, new)
    assert classify(whole, below) is SubjectKind.INDEX
    assert [child.digest for child in judged_children(whole, below)] == [image.digest]
    assert [attested for _, _, attested in attestations(whole, below)] == [image.digest, image.digest]


def test_a_runnable_image_called_an_attestation_manifest_is_judged() -> None:
    image, hidden = manifest(), manifest(name="hidden")
    whole = index(child_of(image), attestation_child(image, hidden))
    below = opened(image, hidden)
    assert [child.digest for child in judged_children(whole, below)] == [image.digest, hidden.digest]
    assert attestations(whole, below) == ()


def test_an_attestation_of_an_image_that_the_index_does_not_list_does_not_count() -> None:
    image, stranger = manifest(), manifest(name="stranger")
    attestation = manifest(layers=(IN_TOTO,), name="attestation")
    whole = index(child_of(image), attestation_child(stranger, attestation))
    assert attestations(whole, opened(image, attestation)) == ()


def test_charts_and_other_artifacts_are_ignored_unless_the_scope_judges_them() -> None:
    chart = manifest(config=HELM, layers=("application/vnd.cncf.helm.chart.content.v1.tar+gzip",))
    plain = manifest(config=OCI_EMPTY, layers=(LAYER,), artifactType="application/x")
    for artifact in (chart, plain):
        assert classify(artifact) is SubjectKind.ARTIFACT
        assert not classify(artifact).judged(Artifacts.IGNORE)
        assert classify(artifact).judged(Artifacts.JUDGE)
    assert classify(index(chart), opened(chart)) is SubjectKind.ARTIFACT
    assert classify(index()) is SubjectKind.ARTIFACT


def test_tombstones_and_case_records_are_never_judged() -> None:
    for artifact_type, kind in [
        (TOMBSTONE_TYPE, SubjectKind.TOMBSTONE),
        (CASE_RECORD_TYPE, SubjectKind.CASE_RECORD),
    ]:
        ours = manifest(config=OCI_EMPTY, layers=(OCI_EMPTY,), artifactType=artifact_type)
        assert classify(ours) is kind
        assert not classify(ours).judged(Artifacts.JUDGE)


def test_a_tombstone_needs_the_empty_configuration_and_only_empty_layers() -> None:
    assert (
        classify(manifest(config=OCI_CONFIG, layers=(OCI_EMPTY,), artifactType=TOMBSTONE_TYPE))
        is SubjectKind.IMAGE
    )
    with_layer = manifest(config=OCI_EMPTY, layers=(OCI_EMPTY, LAYER), artifactType=TOMBSTONE_TYPE)
    assert classify(with_layer) is SubjectKind.ARTIFACT
    genuine = manifest(config=OCI_EMPTY, layers=(OCI_EMPTY,), artifactType=TOMBSTONE_TYPE)
    forged = json.loads(genuine.raw)
    forged["config"]["digest"] = str(digest("not empty"))
    assert classify(parse(forged)) is SubjectKind.ARTIFACT


def test_the_images_of_nested_indexes_are_judged_once_each() -> None:
    one, two = manifest(), manifest(name="two")
    inner = index(one, two)
    whole = index(inner, one)
    assert [child.digest for child in judged_children(whole, opened(one, two, inner))] == [
        one.digest,
        two.digest,
    ]


def test_indexes_deeper_than_three_are_refused() -> None:
    image = manifest()
    chain: list[Manifest] = [image]
    for _ in range(4):
        chain.append(index(chain[-1]))
    for ask in (classify, judged_children):
        with pytest.raises(MalformedError) as refusal:
            ask(chain[-1], opened(*chain))  # type: ignore[arg-type]
        assert refusal.value.reason_code == "index-too-deep"


def test_indexes_that_name_each_other_many_times_cost_their_sum_not_their_product() -> None:
    leaves = [described(f"leaf-{number}", OCI_MANIFEST) for number in range(60)]
    lower = [index(*leaves, annotations={"n": str(number)}) for number in range(60)]
    upper = [index(*lower, annotations={"n": str(number)}) for number in range(60)]
    whole = index(*upper)
    assert len(judged_children(whole, opened(*lower, *upper))) == 60
    assert classify(whole, opened(*lower, *upper)) is SubjectKind.INDEX


def test_more_than_a_thousand_images_in_nested_indexes_are_refused() -> None:
    halves = [
        index(*(described(f"{half}-{number}", OCI_MANIFEST) for number in range(600))) for half in (1, 2)
    ]
    with pytest.raises(MalformedError) as refusal:
        judged_children(index(*halves), opened(*halves))
    assert refusal.value.reason_code == "index-too-many-children"


def test_a_child_in_dockers_first_schema_counts_as_an_image() -> None:
    old = index(described("old", DOCKER_SCHEMA1_SIGNED))
    assert classify(old) is SubjectKind.INDEX
    assert to_open(old) == ()
    assert len(judged_children(old, {})) == 1
