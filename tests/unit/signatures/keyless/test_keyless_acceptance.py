"""What holds: every form, every kind of entry, every source of time, and what is kept of who signed."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest

from gatekeeper.core.evidence import Outcome, Purpose, SignedTime, TimeSource
from gatekeeper.core.trust import TrustMaterial, TrustRoot
from gatekeeper.demo.sigstore.fulcio import Signer
from gatekeeper.demo.sigstore.instance import LOGGED, STAMPED, TILED, Recipe
from gatekeeper.signatures import media_types
from tests.fakes.registry_dump import FIXTURES, repository
from tests.unit.signatures.crafted import encoded, statement
from tests.unit.signatures.keyless.minted import (
    ALICE,
    AT,
    CLAIMS,
    ENTRY,
    ROBOT,
    ROOT,
    SIGSTORE,
    STATEMENT,
    STRANGE,
    bundle,
    bundled,
    code,
    judged,
    root,
    spoilt,
    stored,
    verify,
)

_KINDS = [
    LOGGED,
    TILED,
    replace(LOGGED, entry="hashedrekord"),
    replace(LOGGED, entry="intoto-1"),
    replace(LOGGED, entry="intoto-2"),
    replace(TILED, entry="dsse"),
    replace(LOGGED, timestamp=True),
    replace(LOGGED, version="application/vnd.dev.sigstore.bundle+json;version=0.3"),
    replace(LOGGED, version="application/vnd.dev.sigstore.bundle+json;version=0.2"),
    replace(LOGGED, version=media_types.BUNDLE_V01),
]


@pytest.mark.parametrize(
    "recipe", _KINDS, ids=lambda recipe: f"{recipe.log}-{recipe.entry}-{recipe.version[-12:]}"
)
def test_a_bundle_that_holds(recipe: Recipe) -> None:
    candidate = judged(bundled(bundle(recipe)))
    assert (candidate.outcome, candidate.purpose) == (Outcome.VERIFIED, Purpose.SIGNATURE), candidate.detail
    assert (candidate.identity, candidate.issuer) == (ROBOT.name, ROBOT.issuer)
    assert candidate.signed_at == AT
    assert candidate.trust_roots == ("virtual",)
    assert candidate.anomalies == ()


@pytest.mark.parametrize("entry", [None, "hashedrekord", "intoto-1", "intoto-2"])
def test_an_attestation_layer_that_holds(entry: str | None) -> None:
    payload = encoded(statement("https://slsa.dev/provenance/v1"))
    layer = SIGSTORE.attestation_layer(payload, ROBOT, AT, replace(LOGGED, entry=entry))
    verified = verify(stored(layer))
    assert verified.candidate.reason_code == "attestation-verified", verified.candidate.detail
    assert verified.statement is not None
    assert verified.statement.predicate_type == "https://slsa.dev/provenance/v1"


@pytest.mark.parametrize("timestamp", [False, True])
def test_a_signature_layer_that_carries_only_a_promise(timestamp: bool) -> None:
    candidate = judged(
        stored(SIGSTORE.signature_layer(CLAIMS, ALICE, AT, replace(LOGGED, timestamp=timestamp)))
    )
    assert candidate.reason_code == "signature-verified", candidate.detail
    assert candidate.identity == "alice@example.test"
    assert len(candidate.times) == 1 + timestamp


def test_an_attestation_layer_timestamped_as_a_whole() -> None:
    layer = SIGSTORE.attestation_layer(STATEMENT, ALICE, AT)
    stamp = {"SignedRFC3161Timestamp": b64encode(SIGSTORE.tsa.response(layer.content, AT)).decode()}
    annotations = {**layer.annotations, media_types.TIMESTAMP_ANNOTATION: json.dumps(stamp)}
    assert code(stored(replace(layer, annotations=annotations))) == "signature-verified"


def test_everything_the_certificate_says_is_kept() -> None:
    signer = replace(ROBOT, extensions={arc: f"value {arc}" for arc in [*range(2, 7), *range(9, 25)]})
    found = judged(bundled(bundle(signer=signer)))
    assert found.certificate is not None
    assert sorted(found.certificate.extensions.values()) == sorted(signer.extensions.values())
    assert found.certificate.extensions["source_repository_ref"] == "value 14"
    assert found.certificate.extensions["github_workflow_trigger"] == "value 2"
    assert found.certificate.identity_kind == "uri"
    assert found.certificate.not_after - found.certificate.not_before == timedelta(minutes=10)
    assert found.log_index is not None
    assert found.log_id == SIGSTORE.rekor_1.log_id.hex()
    assert found.times == (SignedTime(AT, TimeSource.LOG, "https://rekor.invalid"),)


@pytest.mark.parametrize(
    ("signer", "kind"),
    [
        (ALICE, "email"),
        (ROBOT, "uri"),
        (Signer("someone!realm", "https://i.test", other_name=True), "other-name"),
    ],
)
def test_every_kind_of_name(signer: Signer, kind: str) -> None:
    found = judged(bundled(bundle(signer=signer)))
    assert found.certificate is not None
    assert (found.identity, found.certificate.identity_kind) == (signer.name, kind)


def test_a_signature_stays_good_long_after_its_certificate_is_over() -> None:
    assert code(bundled(bundle(at=AT - timedelta(days=120)))) == "signature-verified"


def test_a_timestamp_is_enough_where_the_root_names_no_log() -> None:
    without = {name: part for name, part in SIGSTORE.trusted_root().items() if name != "tlogs"}
    assert code(bundled(bundle(STAMPED)), TrustRoot("github", encoded(without), "f")) == "signature-verified"
    declared = replace(ROOT, transparency_log=False)
    assert code(bundled(bundle(STAMPED)), declared) == "signature-verified"
    assert code(bundled(bundle(STAMPED))) == "log-entry-missing"


def test_a_certificate_needs_no_sct_where_the_root_names_no_ct_log() -> None:
    recipe = replace(LOGGED, unusual=replace(LOGGED.unusual, scts=0))
    assert code(bundled(bundle(recipe))) == "sct-missing"
    assert code(bundled(bundle(recipe)), replace(ROOT, certificate_log=False)) == "signature-verified"
    without = {name: part for name, part in SIGSTORE.trusted_root().items() if name != "ctlogs"}
    assert code(bundled(bundle(recipe)), TrustRoot("private", encoded(without), "f")) == "signature-verified"


def test_the_root_that_knows_the_signer_is_found_and_named() -> None:
    found = judged(bundled(bundle()), root(STRANGE, "strange"), ROOT, replace(ROOT, name="again"))
    assert found.trust_roots == ("again", "virtual")


def test_the_first_entry_of_a_log_has_no_index_and_no_hashes() -> None:
    fresh = replace(SIGSTORE, rekor_2=replace(SIGSTORE.rekor_2, tree=type(SIGSTORE.rekor_2.tree)()))
    document = bundle(TILED, sigstore=fresh)
    entry = document["verificationMaterial"]["tlogEntries"][0]  # type: ignore[index]
    for place in (entry, entry["inclusionProof"]):
        assert place.pop("logIndex") == "0"
    assert entry["inclusionProof"].pop("hashes") == []
    assert code(bundled(document)) == "signature-verified"


@pytest.mark.parametrize("kept", [slice(0, 1), slice(1, 2)], ids=["signer-alone", "root-alone"])
def test_a_timestamp_authority_named_by_its_signer_or_its_root_alone(kept: slice) -> None:
    document = SIGSTORE.trusted_root()
    named = spoilt(
        document,
        "timestampAuthorities",
        0,
        "certChain",
        "certificates",
        to=lambda chain: chain[kept],
    )
    assert code(bundled(bundle(TILED)), TrustRoot("virtual", encoded(named), "f")) == "signature-verified"


def test_integers_may_be_numbers() -> None:
    assert code(bundled(spoilt(bundle(), *ENTRY, "logIndex", to=int))) == "signature-verified"


def test_an_attestation_of_another_type_is_no_signature() -> None:
    found = judged(bundled(bundle(payload=encoded(statement("https://openvex.dev/ns")))))
    assert (found.purpose, found.reason_code) == (Purpose.ATTESTATION, "attestation-verified")


_TOOLS = FIXTURES / "signed_by_real_tools"


def _real_root(name: str) -> TrustMaterial:
    content = (_TOOLS / "trust" / "sigstore" / name).read_bytes()
    return TrustMaterial(roots=(TrustRoot("private", content, name),))


def test_what_cosign_fulcio_and_rekor_really_wrote() -> None:
    found = repository(_TOOLS, "corpus/kl-c3-rekor1")
    (verified,) = found.verify_with(found.subject(), _real_root("trusted_root.json"))
    assert verified.candidate.reason_code == "signature-verified", verified.candidate.detail
    assert verified.candidate.identity == "alice@example.test"
    assert verified.candidate.issuer == "http://127.0.0.1:5630/email"
    (strange,) = found.verify_with(found.subject(), _real_root("other_trusted_root.json"))
    assert strange.candidate.reason_code == "certificate-untrusted"
