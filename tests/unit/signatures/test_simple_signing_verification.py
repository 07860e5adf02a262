"""Negative cases of simple signing (forms A and E), and the good ones beside them."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace

import pytest

from gatekeeper.core.evidence import Form, Outcome, Purpose
from gatekeeper.core.trust import TrustMaterial
from gatekeeper.signatures import media_types
from gatekeeper.signatures.verifier import Verifier
from tests.fakes.registry_dump import about
from tests.unit.signatures.crafted import (
    KEY,
    OTHER,
    STRANGER,
    SUBJECT,
    claims,
    encoded,
    simple,
)


@pytest.mark.parametrize("form", [Form.COSIGN_SIGNATURE_TAG, Form.COSIGN_SIGNATURE_REFERRER])
def test_a_good_signature_is_verified(form: Form) -> None:
    verified = simple(form=form).verify(STRANGER.public, KEY.public)
    candidate = verified.candidate
    assert verified.statement is None
    assert (candidate.outcome, candidate.purpose) == (Outcome.VERIFIED, Purpose.SIGNATURE)
    assert candidate.reason_code == "signature-verified"
    assert candidate.key_ids == (KEY.public.id,)
    assert candidate.signed_reference == "registry.test/team/app"
    assert "team.pub" in candidate.detail


def test_signed_annotations_are_facts_of_a_verified_signature_only() -> None:
    payload = encoded(claims() | {"optional": {"stage": "prod", "build": 7, "tags": ["a"]}})
    assert simple(payload).judged().annotations == {"stage": "prod", "build": "7", "tags": '["a"]'}
    assert simple(payload).judged(STRANGER.public).annotations == {}


def test_no_trusted_keys_never_pass() -> None:
    crafted = simple()
    verified = Verifier().verify(
        crafted.wanted, crafted.content, subject=about(SUBJECT), trust=TrustMaterial()
    )
    assert (verified.candidate.outcome, verified.candidate.reason_code) == (
        Outcome.REFUSED,
        "no-trusted-keys",
    )


_GOOD = encoded(claims())
_DUPLICATE = _GOOD.replace(
    b'"docker-manifest-digest"',
    b'"docker-manifest-digest": "sha256:' + b"0" * 64 + b'", "docker-manifest-digest"',
)
_PAYLOADS = {
    # case number of the negative list: (payload, reason code)
    "2 digest of another image": (encoded(claims(str(OTHER))), "subject-mismatch"),
    "3 upper case": (encoded(claims(str(SUBJECT).upper())), "subject-mismatch"),
    "3 upper case hex": (encoded(claims("sha256:" + SUBJECT.encoded.upper())), "subject-mismatch"),
    "3 no algorithm": (encoded(claims(SUBJECT.encoded)), "subject-mismatch"),
    "4 no critical": (encoded({"optional": None}), "claims-malformed"),
    "4 critical is a list": (encoded({"critical": []}), "claims-malformed"),
    "4 no image": (encoded(claims(image=None)), "claims-malformed"),
    "4 no identity": (encoded(claims(identity="x")), "claims-malformed"),
    "4 reference is a number": (encoded(claims(identity={"docker-reference": 1})), "claims-malformed"),
    "4 another type": (encoded(claims(type="atomic container signature")), "claims-type-unknown"),
    "4 no type": (encoded(claims(type=None)), "claims-type-unknown"),
    "6 digest is a number": (encoded(claims(7)), "claims-malformed"),
    "6 digest is null": (encoded(claims(None)), "claims-malformed"),
    "6 duplicate digest": (_DUPLICATE, "claims-malformed"),
    "6 duplicate critical": (_GOOD[:-1] + b', "critical": {}}', "claims-malformed"),
    "6 critical in two spellings": (_GOOD[:-1] + b', "Critical": {}}', "claims-malformed"),
    "unknown critical member": (encoded(claims(expires="2020-01-01")), "claims-critical-unknown"),
    "unknown image member": (
        encoded(claims(image={"docker-manifest-digest": str(SUBJECT), "platform": "x"})),
        "claims-critical-unknown",
    ),
    "no JSON": (b"\xff\xfe", "claims-malformed"),
    "not an object": (b"[]", "claims-malformed"),
    "too deep": (b"[" * 100_000 + b"]" * 100_000, "claims-malformed"),
    "optional is a list": (encoded(claims() | {"optional": []}), "claims-malformed"),
}


@pytest.mark.parametrize("case", _PAYLOADS)
def test_a_genuine_signature_over_bad_claims_is_refused(case: str) -> None:
    payload, code = _PAYLOADS[case]
    candidate = simple(payload).judged()
    assert (candidate.outcome, candidate.reason_code) == (Outcome.REFUSED, code)
    assert candidate.key_ids == ()


def test_case_5_another_reference_is_a_fact_and_no_reason_to_refuse() -> None:
    payload = encoded(claims(identity={"docker-reference": "elsewhere.test/copy"}))
    candidate = simple(payload).judged()
    assert candidate.outcome is Outcome.VERIFIED
    assert candidate.signed_reference == "elsewhere.test/copy"


@pytest.mark.parametrize(
    "spelling",
    [
        lambda text: f" {text}",
        lambda text: f"{text}\n",
        lambda text: text[:10] + "\n" + text[10:],
        lambda text: text.rstrip("=") + "*",
        lambda text: text + "====",
        lambda _: "",
        lambda _: "é",
    ],
    ids=["space before", "newline after", "newline inside", "no alphabet", "padding", "empty", "not ascii"],
)
def test_case_7_and_8_other_spellings_of_the_signature(spelling: Callable[[str], str]) -> None:
    candidate = simple(spelling=spelling).judged()
    assert candidate.outcome is Outcome.REFUSED
    assert candidate.reason_code in ("signature-encoding", "signature-annotation-missing")


def test_case_7_url_alphabet_and_spare_bits() -> None:
    raw = b"\xfb\xff\xfe"
    assert b64encode(raw) == b"+//+"
    url = simple(annotations={media_types.SIGNATURE_ANNOTATION: urlsafe_b64encode(raw).decode()})
    assert url.judged().reason_code == "signature-encoding"
    spare = simple(annotations={media_types.SIGNATURE_ANNOTATION: "AB=="})
    assert spare.judged().reason_code == "signature-encoding"
    assert "canonical" in spare.judged().detail


def test_case_8_no_signature_annotation() -> None:
    crafted = simple().annotated({})
    assert crafted.judged().reason_code == "signature-annotation-missing"


def test_case_9_a_signature_by_another_key() -> None:
    candidate = simple(key=STRANGER).judged()
    assert (candidate.outcome, candidate.reason_code) == (Outcome.REFUSED, "signature-not-by-trusted-key")
    assert candidate.purpose is Purpose.SIGNATURE


def test_a_changed_payload_is_refused() -> None:
    good = simple()
    forged = good.content.replace(SUBJECT.encoded.encode(), OTHER.encoded.encode())
    crafted = simple(forged, annotations=dict(good.wanted.descriptor.annotations))
    assert crafted.judged(subject=OTHER).reason_code == "signature-not-by-trusted-key"


def test_case_1_and_63_other_bytes_than_declared() -> None:
    good = simple()
    for content in (good.content + b" ", good.content[:-1], b"", b"x" * len(good.content)):
        assert replace(good, content=content).judged().reason_code == "content-mismatch"


def test_case_14_a_signature_copied_from_another_image() -> None:
    candidate = simple().judged(subject=OTHER)
    assert (candidate.outcome, candidate.reason_code) == (Outcome.REFUSED, "subject-mismatch")
    assert str(OTHER) in candidate.detail


def test_keyless_layers_are_skipped_and_said_to_be() -> None:
    layer = simple(key=STRANGER, annotations={media_types.CERTIFICATE_ANNOTATION: "-----BEGIN …"})
    candidate = layer.judged()
    assert (candidate.outcome, candidate.reason_code) == (Outcome.SKIPPED, "trust-root-missing")


def test_a_trusted_key_counts_whatever_certificate_and_log_entry_lie_beside() -> None:
    layer = simple(annotations={media_types.CERTIFICATE_ANNOTATION: "junk", media_types.LOG_ANNOTATION: "{}"})
    candidate = layer.judged()
    assert candidate.outcome is Outcome.VERIFIED
    assert candidate.anomalies == ("certificate-not-checked", "log-entry-not-checked")
