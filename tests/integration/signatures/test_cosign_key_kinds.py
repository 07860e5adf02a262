"""Images signed by real cosign with every kind of key: our verdict, and cosign's own beside it."""

from __future__ import annotations

import pytest

from tests.integration.signatures.cosign_bench import KEY_KINDS, TOOLS, CosignBench, outcomes

COSIGN_REFUSES_ITS_OWN = frozenset({"ecdsa-p384", "ecdsa-p521", "ed25519"})
"""Signed with SHA-384, SHA-512 and Ed25519ph; verified by cosign with SHA-256 and plain Ed25519."""


@pytest.mark.judge("cosign")
@pytest.mark.parametrize("form", ["legacy", "bundle"])
@pytest.mark.parametrize("kind", KEY_KINDS)
@pytest.mark.parametrize("tool", TOOLS)
def test_what_cosign_signs_is_verified(bench: CosignBench, tool: str, kind: str, form: str) -> None:
    key, stranger = bench.key(kind, tool), bench.key(kind, tool)
    digest = bench.push("team/app")
    reference = bench.reference("team/app", digest)
    bench.sign(tool, form, key, reference, "-a", "stage=test")

    judged = bench.judge("team/app", digest, stranger.trusted, key.trusted)
    assert outcomes(judged) == [("signature", "signature-verified")]
    assert judged[0].candidate.key_ids == (key.trusted.id,)
    written = {} if (tool, form) == ("cosign2", "bundle") else {"stage": "test"}
    assert judged[0].candidate.annotations == written, "cosign 2.6 drops -a when it writes bundles"

    refused = bench.judge("team/app", digest, stranger.trusted)
    assert outcomes(refused) == [("signature", "signature-not-by-trusted-key")]

    for judge in TOOLS:
        verdict = bench.ask(judge, form, key.public, reference)
        assert verdict.accepts is (kind not in COSIGN_REFUSES_ITS_OWN), verdict.said
        assert not bench.ask(judge, form, stranger.public, reference).accepts


@pytest.mark.judge("cosign2")
@pytest.mark.parametrize(("kind", "hash_name"), [("ecdsa-p384", "sha384"), ("ecdsa-p521", "sha512")])
def test_cosign_2_verifies_its_own_larger_curves_when_told_the_hash(
    bench: CosignBench, kind: str, hash_name: str
) -> None:
    key = bench.key(kind, "cosign2")
    digest = bench.push("team/app")
    reference = bench.reference("team/app", digest)
    bench.sign("cosign2", "legacy", key, reference)
    told = ("verify", f"--signature-digest-algorithm={hash_name}")
    assert bench.ask("cosign2", "legacy", key.public, reference, command=told).accepts
    assert not bench.ask("cosign2", "legacy", key.public, reference).accepts
