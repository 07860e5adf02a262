"""Manifests: what is read from raw bytes, and each refusal with its reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.evidence import Platform
from gatekeeper.core.manifest import (
    DOCKER_CONFIG,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    ImageIndex,
    ImageManifest,
    Manifest,
    check_depth,
    parse_manifest,
)
from tests.unit.core.builders import LAYER, child_of, described, index, manifest, opened

CONFIG = described("config", OCI_CONFIG)
FILLED = {
    "schemaVersion": 2,
    "mediaType": OCI_MANIFEST,
    "config": CONFIG,
    "layers": [described("layer", LAYER)],
}
EMPTY_INDEX = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}


def encoded(content: object) -> bytes:
    return json.dumps(content).encode()


def read(content: object, content_type: str | None = None) -> Manifest:
    return parse_manifest(encoded(content), content_type=content_type, expected=None)


def test_an_oci_image_manifest_keeps_its_bytes() -> None:
    content = {
        **FILLED,
        "artifactType": "a/b",
        "subject": described("other", OCI_MANIFEST),
        "annotations": {"k": "v"},
    }
    raw = encoded(content)
    parsed = parse_manifest(raw, content_type=OCI_MANIFEST, expected=Digest.of(raw), size=len(raw))
    assert isinstance(parsed, ImageManifest)
    assert (parsed.raw, parsed.digest) == (raw, Digest.of(raw))
    assert parsed.config.media_type == OCI_CONFIG
    assert [layer.media_type for layer in parsed.layers] == [LAYER]
    assert parsed.subject is not None
    assert (parsed.effective_artifact_type, parsed.annotations) == ("a/b", {"k": "v"})


def test_docker_schema_2_and_list_are_read() -> None:
    docker = {**FILLED, "mediaType": DOCKER_MANIFEST, "config": described("config", DOCKER_CONFIG)}
    assert isinstance(read(docker, DOCKER_MANIFEST), ImageManifest)
    platform = {"os": "linux", "architecture": "arm64", "variant": "v8", "os.version": "1"}
    listed = {
        **EMPTY_INDEX,
        "mediaType": DOCKER_LIST,
        "manifests": [described("child", DOCKER_MANIFEST, platform=platform)],
    }
    parsed = read(listed, DOCKER_LIST)
    assert isinstance(parsed, ImageIndex)
    assert parsed.manifests[0].platform == Platform("linux", "arm64", "v8")


def test_an_oci_manifest_without_media_type_takes_the_content_type() -> None:
    bare = {key: value for key, value in FILLED.items() if key != "mediaType"}
    assert read(bare, f"{OCI_MANIFEST}; charset=utf-8").media_type == OCI_MANIFEST
    assert read(bare).media_type == OCI_MANIFEST
    assert read({"schemaVersion": 2, "manifests": []}).media_type == OCI_INDEX


def test_a_content_types_parameters_and_case_are_ignored() -> None:
    assert read(FILLED, f" {OCI_MANIFEST.upper()} ; charset=utf-8").media_type == OCI_MANIFEST


def test_null_lists_are_empty_ones() -> None:
    parsed = read({**FILLED, "layers": None, "annotations": None, "subject": None})
    assert isinstance(parsed, ImageManifest)
    assert parsed.layers == ()


def test_the_digest_is_computed_with_the_algorithm_asked_for() -> None:
    raw = encoded(FILLED)
    parsed = parse_manifest(raw, content_type=None, expected=None, algorithm="sha512")
    assert parsed.digest == Digest.of(raw, "sha512")


def changed(where: str, **members: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(json.dumps(FILLED))
    part = content[where] if where == "config" else content[where][0]
    part.update(members)
    for key in [key for key, value in part.items() if value == "absent"]:
        del part[key]
    return content


REFUSED: list[tuple[object, str | None, str]] = [
    (FILLED, OCI_INDEX, "manifest-media-type-mismatch"),
    (FILLED, "application/json", "manifest-media-type-mismatch"),
    (
        {**FILLED, "mediaType": "application/vnd.oci.artifact.manifest.v1+json"},
        None,
        "manifest-media-type-unsupported",
    ),
    ({**FILLED, "mediaType": None}, "application/octet-stream", "manifest-media-type-unsupported"),
    ({**FILLED, "mediaType": None}, DOCKER_MANIFEST, "manifest-media-type-missing"),
    ({**FILLED, "mediaType": 7}, None, "manifest-malformed"),
    ({**FILLED, "schemaVersion": 1}, None, "manifest-schema-version"),
    ({**FILLED, "schemaVersion": 2.0}, None, "manifest-schema-version"),
    (
        {key: value for key, value in FILLED.items() if key != "schemaVersion"},
        None,
        "manifest-schema-version",
    ),
    ({**FILLED, "manifests": []}, None, "manifest-mixed"),
    ({**FILLED, "manifests": None}, None, "manifest-mixed"),
    ({**FILLED, "fsLayers": []}, None, "manifest-mixed"),
    ({**EMPTY_INDEX, "config": CONFIG}, None, "manifest-mixed"),
    ({**EMPTY_INDEX, "layers": []}, None, "manifest-mixed"),
    ({"schemaVersion": 2, "config": CONFIG, "layers": [], "manifests": []}, OCI_MANIFEST, "manifest-mixed"),
    ({"schemaVersion": 2, "config": CONFIG, "layers": []}, OCI_INDEX, "manifest-mixed"),
    ({**FILLED, "Manifests": []}, None, "json-key-ambiguous"),
    ({**FILLED, "Config": CONFIG}, None, "json-key-ambiguous"),
    ({**FILLED, "config": None}, None, "manifest-config-missing"),
    ({**FILLED, "config": "x"}, None, "descriptor-malformed"),
    ({**FILLED, "layers": {}}, None, "manifest-malformed"),
    ({**FILLED, "annotations": {"k": 1}}, None, "manifest-malformed"),
    ({**FILLED, "annotations": ["k"]}, None, "manifest-malformed"),
    ({**FILLED, "artifactType": []}, None, "manifest-malformed"),
    ({**FILLED, "layers": [described("l", LAYER)] * 1001}, None, "manifest-too-many-layers"),
    (
        {**EMPTY_INDEX, "manifests": [described("m", OCI_MANIFEST)] * 1001},
        None,
        "manifest-too-many-manifests",
    ),
    (changed("config", size=-1), None, "descriptor-size-malformed"),
    (changed("layers", size=-1), None, "descriptor-size-malformed"),
    (changed("layers", size=2.0), None, "descriptor-size-malformed"),
    (changed("layers", size="2"), None, "descriptor-size-malformed"),
    (changed("layers", size=True), None, "descriptor-size-malformed"),
    (changed("layers", size=2**63), None, "descriptor-size-malformed"),
    (changed("layers", size="absent"), None, "descriptor-size-malformed"),
    (changed("layers", digest="absent"), None, "descriptor-digest-missing"),
    (changed("layers", digest="sha256:x"), None, "digest-malformed"),
    (changed("layers", digest="md5:x"), None, "digest-algorithm-unsupported"),
    (changed("layers", mediaType="absent"), None, "descriptor-media-type-missing"),
    (changed("layers", mediaType=""), None, "descriptor-media-type-missing"),
    (changed("layers", urls="https://x"), None, "descriptor-malformed"),
    (changed("layers", urls=[1]), None, "descriptor-malformed"),
    (changed("layers", platform="linux"), None, "manifest-malformed"),
    (changed("layers", Digest="sha256:x"), None, "json-key-ambiguous"),
    ([], None, "json-not-an-object"),
]


@pytest.mark.parametrize(("content", "content_type", "reason_code"), REFUSED)
def test_each_refusal_has_its_reason(content: object, content_type: str | None, reason_code: str) -> None:
    with pytest.raises(MalformedError) as refusal:
        read(content, content_type)
    assert refusal.value.reason_code == reason_code


def test_wrong_digest_and_wrong_size_are_refused() -> None:
    raw = encoded(FILLED)
    with pytest.raises(MalformedError) as refusal:
        parse_manifest(raw, content_type=None, expected=Digest.of(b"other"))
    assert refusal.value.reason_code == "manifest-digest-mismatch"
    with pytest.raises(MalformedError) as refusal:
        parse_manifest(raw, content_type=None, expected=None, size=len(raw) + 1)
    assert refusal.value.reason_code == "manifest-size-mismatch"


def test_duplicate_keys_and_depth_are_refused() -> None:
    for raw, reason_code in [
        (b'{"schemaVersion":2,"schemaVersion":2}', "json-duplicate-key"),
        (b'{"annotations":' + b"[" * 64 + b"]" * 64 + b"}", "json-too-deep"),
    ]:
        with pytest.raises(MalformedError) as refusal:
            parse_manifest(raw, content_type=OCI_MANIFEST, expected=None)
        assert refusal.value.reason_code == reason_code


def test_a_thousand_layers_are_read() -> None:
    parsed = read({**FILLED, "layers": [described("l", LAYER)] * 1000})
    assert isinstance(parsed, ImageManifest)
    assert len(parsed.layers) == 1000


def test_indexes_three_deep_are_read_and_four_deep_refused() -> None:
    image = manifest()
    one = index(image)
    two = index(one)
    three = index(two)
    check_depth(three, opened(image, one, two))
    four = index(three)
    with pytest.raises(MalformedError) as refusal:
        check_depth(four, opened(image, one, two, three))
    assert refusal.value.reason_code == "index-too-deep"


@pytest.mark.parametrize(
    ("media_type", "urls", "foreign"),
    [
        (LAYER, (), False),
        (LAYER, ("https://elsewhere/layer",), True),
        ("application/vnd.oci.image.layer.nondistributable.v1.tar", (), True),
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", (), True),
    ],
)
def test_a_layer_outside_the_registry_is_told(media_type: str, urls: tuple[str, ...], foreign: bool) -> None:
    assert Descriptor(media_type, Digest.of(b""), 0, urls=urls).foreign is foreign


def test_an_empty_platform_is_none() -> None:
    child = child_of(manifest(), platform={"os": "", "architecture": ""})
    assert index(child).manifests[0].platform is None


@given(
    st.recursive(
        st.one_of(st.none(), st.integers(), st.text()),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["schemaVersion", "mediaType", "config", "layers", "manifests", "digest", "size"]
                ),
                inner,
            )
        ),
    )
)
def test_whatever_the_bytes_say_only_a_refusal_is_raised(content: object) -> None:
    try:
        parsed = read(content, OCI_MANIFEST)
    except MalformedError:
        return
    assert parsed.media_type == OCI_MANIFEST
