"""Bad signatures made from real ones: refused by us, with cosign's own verdict beside ours."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.manifest import OCI_MANIFEST
from gatekeeper.demo.images import image
from tests.integration.signatures.cosign_bench import TOOLS, CosignBench, KeyFiles, outcomes

_PREDICATE = (
    '{"buildDefinition":{"buildType":"x","externalParameters":{}},"runDetails":{"builder":{"id":"y"}}}'
)


def _verdicts(bench: CosignBench, form: str, key: KeyFiles, reference: str) -> dict[str, bool]:
    return {tool: bench.ask(tool, form, key.public, reference).accepts for tool in TOOLS}


@pytest.mark.judge("cosign")
@pytest.mark.parametrize("tool", TOOLS)
def test_a_signature_copied_to_the_tag_of_another_image(bench: CosignBench, tool: str) -> None:
    key = bench.key("ecdsa-p256", tool)
    signed, other = bench.push("team/app"), bench.push("team/app", image({"etc/motd": "evil"}))
    bench.sign(tool, "legacy", key, bench.reference("team/app", signed))
    store = bench.registry.store
    copied = store.tag("team/app", signed.tag_form + ".sig")
    assert copied is not None
    store.set_tag("team/app", other.tag_form + ".sig", copied)

    assert outcomes(bench.judge("team/app", other, key.trusted)) == [("signature", "subject-mismatch")]
    assert _verdicts(bench, "legacy", key, bench.reference("team/app", other)) == {
        "cosign2": False,
        "cosign": False,
    }


@pytest.mark.judge("cosign")
@pytest.mark.parametrize("tool", TOOLS)
def test_a_bundle_hung_on_another_image(bench: CosignBench, tool: str) -> None:
    key = bench.key("ecdsa-p256", tool)
    signed, other = bench.push("team/app"), bench.push("team/app", image({"etc/motd": "evil"}))
    bench.sign(tool, "bundle", key, bench.reference("team/app", signed))
    store = bench.registry.store
    manifest = json.loads(store.referrers("team/app", str(signed))[0].raw)
    described = bench.descriptor("team/app", other)
    manifest["subject"] |= {"digest": str(other), "size": described.size}
    store.put_manifest("team/app", json.dumps(manifest).encode(), OCI_MANIFEST)

    assert outcomes(bench.judge("team/app", other, key.trusted)) == [("signature", "subject-mismatch")]
    assert _verdicts(bench, "bundle", key, bench.reference("team/app", other)) == {
        "cosign2": False,
        "cosign": False,
    }


def _replace_layer(bench: CosignBench, reference: str, content: bytes) -> bytes:
    """The manifest at ``reference`` with other bytes in its first layer, stored with them."""
    store = bench.registry.store
    stored = store.manifest("team/app", reference)
    assert stored is not None
    manifest = json.loads(stored.raw)
    manifest["layers"][0] |= {"digest": str(Digest.of(content)), "size": len(content)}
    store.put_blob("team/app", content)
    return json.dumps(manifest).encode()


@pytest.mark.judge("cosign")
def test_a_tampered_payload(bench: CosignBench) -> None:
    key = bench.key("ecdsa-p256", "cosign2")
    signed, other = bench.push("team/app"), bench.push("team/app", image({"etc/motd": "evil"}))
    bench.sign("cosign2", "legacy", key, bench.reference("team/app", signed))
    _, content = bench.candidates("team/app", signed)[0]
    forged = content.replace(signed.encoded.encode(), other.encoded.encode())
    raw = _replace_layer(bench, signed.tag_form + ".sig", forged)
    bench.registry.store.put_manifest("team/app", raw, OCI_MANIFEST, tags=[other.tag_form + ".sig"])

    judged = bench.judge("team/app", other, key.trusted)
    assert outcomes(judged) == [("signature", "signature-not-by-trusted-key")]
    assert _verdicts(bench, "legacy", key, bench.reference("team/app", other)) == {
        "cosign2": False,
        "cosign": False,
    }


@pytest.mark.judge("cosign")
def test_a_tampered_bundle(bench: CosignBench) -> None:
    key = bench.key("ecdsa-p256", "cosign")
    signed, other = bench.push("team/app"), bench.push("team/app", image({"etc/motd": "evil"}))
    bench.sign("cosign", "bundle", key, bench.reference("team/app", signed))
    _, content = bench.candidates("team/app", signed)[0]
    bundle = json.loads(content)
    payload = b64decode(bundle["dsseEnvelope"]["payload"]).replace(
        signed.encoded.encode(), other.encoded.encode()
    )
    bundle["dsseEnvelope"]["payload"] = b64encode(payload).decode()
    referrer = bench.registry.store.referrers("team/app", str(signed))[0]
    manifest = json.loads(_replace_layer(bench, referrer.digest, json.dumps(bundle).encode()))
    manifest["subject"] |= {"digest": str(other), "size": bench.descriptor("team/app", other).size}
    bench.registry.store.put_manifest("team/app", json.dumps(manifest).encode(), OCI_MANIFEST)

    judged = bench.judge("team/app", other, key.trusted)
    assert outcomes(judged) == [("signature", "signature-not-by-trusted-key")]
    assert _verdicts(bench, "bundle", key, bench.reference("team/app", other)) == {
        "cosign2": False,
        "cosign": False,
    }


@pytest.mark.judge("cosign")
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("form", ["legacy", "bundle"])
def test_an_attestation_alone_is_no_signature(bench: CosignBench, tool: str, form: str) -> None:
    key = bench.key("ecdsa-p256", tool)
    digest = bench.push("team/app")
    reference = bench.reference("team/app", digest)
    bench.attest(tool, form, key, reference, "slsaprovenance1", _PREDICATE)

    judged = bench.judge("team/app", digest, key.trusted)
    assert outcomes(judged) == [("attestation", "attestation-verified")]
    assert judged[0].statement is not None
    assert judged[0].statement.predicate_type == "https://slsa.dev/provenance/v1"
    assert json.loads(judged[0].statement.predicate)["runDetails"]["builder"]["id"] == "y"
    # The unsafe yes of cosign: in bundle form any attestation by the key counts as a signature.
    assert _verdicts(bench, form, key, reference) == {
        "cosign2": form == "bundle",
        "cosign": form == "bundle",
    }


@pytest.mark.judge("cosign")
def test_junk_beside_a_good_legacy_signature_does_not_hide_it(bench: CosignBench) -> None:
    key, stranger = bench.key("ecdsa-p256", "cosign"), bench.key("ecdsa-p256", "cosign")
    digest = bench.push("team/app")
    reference = bench.reference("team/app", digest)
    bench.sign("cosign", "legacy", key, reference)
    bench.sign("cosign", "bundle", stranger, reference)

    assert outcomes(bench.judge("team/app", digest, key.trusted)) == [
        ("signature", "signature-not-by-trusted-key"),
        ("signature", "signature-verified"),
    ]
    # The unsafe no of cosign: one bundle by anybody hides every legacy signature.
    assert _verdicts(bench, "bundle", key, reference) == {"cosign2": False, "cosign": False}


@pytest.mark.judge("cosign")
def test_cosign_accepts_claims_of_another_type_and_duplicate_digests(bench: CosignBench) -> None:
    key = bench.key("ecdsa-p256", "cosign")
    digest = bench.push("team/app")
    named = f'"docker-manifest-digest":"sha256:{"0" * 64}","docker-manifest-digest":"{digest}"'
    payloads = {
        "claims-type-unknown": f'{{"critical":{{"identity":{{"docker-reference":"x"}},'
        f'"image":{{"docker-manifest-digest":"{digest}"}},"type":"atomic"}},"optional":null}}',
        "claims-malformed": f'{{"critical":{{"identity":{{"docker-reference":"x"}},"image":{{{named}}},'
        f'"type":"cosign container image signature"}},"optional":null}}',
    }
    for code, payload in payloads.items():
        bench.attach("team/app", bench.signed_payload(key, digest, payload.encode()))
        assert outcomes(bench.judge("team/app", digest, key.trusted)) == [("signature", code)]
        reference = bench.reference("team/app", digest)
        assert _verdicts(bench, "legacy", key, reference) == {"cosign2": True, "cosign": True}
