"""Sample images are the same bytes everywhere, and what the specifications say they are."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from datetime import UTC, datetime

import pytest

from gatekeeper.demo.images import (
    Flavour,
    Piece,
    artifact,
    buildkit_index,
    fallback_index,
    image,
    index,
    layer,
    referrer,
    stored_gzip,
    tar,
)
from gatekeeper.demo.oci_registry.store import Store

_APP = image({"etc/motd": "hello"}, labels={"team": "blue"})


def test_digests_are_the_same_on_every_machine() -> None:
    assert _APP.digest == "sha256:cc9fa0d92af058c127621a6a5f1b04454709558b87278609ef5a371238721356"
    assert (
        image({"a": "b"}, flavour=Flavour.DOCKER).digest
        == "sha256:61469e48e41188f7536a88cc418db37ee561fe5758e36abb9ae48ad3ef2bbe50"
    )


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 200_000])
def test_stored_gzip_is_gzip(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    assert gzip.decompress(stored_gzip(content[:size])) == content[:size]


def test_layer_holds_the_files() -> None:
    with tarfile.open(
        fileobj=io.BytesIO(layer({"a/b": "text", "c": b"\x00"}).content), mode="r:gz"
    ) as archive:
        found = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    assert found == {"a/b": b"text", "c": b"\x00"}


@pytest.mark.parametrize("flavour", Flavour)
def test_image_refers_to_its_pieces(flavour: Flavour) -> None:
    built = image([{"a": "1"}, {"b": "2"}], flavour=flavour, platform="linux/arm/v7", user=None)
    document = json.loads(built.raw)
    config, first, second = built.pieces
    assert document["config"] == config.descriptor()
    assert document["layers"] == [first.descriptor(), second.descriptor()]
    assert document["mediaType"] == built.media_type
    assert all(
        ("docker" in text) is (flavour is Flavour.DOCKER) for text in (built.media_type, first.media_type)
    )
    settings = json.loads(config.content)
    assert (settings["os"], settings["architecture"], settings["variant"]) == ("linux", "arm", "v7")
    assert settings["config"] == {}
    assert settings["rootfs"]["diff_ids"] == [
        f"sha256:{hashlib.sha256(tar(files)).hexdigest()}" for files in ({"a": "1"}, {"b": "2"})
    ]


@pytest.mark.parametrize(
    ("created", "text"),
    [(datetime(2026, 2, 3, tzinfo=UTC), "2026-02-03T00:00:00Z"), ("junk", "junk"), (None, None)],
)
def test_created(created: datetime | str | None, text: str | None) -> None:
    assert json.loads(image({"a": "b"}, created=created).pieces[0].content).get("created") == text


def test_configuration_may_be_overruled() -> None:
    built = image({"a": "b"}, user="0", run={"User": "root", "Env": ["A=1"]}, config={"os": "windows"})
    settings = json.loads(built.pieces[0].content)
    assert (settings["config"], settings["os"]) == ({"User": "root", "Env": ["A=1"]}, "windows")


def test_index_lists_children_with_platforms() -> None:
    other = image({"etc/motd": "hello"}, platform="linux/arm64/v8")
    document = index([_APP, other], annotations={"k": "v"}).document
    assert document["annotations"] == {"k": "v"}
    assert document["manifests"] == [
        {**_APP.descriptor(), "platform": {"os": "linux", "architecture": "amd64"}},
        {**other.descriptor(), "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
    ]


def test_referrer_hangs_on_its_subject() -> None:
    document = referrer(_APP, "application/spdx+json", b"{}", annotations={"k": "v"}).document
    assert document["subject"] == _APP.descriptor()
    assert document["artifactType"] == "application/spdx+json"
    assert document["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"  # type: ignore[index]


def test_buildkit_index_has_attestation_manifests() -> None:
    statement = b'{"predicateType": "https://spdx.dev/Document"}'
    built = buildkit_index([_APP], {_APP.digest: [statement]})
    attestation = json.loads(built.raw)["manifests"][1]
    assert attestation["platform"] == {"architecture": "unknown", "os": "unknown"}
    assert attestation["annotations"] == {
        "vnd.docker.reference.digest": _APP.digest,
        "vnd.docker.reference.type": "attestation-manifest",
    }
    (piece,) = json.loads(built.children[1].raw)["layers"]
    assert piece["annotations"] == {"in-toto.io/predicate-type": "https://spdx.dev/Document"}


def test_fallback_index_speaks_of_artifact_types_and_annotations() -> None:
    sbom = referrer(_APP, "application/spdx+json", b"{}", annotations={"k": "v"})
    built, tag = fallback_index([sbom])
    assert tag == f"sha256-{_APP.digest.removeprefix('sha256:')}"
    assert built.document["manifests"] == [
        {**sbom.descriptor(), "artifactType": "application/spdx+json", "annotations": {"k": "v"}}
    ]


def test_foreign_pieces_are_not_pushed() -> None:
    foreign = Piece(b"far", extra={"urls": ["https://elsewhere/"]})
    store = Store()
    artifact([foreign, Piece(b"near")]).store_in(store, "a", "1")
    assert store.blob("a", Piece(b"near").digest) == b"near"
    assert store.blob("a", foreign.digest) is None
