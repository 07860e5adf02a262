"""Negative cases of Sigstore bundles made with a managed key (form D), and the good ones beside them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

import pytest

from gatekeeper.core.evidence import Outcome, Purpose
from gatekeeper.signatures import media_types
from tests.unit.signatures.crafted import (
    KEY,
    OTHER,
    STRANGER,
    SUBJECT,
    Json,
    bundle,
    bundled,
    encoded,
    envelope,
    statement,
)

_HINT = {"hint": b64encode(bytes.fromhex(KEY.public.id)).decode()}
_SLSA = "https://slsa.dev/provenance/v1"


def test_a_good_bundle_is_a_signature() -> None:
    document = statement(subject=[{"digest": {"sha256": SUBJECT.encoded}, "annotations": {"stage": "prod"}}])
    verified = bundled(bundle(document)).verify()
    candidate = verified.candidate
    assert verified.statement is None
    assert (candidate.outcome, candidate.purpose) == (Outcome.VERIFIED, Purpose.SIGNATURE)
    assert candidate.predicate_type == media_types.SIGNATURE_PREDICATE
    assert candidate.annotations == {"stage": "prod"}
    assert candidate.anomalies == ()


@pytest.mark.parametrize("version", sorted(media_types.BUNDLE_VERSIONS))
def test_every_known_version_is_read(version: str) -> None:
    assert bundled(bundle(mediaType=version)).judged().outcome is Outcome.VERIFIED


def test_a_statement_without_predicate_is_read_as_cosign_2_writes_it() -> None:
    document = statement()
    del document["predicate"]
    assert bundled(bundle(document)).judged().outcome is Outcome.VERIFIED


def test_log_entries_and_timestamps_are_noted_and_not_needed() -> None:
    material = {"publicKey": _HINT, "tlogEntries": [{"logIndex": "1"}], "timestampVerificationData": {}}
    candidate = bundled(bundle(verificationMaterial=material)).judged()
    assert candidate.outcome is Outcome.VERIFIED
    assert candidate.anomalies == ("log-entry-not-checked",)
    empty = bundled(bundle(verificationMaterial={"publicKey": _HINT, "tlogEntries": []}))
    assert empty.judged().anomalies == ()


@pytest.mark.parametrize(
    "predicate_type",
    [
        _SLSA,
        "https://slsa.dev/verification_summary/v1",
        "https://cosign.sigstore.dev/attestation/vuln/v1",
        "https://sigstore.dev/cosign/sign/v2",
        media_types.SIGNATURE_PREDICATE + "/",
        media_types.SIGNATURE_PREDICATE.upper(),
    ],
)
def test_case_52_an_attestation_is_no_signature(predicate_type: str) -> None:
    verified = bundled(bundle(statement(predicate_type, predicate={"b": 1.5, "a": [None]}))).verify()
    assert verified.candidate.purpose is Purpose.ATTESTATION
    assert verified.candidate.reason_code == "attestation-verified"
    assert verified.statement is not None
    assert verified.statement.predicate_type == predicate_type
    assert verified.statement.predicate == b'{"a":[null],"b":1.5}'


_BAD: dict[str, tuple[object, str]] = {
    "no JSON": (b"{", "bundle-malformed"),
    "not an object": (b"[]", "bundle-malformed"),
    "empty": (b"", "bundle-malformed"),
    "duplicate member": (encoded(bundle())[:-1] + b', "mediaType": "x"}', "bundle-malformed"),
    "unknown member": (bundle(extra=1), "bundle-malformed"),
    "snake case": (bundle(dsseEnvelope=None, dsse_envelope=envelope()), "bundle-malformed"),
    "no mediaType": (bundle(mediaType=None), "bundle-malformed"),
    "mediaType is a number": (bundle(mediaType=3), "bundle-malformed"),
    "55 version 0.4": (
        bundle(mediaType="application/vnd.dev.sigstore.bundle.v0.4+json"),
        "bundle-version-unsupported",
    ),
    "no material": (bundle(verificationMaterial=None), "bundle-malformed"),
    "no key in material": (bundle(verificationMaterial={}), "bundle-content-ambiguous"),
    "key and certificate": (
        bundle(verificationMaterial={"publicKey": _HINT, "certificate": {}}),
        "bundle-content-ambiguous",
    ),
    "hint is a number": (bundle(verificationMaterial={"publicKey": {"hint": 1}}), "bundle-malformed"),
    "key is a string": (bundle(verificationMaterial={"publicKey": "x"}), "bundle-malformed"),
    "tlogEntries is an object": (
        bundle(verificationMaterial={"publicKey": _HINT, "tlogEntries": {}}),
        "bundle-malformed",
    ),
    "no content": (bundle(dsseEnvelope=None), "bundle-malformed"),
    "envelope has an unknown member": (bundle(dsseEnvelope=envelope(extra=1)), "bundle-malformed"),
    "56 both contents": (bundle(messageSignature={}), "bundle-content-ambiguous"),
    "message signature": (
        bundle(dsseEnvelope=None, messageSignature={"signature": "AAAA"}),
        "bundle-message-signature",
    ),
    "message signature without one": (
        bundle(dsseEnvelope=None, messageSignature={}),
        "bundle-malformed",
    ),
}


@pytest.mark.parametrize("case", _BAD)
def test_a_bad_bundle_is_refused(case: str) -> None:
    document, code = _BAD[case]
    candidate = bundled(document).judged()
    assert (candidate.outcome, candidate.reason_code) == (Outcome.REFUSED, code)


def test_case_9_another_key_and_its_claimed_purpose() -> None:
    for predicate_type, purpose in (
        (media_types.SIGNATURE_PREDICATE, Purpose.SIGNATURE),
        (_SLSA, Purpose.ATTESTATION),
    ):
        candidate = bundled(bundle(statement(predicate_type), key=STRANGER)).judged()
        assert candidate.reason_code == "signature-not-by-trusted-key"
        assert candidate.purpose is purpose
    unreadable = bundled(bundle(b"not a statement", key=STRANGER)).judged()
    assert unreadable.purpose is Purpose.UNKNOWN


def test_case_57_the_hint_is_never_trusted() -> None:
    document: Json = bundle()
    document["verificationMaterial"] = {
        "publicKey": {"hint": b64encode(bytes.fromhex(STRANGER.public.id)).decode()}
    }
    candidate = bundled(document).judged(KEY.public, STRANGER.public)
    assert (candidate.outcome, candidate.key_ids) == (Outcome.VERIFIED, (KEY.public.id,))
    assert candidate.anomalies == ("hint-names-another-key",)
    forged = bundle(key=STRANGER)
    forged["verificationMaterial"] = {"publicKey": _HINT}
    refused = bundled(forged).judged()
    assert refused.reason_code == "signature-not-by-trusted-key"
    assert "claims the key team.pub" in refused.detail


def test_case_58_a_key_id_that_differs_from_the_hint_is_an_anomaly() -> None:
    document = bundle()
    inner = envelope()
    inner["signatures"] = [{"sig": inner["signatures"][0]["sig"], "keyid": "somebody"}]  # type: ignore[index]
    candidate = bundled(document | {"dsseEnvelope": inner}).judged()
    assert candidate.outcome is Outcome.VERIFIED
    assert candidate.anomalies == ("key-id-differs-from-hint",)


def test_a_bundle_for_another_image_is_refused() -> None:
    candidate = bundled().judged(subject=OTHER)
    assert (candidate.outcome, candidate.reason_code) == (Outcome.REFUSED, "subject-mismatch")
    assert candidate.key_ids == ()
    assert candidate.annotations == {}


@pytest.mark.parametrize("name", ["certificate", "x509CertificateChain"])
def test_a_keyless_bundle_is_skipped(name: str) -> None:
    document = bundle(key=STRANGER, verificationMaterial={name: {"rawBytes": "AA=="}})
    candidate = bundled(document).judged()
    assert (candidate.outcome, candidate.reason_code) == (Outcome.SKIPPED, "trust-root-missing")
    assert candidate.purpose is Purpose.SIGNATURE


def test_case_51_the_manifest_names_another_predicate() -> None:
    crafted = bundled(bundle(statement(_SLSA)))
    annotated = replace(
        crafted.wanted, annotations={media_types.BUNDLE_PREDICATE_ANNOTATION: "https://x.test"}
    )
    candidate = replace(crafted, wanted=annotated).judged()
    assert candidate.predicate_type == _SLSA
    assert candidate.anomalies == ("predicate-type-annotation-differs",)
