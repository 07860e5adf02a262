"""The places where cosign puts signatures beside its two defaults: all of them are found."""

from __future__ import annotations

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Form
from gatekeeper.core.manifest import DOCKER_MANIFEST
from gatekeeper.demo.images import image, index
from tests.integration.signatures.cosign_bench import TOOLS, CosignBench, outcomes

_SIGNED = ("signature", "signature-verified")


@pytest.mark.judge("cosign2")
def test_a_docker_manifest_with_signatures(bench: CosignBench) -> None:
    key = bench.key("ecdsa-p256", "cosign2")
    digest = bench.push("team/app")
    settings = {"COSIGN_DOCKER_MEDIA_TYPES": "1"}
    bench.sign("cosign2", "legacy", key, bench.reference("team/app", digest), settings=settings)
    stored = bench.registry.store.manifest("team/app", digest.tag_form + ".sig")
    assert stored is not None
    assert stored.media_type == DOCKER_MANIFEST
    assert outcomes(bench.judge("team/app", digest, key.trusted)) == [_SIGNED]


@pytest.mark.judge("cosign")
@pytest.mark.parametrize("tool", TOOLS)
def test_a_signature_referrer_holds_the_earlier_layers_too(bench: CosignBench, tool: str) -> None:
    first, second = bench.key("ecdsa-p256", tool), bench.key("ecdsa-p256", tool)
    digest = bench.push("team/app")
    reference = bench.reference("team/app", digest)
    bench.sign(tool, "legacy", first, reference)
    mode = "--registry-referrers-mode=oci-1-1"
    bench.sign(tool, "legacy", second, reference, mode, settings={"COSIGN_EXPERIMENTAL": "1"})

    judged = bench.judge("team/app", digest, second.trusted)
    rows = {
        (one.candidate.form, one.candidate.position, one.candidate.reason_code)
        for one in judged
        if one.candidate.form is Form.COSIGN_SIGNATURE_REFERRER
    }
    verified = {position for _, position, code in rows if code == "signature-verified"}
    assert len(verified) == 1
    both = bench.judge("team/app", digest, first.trusted, second.trusted)
    assert set(outcomes(both)) == {_SIGNED}


@pytest.mark.judge("cosign")
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("form", ["legacy", "bundle"])
def test_an_index_signed_with_its_children(bench: CosignBench, tool: str, form: str) -> None:
    key = bench.key("ecdsa-p256", tool)
    children = [image({"a": "1"}), image({"a": "1"}, platform="linux/arm64")]
    digest = bench.push("team/app", index(children))
    bench.sign(tool, form, key, bench.reference("team/app", digest), "--recursive")
    for signed in (digest, *(Digest.parse(child.digest) for child in children)):
        assert outcomes(bench.judge("team/app", signed, key.trusted)) == [_SIGNED]


@pytest.mark.judge("cosign")
@pytest.mark.parametrize("tool", TOOLS)
def test_three_signers_at_one_tag(bench: CosignBench, tool: str) -> None:
    keys = [bench.key("ecdsa-p256", tool) for _ in range(3)]
    digest = bench.push("team/app")
    for key in keys:
        bench.sign(tool, "legacy", key, bench.reference("team/app", digest))
    judged = bench.judge("team/app", digest, *(key.trusted for key in keys))
    assert [one.candidate.position for one in judged] == [0, 1, 2]
    assert [one.candidate.key_ids for one in judged] == [(key.trusted.id,) for key in keys]
    alone = bench.judge("team/app", digest, keys[2].trusted)
    assert [one.candidate.reason_code for one in alone] == [
        "signature-not-by-trusted-key",
        "signature-not-by-trusted-key",
        "signature-verified",
    ]
