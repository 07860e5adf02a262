"""``gatekeeper verify`` from the outside: who counts, what is asked, how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import main
from gatekeeper.core.digest import Digest
from gatekeeper.core.manifest import OCI_MANIFEST, Descriptor
from gatekeeper.core.verification_summary import PREDICATE_TYPE
from gatekeeper.demo.images import Built, image, index
from gatekeeper.demo.oci_registry.behaviour import BasicAuthentication
from gatekeeper.demo.registry import Behaviour, EmbeddedRegistry
from gatekeeper.demo.sigstore.fulcio import Signer
from gatekeeper.demo.sigstore.instance import VirtualSigstore
from gatekeeper.ports import Attachment
from gatekeeper.signatures.attaching import bundle_referrer
from gatekeeper.signatures.signing import (
    SigningKey,
    attestation_bundle,
    attestation_layer,
    signature_bundle,
    signature_layer,
    tagged,
)

ANN, BOB, EVE = (SigningKey.generate(name) for name in ("ann.pub", "bob.pub", "eve.pub"))
CREATED = datetime(2026, 11, 24, tzinfo=UTC)
SBOM = "https://cyclonedx.org/bom"


@dataclass(frozen=True, slots=True)
class Desk:
    """A registry, key files, and the command."""

    registry: EmbeddedRegistry
    folder: Path
    capsys: pytest.CaptureFixture[str]

    def push(self, path: str, built: Built | None = None) -> Digest:
        made = built or image({"etc/motd": path})
        return Digest.parse(made.store_in(self.registry.store, path, "1"))

    def hang(self, path: str, *attachments: Attachment) -> None:
        for attachment in attachments:
            for blob in attachment.blobs:
                self.registry.store.put_blob(path, blob)
            tags = (attachment.tag,) if attachment.tag is not None else ()
            self.registry.store.put_manifest(path, attachment.manifest, OCI_MANIFEST, tags=tags)

    def described(self, path: str, digest: Digest) -> Descriptor:
        stored = self.registry.store.manifest(path, str(digest))
        assert stored is not None
        return Descriptor(stored.media_type, digest, len(stored.raw))

    def key(self, key: SigningKey) -> str:
        file = self.folder / key.public.source
        file.write_text(key.public.spki_pem)
        return str(file)

    def verify(self, image_name: str, *options: str) -> tuple[int, dict[str, Any]]:
        code = main(["verify", f"{self.registry.host}/{image_name}", "--plain-http", "-o", "json", *options])
        return code, json.loads(self.capsys.readouterr().out)

    def refused(self, *arguments: str) -> str:
        """What a usage error says."""
        assert main(list(arguments)) == 2
        return " ".join(self.capsys.readouterr().err.replace("│", " ").split())


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    with EmbeddedRegistry() as registry:
        yield Desk(registry, tmp_path, capsys)
    assert registry.internal_errors == ()


def sig(digest: Digest, *keys: SigningKey, annotations: dict[str, str] | None = None) -> Attachment:
    return tagged(digest, [signature_layer(key, "team/app", digest, annotations) for key in keys])


def test_every_signer_counts_once_and_all_forms_together(desk: Desk) -> None:
    digest = desk.push("app")
    desk.hang(
        "app", sig(digest, ANN, ANN), signature_bundle(BOB, desk.described("app", digest), created=CREATED)
    )
    ann, bob, eve = (desk.key(key) for key in (ANN, BOB, EVE))
    code, answer = desk.verify("app:1", "--key", ann)
    assert (code, answer["state"], answer["reason_code"]) == (0, "verified", "verified")
    assert answer["subject"] == f"{desk.registry.host}/app@{digest}"
    assert answer["signers"] == [f"key {ann}"]
    assert [one["counts"] for one in answer["candidates"]].count(True) == 2
    assert desk.verify("app:1", "--key", ann, "--key", bob, "--threshold", "2")[0] == 0
    code, answer = desk.verify("app:1", "--key", ann, "--key", eve, "--threshold", "2")
    assert (code, answer["reason_code"]) == (1, "threshold-not-reached")
    code, answer = desk.verify(f"app@{digest}", "--key", eve)
    assert (code, answer["state"], answer["reason_code"]) == (1, "refused", "signature-not-by-trusted-key")
    assert {one["why_not"] for one in answer["candidates"]} == {
        "none of the 1 trusted keys signed these bytes"
    }
    assert answer["exit_code"] == 1


def test_one_key_is_one_signer_whatever_it_is_called(desk: Desk) -> None:
    digest = desk.push("app")
    desk.hang("app", sig(digest, ANN))
    ann = desk.key(ANN)
    again = desk.folder / "same.pub"
    again.write_text(Path(ann).read_text())
    said = desk.refused(
        "verify", f"{desk.registry.host}/app:1", "--key", ann, "--key", str(again), "--threshold", "2"
    )
    assert "2 signers are needed and 1 are named" in said


def test_an_unsigned_image_and_an_attestation_are_not_signed(desk: Desk) -> None:
    ann = desk.key(ANN)
    digest = desk.push("app")
    code, answer = desk.verify("app:1", "--key", ann)
    assert (code, answer["reason_code"], answer["candidates"]) == (1, "signature-missing", [])
    attestation = attestation_bundle(
        ANN, desk.described("app", digest), SBOM, {}, name="app", created=CREATED
    )
    desk.hang("app", attestation)
    code, answer = desk.verify("app:1", "--key", ann)
    assert (code, answer["reason_code"]) == (1, "signature-missing")
    assert answer["candidates"][0]["why_not"] == "it is an attestation, which is no signature"


def test_a_type_wants_that_attestation_and_nothing_else(desk: Desk) -> None:
    ann = desk.key(ANN)
    digest = desk.push("app")
    desk.hang("app", sig(digest, ANN))
    for written in (SBOM, "cyclonedx"):
        code, answer = desk.verify("app:1", "--key", ann, "--type", written)
        assert (code, answer["reason_code"]) == (1, "attestation-missing")
    desk.hang("app", tagged(digest, [attestation_layer(ANN, "app", digest, SBOM, {})], ".att"))
    assert desk.verify("app:1", "--key", ann, "--type", SBOM)[0] == 0
    assert desk.verify("app:1", "--key", ann, "--type", "vuln")[0] == 1
    code, answer = desk.verify("app:1", "--key", desk.key(EVE), "--type", SBOM)
    assert (code, answer["reason_code"]) == (1, "signature-not-by-trusted-key")


@pytest.mark.parametrize("bundle", [False, True])
def test_annotations_must_be_signed(desk: Desk, bundle: bool) -> None:
    digest, stage = desk.push("app"), {"stage": "prod"}
    made = (
        signature_bundle(ANN, desk.described("app", digest), created=CREATED, annotations=stage)
        if bundle
        else sig(digest, ANN, annotations=stage)
    )
    desk.hang("app", made)
    ann = desk.key(ANN)
    assert desk.verify("app:1", "--key", ann, "--annotation", "stage=prod")[0] == 0
    code, answer = desk.verify("app:1", "--key", ann, "-a", "stage=test")
    assert (code, answer["reason_code"]) == (1, "signer-not-accepted")
    assert "'prod', not 'test'" in answer["message"]
    assert desk.verify("app:1", "--key", ann, "-a", "owner=ann")[0] == 1


def test_a_platform_of_an_index_by_its_own_or_its_indexs_signature(desk: Desk) -> None:
    both = [image({"a": "b"}), image({"a": "c"}, platform="linux/arm64")]
    digest = desk.push("app", index(both))
    amd, arm = (Digest.parse(one.digest) for one in both)
    desk.hang("app", sig(digest, ANN), sig(arm, BOB))
    ann, bob = desk.key(ANN), desk.key(BOB)
    code, answer = desk.verify("app:1", "--key", ann, "--platform", "linux/arm64")
    assert (code, answer["digest"], answer["index"]) == (0, str(arm), str(digest))
    assert answer["platform"] == "linux/arm64"
    for key, via, platform, expected in (
        (ann, "self", "linux/arm64", 1), (ann, "parent_index", "linux/arm64", 0),
        (bob, "self", "linux/arm64", 0), (bob, "parent_index", "linux/arm64", 1),
        (bob, "any", "linux/amd64", 1), (ann, "any", "linux/amd64", 0),
    ):  # fmt: skip
        asked = desk.verify("app:1", "--key", key, "--platform", platform, "--signed-via", via)
        assert asked[0] == expected, (via, platform)
    assert desk.verify("app:1", "--key", bob)[0] == 1, "a child's signature never counts for its index"
    assert desk.verify(f"app@{amd}", "--key", ann)[0] == 1, "without the index there is nothing that binds it"
    code, answer = desk.verify("app:1", "--key", ann, "--platform", "windows/amd64")
    assert (code, answer["reason_code"]) == (5, "platform-missing")
    assert "linux/amd64, linux/arm64" in answer["message"]


def test_a_platform_of_a_single_image_must_be_its_own(desk: Desk) -> None:
    digest = desk.push("app")
    desk.hang("app", sig(digest, ANN))
    assert desk.verify("app:1", "--key", desk.key(ANN), "--platform", "linux/amd64")[0] == 0
    assert desk.verify("app:1", "--key", desk.key(ANN), "--platform", "linux/s390x")[0] == 5


def test_a_separate_signature_repository_is_united_with_the_images_own(desk: Desk) -> None:
    digest = desk.push("app")
    desk.hang("signatures", sig(digest, ANN))
    ann = desk.key(ANN)
    assert desk.verify("app:1", "--key", ann)[0] == 1
    there = f"{desk.registry.host}/signatures"
    assert desk.verify("app:1", "--key", ann, "--signature-repository", there)[0] == 0
    desk.hang("app", sig(digest, BOB))
    both = ("--key", ann, "--key", desk.key(BOB), "--threshold", "2")
    assert desk.verify("app:1", *both, "--signature-repository", there)[0] == 0


def test_what_cannot_be_resolved_is_5_and_what_cannot_be_asked_is_4(desk: Desk) -> None:
    ann = desk.key(ANN)
    digest = desk.push("app")
    assert desk.verify("app:2", "--key", ann)[0] == 5
    assert desk.verify("nothing:1", "--key", ann)[0] == 5
    code = main(["verify", "127.0.0.1:9/app:1", "--plain-http", "-o", "json", "--key", ann])
    assert (code, json.loads(desk.capsys.readouterr().out)["state"]) == (5, "error")
    desk.hang("app", sig(digest, EVE))
    stored = desk.registry.store.manifest("app", f"{digest.tag_form}.sig")
    assert stored is not None
    layer = json.loads(stored.raw)["layers"][0]["digest"]
    desk.registry.store.delete_blob("app", layer)
    code, answer = desk.verify("app:1", "--key", ann)
    assert (code, answer["state"], answer["reason_code"]) == (4, "inconclusive", "evidence-unavailable")
    assert answer["unavailable"]
    desk.hang("app", signature_bundle(ANN, desk.described("app", digest), created=CREATED))
    assert desk.verify("app:1", "--key", ann)[0] == 0, (
        "what could not be asked hides nothing that was verified"
    )


def test_a_keyless_signature_under_a_given_a_kept_and_the_shipped_root(desk: Desk) -> None:
    sigstore = VirtualSigstore.since(CREATED)
    digest = desk.push("app")
    statement = json.dumps({
        "_type": "https://in-toto.io/Statement/v1", "subject": [{"digest": {"sha256": digest.encoded}}],
        "predicateType": "https://sigstore.dev/cosign/sign/v1", "predicate": {},
    }).encode()  # fmt: skip
    who = Signer("https://github.com/good/app/.github/workflows/r.yml@refs/tags/v1", "https://issuer.test")
    bundle = sigstore.bundle_of_statement(statement, who, CREATED)
    made = bundle_referrer(
        json.dumps(bundle).encode(),
        desk.described("app", digest),
        "https://sigstore.dev/cosign/sign/v1",
        created=CREATED,
    )
    desk.hang("app", made)
    root = desk.folder / "trusted_root.json"
    root.write_bytes(sigstore.trusted_root_json())
    issuer = ("--issuer", "https://issuer.test")
    given = (*issuer, "--trusted-root", str(root))
    code, answer = desk.verify("app:1", "--identity", who.name, *given)
    assert (code, answer["candidates"][0]["identity"], answer["candidates"][0]["log_index"]) == (
        0,
        who.name,
        0,
    )
    assert (
        desk.verify(
            "app:1", "--identity-glob", "https://github.com/good/*/.github/workflows/*@refs/tags/*", *given
        )[0]
        == 0
    )
    assert desk.verify("app:1", "--identity-regexp", "https://github.com/good/.*", *given)[0] == 0
    code, answer = desk.verify("app:1", "--identity-regexp", "https://github.com/goo", *given)
    assert (code, answer["reason_code"]) == (1, "signer-not-accepted")
    assert "is not regexp" in answer["message"]
    assert (
        desk.verify(
            "app:1",
            "--identity",
            who.name,
            "--issuer-regexp",
            "https://issuer[.]te",
            "--trusted-root",
            str(root),
        )[0]
        == 1
    )
    assert desk.verify("app:1", "--identity", who.name, *issuer)[0] == 1, (
        "public Sigstore knows nothing of it"
    )
    kept = desk.folder / "trust"
    assert "there is no trust root" in desk.refused(
        "verify",
        f"{desk.registry.host}/app:1",
        "--identity",
        who.name,
        *issuer,
        "--trust-directory",
        str(kept),
    )
    assert main(["trust", "import", str(root), "--name", "private", "--directory", str(kept)]) == 0
    desk.capsys.readouterr()
    assert desk.verify("app:1", "--identity", who.name, *issuer, "--trust-directory", str(kept))[0] == 0
    code, answer = desk.verify("app:1", "--key", desk.key(ANN))
    assert (code, answer["state"]) == (1, "refused"), "with keys alone only keys count"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "nobody is trusted"),
        (("--key", "nowhere.pub"), "cannot be read"),
        (("--key", __file__), "it is not PEM"),
        (("--identity", "a@b.c"), "needs the issuer"),
        (("--issuer", "https://b.c"), "names nobody"),
        (("--identity-regexp", "(a+)+$(", "--issuer", "https://b.c"), "regexp"),
        (("--notation-policy", "x.json"), "go together"),
        (("--key", "KEY", "--threshold", "0"), "threshold"),
        (("--key", "KEY", "--platform", "amd64"), "os/architecture"),
        (("--key", "KEY", "--annotation", "stage"), "is not NAME=VALUE"),
        (("--key", "KEY", "--type", "nonsense"), "no short name"),
        (("--key", "KEY", "--ca-file", "nowhere.pem"), "there is no file"),
        (("--key", "KEY", "--signature-repository", "UPPER/x:y"), "repository"),
        (("--identity", "a@b.c", "--issuer", "https://b.c", "--trusted-root", __file__), "--trusted-root"),
    ],
)
def test_a_question_that_is_none_ends_with_2(desk: Desk, options: tuple[str, ...], said: str) -> None:
    written = [desk.key(ANN) if option == "KEY" else option for option in options]
    assert said.lower() in desk.refused("verify", f"{desk.registry.host}/app:1", *written).lower()


def test_docker_s_credentials_sign_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    behaviour = Behaviour(authentication=BasicAuthentication({"ann": "secret"}))
    with EmbeddedRegistry(behaviour) as registry:
        desk = Desk(registry, tmp_path, capsys)
        desk.hang("app", sig(desk.push("app"), ANN))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        assert desk.verify("app:1", "--key", desk.key(ANN))[0] == 5
        (tmp_path / "config.json").write_text(
            json.dumps({"auths": {registry.host: {"auth": "YW5uOnNlY3JldA=="}}})
        )
        assert desk.verify("app:1", "--key", desk.key(ANN))[0] == 0


def test_a_summary_is_checked_whoever_made_it(desk: Desk) -> None:
    digest = desk.push("app")
    name = f"{desk.registry.host}/app"
    uri = "https://verifier.example.test"

    def summary(
        at: str, result: str = "PASSED", levels: tuple[str, ...] = ("SLSA_BUILD_LEVEL_3",), who: str = uri
    ) -> Attachment:
        predicate = {
            "verifier": {"id": who}, "timeVerified": at, "policy": {"uri": uri, "digest": {"sha256": "0" * 64}},
            "resourceUri": f"pkg:oci/app@sha256%3A{digest.encoded}?repository_url={name}",
            "verificationResult": result, "verifiedLevels": list(levels),
        }  # fmt: skip
        return attestation_bundle(
            ANN, desk.described("app", digest), PREDICATE_TYPE, predicate, name=name, created=CREATED
        )

    def check(*options: str) -> tuple[int, str]:
        code = main([
            "verify-vsa", f"{name}:1", "--plain-http", "-o", "json", "--key", desk.key(ANN), "--verifier-id", uri,
            *options,
        ])  # fmt: skip
        return code, json.loads(desk.capsys.readouterr().out)["reason_code"]

    assert check() == (1, "attestation-missing")
    desk.hang("app", summary("2026-01-01T00:00:00Z", who="https://evil.example.test"))
    assert check() == (1, "vsa-verifier-mismatch")
    desk.hang("app", summary("2026-01-01T00:00:00Z"))
    assert check() == (0, "verified")
    assert check("--level", "SLSA_BUILD_LEVEL_3", "--policy-digest", f"sha256:{'0' * 64}") == (0, "verified")
    assert check("--level", "SLSA_BUILD_LEVEL_4") == (1, "vsa-level-missing")
    assert check("--policy-digest", f"sha256:{'1' * 64}") == (1, "vsa-policy-mismatch")
    assert check("--max-age", "1d") == (1, "vsa-too-old")
    assert check("--resource-uri", "pkg:oci/other") == (1, "vsa-resource-mismatch")
    desk.hang("app", summary("2026-02-01T00:00:00Z", "FAILED"))
    assert check() == (1, "vsa-failed")
    desk.hang("app", summary("2026-03-01T00:00:00Z"))
    assert check() == (0, "verified")


def test_a_key_is_made_and_signs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = desk.folder / "vsa"
    for extra in (("--unencrypted",), ("--format", "cosign", "--kind", "ed25519")):
        monkeypatch.setenv("GATEKEEPER_SIGNING_PASSWORD", "sesame")
        assert main(["sign", "key", "generate", str(prefix), "-o", "json", *extra]) == 0
        plain = json.loads(desk.capsys.readouterr().out)
        private = Path(plain["private_key"])
        assert private.stat().st_mode & 0o777 == 0o600
        password = b"sesame" if plain["encrypted"] else None
        key = SigningKey.from_pem(private.read_bytes(), "vsa.key", password=password)
        assert key.public.id == plain["id"]
        assert key.public.spki_pem == Path(plain["public_key"]).read_text()
        assert "exists already" in desk.refused("sign", "key", "generate", str(prefix), *extra)
        private.unlink()
        Path(plain["public_key"]).unlink()
    monkeypatch.delenv("GATEKEEPER_SIGNING_PASSWORD")
    assert "there is no password" in desk.refused("sign", "key", "generate", str(prefix))
    assert "always encrypted" in desk.refused(
        "sign", "key", "generate", str(prefix), "--format", "cosign", "--unencrypted"
    )
