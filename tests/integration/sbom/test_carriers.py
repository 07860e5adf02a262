"""Every way an SBOM hangs on an image, found by one command without any configuration."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import main
from gatekeeper.core.digest import Digest
from gatekeeper.core.manifest import OCI_MANIFEST, Descriptor
from gatekeeper.demo.images import (
    Built,
    Piece,
    artifact,
    buildkit_index,
    fallback_index,
    image,
    index,
    referrer,
)
from gatekeeper.demo.oci_registry.behaviour import Behaviour
from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.ports import Attachment
from gatekeeper.signatures.signing import attestation_bundle, attestation_layer, tagged
from tests.integration.sbom.conftest import Show
from tests.integration.workflow.world import ALICE

CYCLONEDX: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [
        {"type": "library", "name": "requests", "version": "2.31.0", "purl": "pkg:pypi/requests@2.31.0"},
    ],
}
SPDX_TEXT = "SPDXVersion: SPDX-2.3\nDocumentName: x\nPackageName: requests\nPackageVersion: 2.31.0\n"
SPDX: dict[str, Any] = {
    "spdxVersion": "SPDX-2.3",
    "packages": [{"name": "requests", "versionInfo": "2.31.0"}],
}
XML = (
    '<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><components><component type="library">'
    "<name>requests</name></component></components></bom>"
)
SPDX_PREDICATE, CYCLONEDX_PREDICATE = "https://spdx.dev/Document", "https://cyclonedx.org/bom"
CREATED_AT = datetime(2026, 1, 1, tzinfo=UTC)
CUSTOM = "https://cosign.sigstore.dev/attestation/v1"


def put(registry: EmbeddedRegistry, attachment: Attachment) -> None:
    for blob in attachment.blobs:
        registry.store.put_blob("app", blob)
    tags = (attachment.tag,) if attachment.tag is not None else ()
    registry.store.put_manifest("app", attachment.manifest, OCI_MANIFEST, tags=tags)


def shown(registry: EmbeddedRegistry, show: Show, *words: str) -> dict[str, Any]:
    code, answer = show(f"{registry.host}/app:1", "--plain-http", *words)
    assert code == 0, answer
    assert [one["name"] for one in answer["components"]] == ["requests"]
    (document,) = answer["documents"]
    assert isinstance(document, dict)
    return {**document, "digest_of_image": answer["digest"], "platform": answer["platform"]}


@pytest.mark.parametrize(
    ("artifact_type", "content", "format_"),
    [
        ("application/vnd.cyclonedx+json", json.dumps(CYCLONEDX), "cyclonedx-json"),
        ("application/spdx+json", json.dumps(SPDX), "spdx-json"),
        ("text/spdx", SPDX_TEXT, "spdx-tag-value"),
        (
            "application/vnd.syft+json",
            '{"artifacts":[{"name":"requests"}],"schema":{"version":"16"}}',
            "syft-json",
        ),
        (
            "application/vnd.cyclonedx+xml",
            XML,
            "cyclonedx-xml",
        ),
    ],
)
def test_a_referrer_in_every_format(
    registry: EmbeddedRegistry, show: Show, artifact_type: str, content: str, format_: str
) -> None:
    built = image({"a": "b"})
    built.store_in(registry.store, "app", "1")
    referrer(built, artifact_type, content.encode()).store_in(registry.store, "app")
    document = shown(registry, show)
    assert (document["format"], document["form"], document["trust"]) == (format_, "sbom-referrer", "unsigned")


def test_a_referrer_of_the_fallback_tag(show: Show) -> None:
    with EmbeddedRegistry(Behaviour(referrers_api=False)) as registry:
        built = image({"a": "b"})
        built.store_in(registry.store, "app", "1")
        hanging = referrer(built, "application/vnd.cyclonedx+json", json.dumps(CYCLONEDX).encode())
        hanging.store_in(registry.store, "app")
        listing, tag = fallback_index([hanging])
        listing.store_in(registry.store, "app", tag)
        assert shown(registry, show)["form"] == "sbom-referrer"


def test_harbors_accessory_is_the_registrys_word(registry: EmbeddedRegistry, show: Show) -> None:
    built = image({"a": "b"})
    built.store_in(registry.store, "app", "1")
    harbor = "application/vnd.goharbor.harbor.sbom.v1"
    referrer(built, harbor, json.dumps(SPDX).encode()).store_in(registry.store, "app")
    document = shown(registry, show)
    assert (document["form"], document["trust"]) == ("harbor-sbom", "registry")


@pytest.mark.parametrize(
    ("predicate_type", "predicate"),
    [
        (CYCLONEDX_PREDICATE, CYCLONEDX),
        (f"{CYCLONEDX_PREDICATE}/v1.6", CYCLONEDX),
        (SPDX_PREDICATE, SPDX),
        (f"{SPDX_PREDICATE}/v2.3", SPDX),
        (SPDX_PREDICATE, json.dumps(SPDX)),
        (SPDX_PREDICATE, SPDX_TEXT),
        (CUSTOM, {"Data": json.dumps(CYCLONEDX), "Timestamp": "2026-01-01T00:00:00Z"}),
        (CUSTOM, {"Data": CYCLONEDX, "Timestamp": ""}),
        (SPDX_PREDICATE, {"Data": SPDX_TEXT, "Timestamp": ""}),
    ],
)
@pytest.mark.parametrize("form", ["cosign-attestation-tag", "sigstore-bundle"])
def test_an_attestation_of_somebody_unknown_is_shown_as_unsigned(
    registry: EmbeddedRegistry, show: Show, form: str, predicate_type: str, predicate: Any
) -> None:
    built = image({"a": "b"})
    built.store_in(registry.store, "app", "1")
    digest = Digest.parse(built.digest)
    name = f"{registry.host}/app"
    if form == "cosign-attestation-tag":
        put(
            registry,
            tagged(digest, [attestation_layer(ALICE, name, digest, predicate_type, predicate)], ".att"),
        )
    else:
        described = Descriptor(OCI_MANIFEST, digest, len(built.raw))
        put(
            registry,
            attestation_bundle(ALICE, described, predicate_type, predicate, name=name, created=CREATED_AT),
        )
    document = shown(registry, show)
    assert (document["form"], document["trust"]) == (form, "unsigned")


def test_an_attestation_about_another_image_is_not_shown(registry: EmbeddedRegistry, show: Show) -> None:
    built = image({"a": "b"})
    built.store_in(registry.store, "app", "1")
    other = Digest.of(b"another image")
    layer = attestation_layer(ALICE, f"{registry.host}/app", other, CYCLONEDX_PREDICATE, CYCLONEDX)
    put(registry, tagged(Digest.parse(built.digest), [layer], ".att"))
    code, answer = show(f"{registry.host}/app:1", "--plain-http")
    assert (code, answer["state"], answer["reason_code"]) == (1, "absent", "sbom-missing")


def test_cosigns_sbom_tag(registry: EmbeddedRegistry, show: Show) -> None:
    built = image({"a": "b"})
    built.store_in(registry.store, "app", "1")
    piece = Piece(json.dumps(SPDX).encode(), "text/spdx+json")
    artifact([piece]).store_in(registry.store, "app", f"{built.digest.replace(':', '-')}.sbom")
    assert shown(registry, show)["form"] == "cosign-sbom-tag"


def _statement(subject: Built, predicate_type: str, predicate: Any) -> bytes:
    statement = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": predicate_type,
        "subject": [{"name": "_", "digest": {"sha256": subject.digest.removeprefix("sha256:")}}],
        "predicate": predicate,
    }
    return json.dumps(statement).encode()


def test_buildkits_attestations_are_those_of_each_platform(registry: EmbeddedRegistry, show: Show) -> None:
    amd, arm = image({"a": "amd"}), image({"a": "arm"}, platform="linux/arm64")
    other = {"spdxVersion": "SPDX-2.3", "packages": [{"name": "urllib3", "versionInfo": "2.0"}]}
    built = buildkit_index(
        [amd, arm],
        {
            amd.digest: [
                _statement(amd, SPDX_PREDICATE, SPDX),
                _statement(amd, "https://slsa.dev/provenance/v1", {}),
            ],
            arm.digest: [_statement(arm, SPDX_PREDICATE, other)],
        },
    )
    built.store_in(registry.store, "app", "1")
    document = shown(registry, show, "--platform", "linux/amd64")
    assert (document["form"], document["trust"]) == ("buildkit-attestation", "unsigned")
    assert (document["digest_of_image"], document["platform"]) == (amd.digest, "linux/amd64")
    code, answer = show(f"{registry.host}/app:1", "--plain-http", "--platform", "linux/arm64")
    assert (code, [one["name"] for one in answer["components"]]) == (0, ["urllib3"])


def test_a_platform_that_is_not_there_names_those_that_are(registry: EmbeddedRegistry, show: Show) -> None:
    index([image({"a": "amd"}), image({"a": "arm"}, platform="linux/arm64")]).store_in(
        registry.store, "app", "1"
    )
    code, answer = show(f"{registry.host}/app:1", "--plain-http", "--platform", "linux/s390x")
    assert (code, answer["reason_code"]) == (2, "platform-missing")
    assert "linux/amd64, linux/arm64" in answer["message"]


def test_an_sbom_of_the_index_counts_for_its_images(registry: EmbeddedRegistry, show: Show) -> None:
    built = index([image({"a": "amd"}), image({"a": "arm"}, platform="linux/arm64")])
    built.store_in(registry.store, "app", "1")
    hanging = referrer(built, "application/vnd.cyclonedx+json", json.dumps(CYCLONEDX).encode())
    hanging.store_in(registry.store, "app")
    shown(registry, show, "--platform", "linux/arm64")


def test_several_sboms_are_merged_and_each_fact_names_its_documents(
    registry: EmbeddedRegistry, show: Show
) -> None:
    built = image({"a": "b"})
    built.store_in(registry.store, "app", "1")
    first = json.dumps(CYCLONEDX).encode()
    licenced = {**CYCLONEDX["components"][0], "licenses": [{"license": {"id": "Apache-2.0"}}]}
    more = {"type": "library", "name": "idna", "version": "3.4", "purl": "pkg:pypi/idna@3.4"}
    second = json.dumps({**CYCLONEDX, "components": [licenced, more]}).encode()
    referrer(built, "application/vnd.cyclonedx+json", first).store_in(registry.store, "app")
    referrer(built, "application/vnd.cyclonedx+json", second).store_in(registry.store, "app")
    code, answer = show(f"{registry.host}/app:1", "--plain-http")
    assert (code, answer["totals"]["components"], len(answer["documents"])) == (0, 2, 2)
    found = {one["name"]: one for one in answer["components"]}
    assert set(found["requests"]["documents"]) == {str(Digest.of(first)), str(Digest.of(second))}
    assert found["requests"]["licence"] == "Apache-2.0"
    (licence,) = (fact for fact in found["requests"]["facts"] if fact["name"] == "licence")
    assert licence == {"name": "licence", "value": "Apache-2.0", "documents": [str(Digest.of(second))]}
    assert found["idna"]["documents"] == [str(Digest.of(second))]


def test_an_sbom_that_cannot_be_read_is_told_and_the_others_are_shown(
    registry: EmbeddedRegistry, show: Show
) -> None:
    built = image({"a": "b"})
    built.store_in(registry.store, "app", "1")
    referrer(built, "application/spdx+json", b"{").store_in(registry.store, "app")
    code, answer = show(f"{registry.host}/app:1", "--plain-http")
    assert (code, answer["state"]) == (4, "unavailable")
    assert answer["gaps"][0]["cause"] == "malformed"
    hanging = referrer(built, "application/vnd.cyclonedx+json", json.dumps(CYCLONEDX).encode())
    hanging.store_in(registry.store, "app")
    code, answer = show(f"{registry.host}/app:1", "--plain-http")
    assert (code, answer["state"], len(answer["gaps"])) == (0, "partly-read", 1)


def test_os_only_reads_the_layers_and_only_when_asked(
    registry: EmbeddedRegistry, show: Show, alpine: Built
) -> None:
    alpine.store_in(registry.store, "app", "1")
    code, answer = show(f"{registry.host}/app:1", "--plain-http")
    assert (code, answer["state"]) == (1, "absent")
    code, answer = show(f"{registry.host}/app:1", "--plain-http", "--os-only")
    assert (code, answer["format"], answer["totals"]["components"]) == (0, "os-only", 3)
    assert answer["operating_system"]["id"] == "alpine"
    assert (answer["documents"][0]["trust"], answer["documents"][0]["form"]) == ("generated", "image-layers")
    hanging = referrer(alpine, "application/vnd.cyclonedx+json", json.dumps(CYCLONEDX).encode())
    hanging.store_in(registry.store, "app")
    shown(registry, show, "--os-only")


def test_layers_that_cannot_be_read_are_a_gap(registry: EmbeddedRegistry, show: Show) -> None:
    broken = image({"a": "b"})
    document = broken.document
    piece = Piece(b"no layer at all", "application/vnd.oci.image.layer.v1.tar+gzip")
    document["layers"] = [piece.descriptor()]
    built = Built(json.dumps(document).encode(), broken.media_type, (*broken.pieces, piece))
    built.store_in(registry.store, "app", "1")
    code, answer = show(f"{registry.host}/app:1", "--plain-http", "--os-only")
    assert (code, answer["state"]) == (4, "unavailable")


def test_an_image_that_is_not_there(registry: EmbeddedRegistry, show: Show) -> None:
    code, answer = show(f"{registry.host}/app:none", "--plain-http")
    assert (code, answer["state"]) == (5, "error")


CONFIG = """\
version = 1
policy = "policy.toml"
[[registries]]
host = "{host}"
plain_http = true
[database]
path = "gatekeeper.db"
"""
POLICY = """\
version = 1
[signers.release]
keys = [{ file = "release.pub" }]
[policies.all]
rules = ["sbom-untrusted"]
[[scopes]]
name = "all"
repositories = ["127.0.0.1:*/**"]
policy = "all"
"""


def test_with_a_configuration_its_signers_tell_signed_sboms_from_others(
    registry: EmbeddedRegistry, show: Show, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.format(host=registry.host))
    (tmp_path / "policy.toml").write_text(POLICY)
    (tmp_path / "release.pub").write_text(ALICE.public.spki_pem)
    built = image({"a": "b"})
    built.store_in(registry.store, "app", "1")
    digest = Digest.parse(built.digest)
    layer = attestation_layer(ALICE, f"{registry.host}/app", digest, CYCLONEDX_PREDICATE, CYCLONEDX)
    put(registry, tagged(digest, [layer], ".att"))
    other = {**CYCLONEDX, "components": [{"type": "library", "name": "requests", "version": "2.31.0"}]}
    referrer(built, "application/vnd.cyclonedx+json", json.dumps(other).encode()).store_in(
        registry.store, "app"
    )
    code, answer = show(f"{registry.host}/app:1", "--config", str(tmp_path / "config.toml"))
    assert code == 0
    assert [one["trust"] for one in answer["documents"]] == ["signed", "unsigned"]
    assert answer["documents"][0]["signatures"]


def test_what_is_emitted_of_an_image_names_it(
    registry: EmbeddedRegistry,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    built = image({"a": "b"})
    built.store_in(registry.store, "app", "1")
    assert main(["sbom", "show", f"{registry.host}/app:1", "--plain-http", "--output", "cyclonedx"]) == 5
    capsys.readouterr()
    referrer(built, "application/spdx+json", json.dumps(SPDX).encode()).store_in(registry.store, "app")
    assert main(["sbom", "show", f"{registry.host}/app:1", "--plain-http", "--output", "cyclonedx"]) == 0
    emitted = json.loads(capsys.readouterr().out)
    root = emitted["metadata"]["component"]
    assert (root["name"], root["version"]) == (f"{registry.host}/app@{built.digest}", built.digest)
