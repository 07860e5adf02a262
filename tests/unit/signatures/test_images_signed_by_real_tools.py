"""What real tools wrote, from files: no tool and no socket is needed."""

from __future__ import annotations

import json

import pytest

from gatekeeper.core.evidence import Form, Outcome, Purpose
from gatekeeper.core.trust import PublicKey
from gatekeeper.ports import Verified
from gatekeeper.signatures.keys import load_public_key
from tests.fakes.registry_dump import FIXTURES, repository

_TOOLS = FIXTURES / "signed_by_real_tools"
_KEYS = FIXTURES / "signed_with_every_key"


def _key(path: str) -> PublicKey:
    return load_public_key((FIXTURES / path).read_bytes(), path)


_EC, _OTHER = _key("signed_by_real_tools/keys/ec.pub"), _key("signed_by_real_tools/keys/other.pub")


def _rows(judged: list[Verified]) -> list[tuple[str, str]]:
    return sorted((one.candidate.purpose.value, one.candidate.reason_code) for one in judged)


_SIGNED = ("signature", "signature-verified")
_ATTESTED = ("attestation", "attestation-verified")
_STRANGER = ("signature", "signature-not-by-trusted-key")
_EXPECTED = {
    "unsigned": [],
    "c2-sig-ec": [_SIGNED],
    "wrong-key-sig": [_STRANGER],
    "c2-oci11-ec": [_SIGNED],
    "c3-bundle-ec": [_SIGNED],
    "dist-c3-bundle": [_SIGNED],
    "c3-bundle-index-recursive": [_SIGNED],
    "full-c2": [_ATTESTED, _ATTESTED, _ATTESTED, _SIGNED],
    "full-c3": [_ATTESTED, _ATTESTED, _ATTESTED, _SIGNED],
    "kl-c3-rekor1": [("signature", "trust-root-missing")],
    "notation-jws-rsa2048": [("signature", "notation-not-configured")],
    "notation-cose-ec256": [("signature", "notation-not-configured")],
    "oras-sbom-spdx-json": [],
}


@pytest.mark.parametrize("name", _EXPECTED)
def test_the_candidates_beside_an_image(name: str) -> None:
    found = repository(_TOOLS, f"corpus/{name}")
    assert _rows(found.verify(found.subject(), [_EC])) == _EXPECTED[name]


def test_every_repository_of_the_dump_is_looked_at() -> None:
    registries = json.loads((_TOOLS / "index.json").read_text())["registries"]
    names = {name.removeprefix("corpus/") for content in registries.values() for name in content}
    assert names == set(_EXPECTED)


@pytest.mark.parametrize(
    "row", json.loads((_TOOLS / "manifest.json").read_text())["rows"], ids=lambda row: row["name"]
)
def test_the_answers_expected_of_a_verifier_with_managed_keys(row: dict[str, object]) -> None:
    keys = {"ec": _EC, "other": _OTHER}
    found = repository(_TOOLS, str(row["repo"]))
    asked = 0
    for check in row["checks"]:  # type: ignore[attr-defined]
        if check["type"] != "signature" or check.get("key") not in keys:
            continue
        judged = found.verify(found.subject(str(row["tag"])), [keys[check["key"]]])
        signed = any(
            one.candidate.outcome is Outcome.VERIFIED and one.candidate.purpose is Purpose.SIGNATURE
            for one in judged
        )
        assert signed is (check["expect"] == "pass"), check
        asked += 1
    assert asked or row["group"] != "good" or "kl-" in str(row["name"]) or "notation" in str(row["name"])


def test_an_index_and_its_children_are_signed_each() -> None:
    found = repository(_TOOLS, "corpus/c3-bundle-index-recursive")
    children = found.image_children(found.subject())
    assert len(children) == 2
    for child in children:
        assert _rows(found.verify(child, [_EC])) == [_SIGNED]


_TABLE = [
    (tool, kind, form)
    for tool in ("cosign2", "cosign")
    for kind in ("ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-2048", "ed25519")
    for form in ("legacy", "bundle")
]


@pytest.mark.parametrize(("tool", "kind", "form"), _TABLE)
def test_every_kind_of_key_of_both_cosigns(tool: str, kind: str, form: str) -> None:
    found = repository(_KEYS, f"signed/{tool}/{kind}/{form}")
    subject = found.subject("1")
    key = _key(f"signed_with_every_key/keys/{tool}-{kind}.pub")
    other = _key(f"signed_with_every_key/keys/{'cosign' if tool == 'cosign2' else 'cosign2'}-{kind}.pub")
    (verified,) = found.verify(subject, [other, key])
    assert verified.candidate.outcome is Outcome.VERIFIED
    assert verified.candidate.key_ids == (key.id,)
    assert verified.candidate.form is (
        Form.COSIGN_SIGNATURE_TAG if form == "legacy" else Form.SIGSTORE_BUNDLE
    )
    assert _rows(found.verify(subject, [other])) == [_STRANGER]


@pytest.mark.parametrize("tool", ["cosign2", "cosign"])
@pytest.mark.parametrize("form", ["legacy", "bundle"])
def test_attestations_of_both_cosigns(tool: str, form: str) -> None:
    found = repository(_KEYS, f"attested/{tool}/{form}")
    key = _key(f"signed_with_every_key/keys/{tool}-ecdsa-p256.pub")
    judged = found.verify(found.subject("1"), [key])
    assert _rows(judged) == [_ATTESTED] * 5
    types = sorted(one.statement.predicate_type for one in judged if one.statement is not None)
    assert types == [
        "https://cosign.sigstore.dev/attestation/v1",
        "https://cyclonedx.org/bom",
        "https://example.test/review/v1",
        "https://spdx.dev/Document",
        "https://spdx.dev/Document",
    ]
    assert {one.candidate.anomalies for one in judged} == {()}
