"""What ``gatekeeper.signatures.signing`` writes: real cosign verifies it, with every kind of key."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gatekeeper.signatures.signing import (
    attestation_bundle,
    attestation_layer,
    signature_bundle,
    signature_layer,
    tagged,
)
from tests.integration.signatures.cosign_bench import KEY_KINDS, TOOLS, CosignBench, outcomes

_CREATED = datetime(2026, 11, 24, tzinfo=UTC)
_TYPE = "https://example.test/review/v1"


@pytest.mark.judge("cosign")
@pytest.mark.parametrize("form", ["legacy", "bundle"])
@pytest.mark.parametrize("kind", KEY_KINDS)
def test_cosign_verifies_our_signature(bench: CosignBench, kind: str, form: str) -> None:
    key = bench.key(kind, "cosign")
    digest = bench.push("team/app")
    reference = bench.reference("team/app", digest)
    bench.attach(
        "team/app",
        tagged(digest, [signature_layer(key.signing, "team/app", digest, {"stage": "test"})])
        if form == "legacy"
        else signature_bundle(
            key.signing, bench.descriptor("team/app", digest), created=_CREATED, annotations={"stage": "test"}
        ),
    )
    for tool in TOOLS:
        verdict = bench.ask(tool, form, key.public, reference, command=("verify", "-a", "stage=test"))
        assert verdict.accepts, verdict.said
    assert outcomes(bench.judge("team/app", digest, key.trusted)) == [("signature", "signature-verified")]


@pytest.mark.judge("cosign")
@pytest.mark.parametrize("form", ["legacy", "bundle"])
def test_cosign_verifies_our_attestation(bench: CosignBench, form: str) -> None:
    key = bench.key("ecdsa-p256", "cosign")
    digest = bench.push("team/app")
    reference = bench.reference("team/app", digest)
    bench.attach(
        "team/app",
        tagged(digest, [attestation_layer(key.signing, "team/app", digest, _TYPE, {"by": "ann"})], ".att")
        if form == "legacy"
        else attestation_bundle(
            key.signing,
            bench.descriptor("team/app", digest),
            _TYPE,
            {"by": "ann"},
            name="team/app",
            created=_CREATED,
        ),
    )
    for tool in TOOLS:
        command = ("verify-attestation", "--type", _TYPE)
        verdict = bench.ask(tool, form, key.public, reference, command=command)
        assert verdict.accepts, verdict.said
    assert outcomes(bench.judge("team/app", digest, key.trusted)) == [("attestation", "attestation-verified")]


@pytest.mark.judge("cosign")
def test_several_signatures_at_one_tag(bench: CosignBench) -> None:
    first, second = bench.key("ecdsa-p256", "cosign"), bench.key("ecdsa-p256", "cosign")
    digest = bench.push("team/app")
    layers = [signature_layer(key.signing, "team/app", digest) for key in (first, second)]
    bench.attach("team/app", tagged(digest, layers))
    reference = bench.reference("team/app", digest)
    assert all(bench.ask(tool, "legacy", second.public, reference).accepts for tool in TOOLS)
    judged = bench.judge("team/app", digest, first.trusted, second.trusted)
    assert [(one.candidate.position, one.candidate.key_ids) for one in judged] == [
        (0, (first.trusted.id,)),
        (1, (second.trusted.id,)),
    ]
