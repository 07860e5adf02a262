"""Negative cases of DSSE envelopes and in-toto statements (forms B and G, and inside bundles)."""

from __future__ import annotations

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Form, Outcome, Purpose
from gatekeeper.signatures import media_types
from gatekeeper.signatures.dsse import pre_authentication_encoding
from tests.unit.signatures.crafted import (
    KEY,
    OTHER,
    STRANGER,
    SUBJECT,
    attested,
    bundle,
    bundled,
    crafted,
    encoded,
    envelope,
    statement,
)

_TYPE = "https://slsa.dev/provenance/v1"
_HEX = SUBJECT.encoded


def test_pre_authentication_encoding_is_that_of_the_specification() -> None:
    # Example of the DSSE protocol document.
    made = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert made == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@pytest.mark.parametrize("form", [Form.COSIGN_ATTESTATION_TAG, Form.DSSE_REFERRER])
@pytest.mark.parametrize("version", [media_types.STATEMENT_V01, media_types.STATEMENT_V1])
def test_a_good_attestation_gives_its_statement(form: Form, version: str) -> None:
    document = envelope(statement(_TYPE, _type=version, predicate={"builder": "x"}))
    verified = crafted(form, media_types.DSSE_ENVELOPE, encoded(document)).verify()
    assert verified.candidate.outcome is Outcome.VERIFIED
    assert verified.candidate.purpose is Purpose.ATTESTATION
    assert verified.candidate.predicate_type == _TYPE
    assert verified.statement is not None
    assert verified.statement.predicate == b'{"builder":"x"}'


def test_a_refused_attestation_gives_no_statement() -> None:
    assert attested(envelope(statement(_TYPE), key=STRANGER)).verify().statement is None
    assert attested(envelope(statement(_TYPE))).verify(subject=OTHER).statement is None


def test_an_empty_key_id_is_as_good_as_none() -> None:
    document = envelope(statement(_TYPE))
    document["signatures"][0]["keyid"] = ""  # type: ignore[index]
    assert attested(document).judged().outcome is Outcome.VERIFIED


def test_unknown_members_of_an_envelope_are_ignored_as_the_specification_demands() -> None:
    assert attested(envelope(extra=1)).judged().outcome is Outcome.VERIFIED


_ENVELOPES: dict[str, tuple[object, str]] = {
    "no JSON": (b"nope", "envelope-malformed"),
    "not an object": (b"3", "envelope-malformed"),
    "duplicate member": (encoded(envelope())[:-1] + b', "payload": ""}', "envelope-malformed"),
    "two spellings": (encoded(envelope())[:-1] + b', "Payload": ""}', "envelope-malformed"),
    "no payload": (envelope() | {"payload": None}, "envelope-malformed"),
    "44 another payload type": (envelope(payloadType="text/plain"), "envelope-payload-type"),
    "44 upper case": (envelope(payloadType="application/vnd.in-toto+JSON"), "envelope-payload-type"),
    "44 no payload type": (envelope() | {"payloadType": None}, "envelope-malformed"),
    "45 no signature": (envelope(signatures=[]), "envelope-signature-count"),
    "45 two signatures": (
        envelope() | {"signatures": [envelope()["signatures"][0]] * 2},  # type: ignore[index]
        "envelope-signature-count",
    ),
    "45 signatures is an object": (envelope(signatures={}), "envelope-malformed"),
    "signature without sig": (envelope(signatures=[{}]), "envelope-malformed"),
    "signature is a string": (envelope(signatures=["x"]), "envelope-malformed"),
    "key id is a number": (envelope(signatures=[{"sig": "AA==", "keyid": 1}]), "envelope-malformed"),
    "7 sig with white space": (envelope(signatures=[{"sig": " AA=="}]), "signature-encoding"),
    "7 payload without padding": (envelope() | {"payload": "AA"}, "signature-encoding"),
}


@pytest.mark.parametrize("case", _ENVELOPES)
def test_a_bad_envelope_is_refused_as_a_layer(case: str) -> None:
    document, code = _ENVELOPES[case]
    candidate = attested(document).judged()
    assert (candidate.outcome, candidate.reason_code) == (Outcome.REFUSED, code)


@pytest.mark.parametrize(
    "case", [case for case, (document, _) in _ENVELOPES.items() if isinstance(document, dict)]
)
def test_the_same_checks_hold_inside_a_bundle(case: str) -> None:
    document, code = _ENVELOPES[case]
    candidate = bundled(bundle(dsseEnvelope=document)).judged()
    assert (candidate.outcome, candidate.reason_code) == (Outcome.REFUSED, code)


def _about(*subjects: object) -> bytes:
    return encoded(statement(_TYPE, subject=list(subjects)))


_STATEMENTS: dict[str, tuple[bytes, str]] = {
    "46 another image": (_about({"digest": {"sha256": OTHER.encoded}}), "subject-mismatch"),
    "46 no subject": (encoded(statement(_TYPE, subject=[])), "statement-malformed"),
    "46 subject absent": (encoded(statement(_TYPE, subject=None)), "statement-malformed"),
    "47 sha512 only": (_about({"digest": {"sha512": Digest.of(b"x", "sha512").encoded}}), "subject-mismatch"),
    "47 the digest under another name": (_about({"digest": {"sha3-256": _HEX}}), "subject-mismatch"),
    "48 1025 subjects": (_about(*[{"digest": {"sha256": _HEX}}] * 1025), "statement-too-many-subjects"),
    "48 33 digests": (
        _about({"digest": {f"sha{n}": _HEX for n in range(32)} | {"sha256": _HEX}}),
        "statement-too-many-subjects",
    ),
    "49 null subject": (_about(None, {"digest": {"sha256": _HEX}}), "statement-malformed"),
    "49 no digest": (_about({"name": "x"}), "statement-malformed"),
    "49 empty digest": (_about({"digest": {}}), "statement-malformed"),
    "49 upper case": (_about({"digest": {"sha256": _HEX.upper()}}), "statement-malformed"),
    "49 upper case beside a good one": (
        _about({"digest": {"sha256": _HEX}}, {"digest": {"sha1": "AB" * 20}}),
        "statement-malformed",
    ),
    "49 with prefix": (_about({"digest": {"sha256": str(SUBJECT)}}), "statement-malformed"),
    "49 digest is a number": (_about({"digest": {"sha256": 1}}), "statement-malformed"),
    "50 duplicate subject": (encoded(statement(_TYPE))[:-1] + b', "subject": []}', "statement-malformed"),
    "50 two spellings": (encoded(statement(_TYPE))[:-1] + b', "Subject": []}', "statement-malformed"),
    "50 duplicate deep inside": (
        encoded(statement(_TYPE)).replace(b'"predicate": {}', b'"predicate": {"a": [{"b": 1, "b": 2}]}'),
        "statement-malformed",
    ),
    "no predicate type": (encoded(statement("")), "statement-malformed"),
    "another statement type": (
        encoded(statement(_TYPE, _type="https://in-toto.io/Statement/v2")),
        "statement-type-unknown",
    ),
    "no JSON": (b"\x00", "statement-malformed"),
    "not an object": (b"null", "statement-malformed"),
    "a number too large": (
        encoded(statement(_TYPE)).replace(b'"predicate": {}', b'"predicate": 1e999'),
        "statement-malformed",
    ),
    "a very long number": (
        encoded(statement(_TYPE)).replace(b'"predicate": {}', b'"predicate": ' + b"9" * 5000),
        "statement-malformed",
    ),
}


@pytest.mark.parametrize("case", _STATEMENTS)
@pytest.mark.parametrize("wrap", ["layer", "bundle"])
def test_a_genuine_signature_over_a_bad_statement_is_refused(case: str, wrap: str) -> None:
    payload, code = _STATEMENTS[case]
    made = attested(envelope(payload)) if wrap == "layer" else bundled(bundle(payload))
    verified = made.verify()
    assert (verified.candidate.outcome, verified.candidate.reason_code) == (Outcome.REFUSED, code)
    assert verified.statement is None


def test_the_subject_may_be_one_of_many_and_digests_of_other_kinds_may_lie_beside() -> None:
    payload = _about(
        {"digest": {"sha256": OTHER.encoded}},
        {"name": "x", "digest": {"gitCommit": "ab" * 20, "goModuleH1": "h1:Zm9v=", "sha256": _HEX}},
    )
    assert attested(envelope(payload)).judged().outcome is Outcome.VERIFIED


def test_exactly_the_limits_are_accepted() -> None:
    payload = _about(*[{"digest": {"sha256": OTHER.encoded}}] * 1023, {"digest": {"sha256": _HEX}})
    assert attested(envelope(payload)).judged().outcome is Outcome.VERIFIED


def test_case_51_the_layer_names_another_predicate_and_the_statement_wins() -> None:
    layer = attested(envelope(statement(_TYPE)), {media_types.PREDICATE_ANNOTATION: "https://x.test"})
    candidate = layer.judged()
    assert candidate.predicate_type == _TYPE
    assert candidate.anomalies == ("predicate-type-annotation-differs",)
    same = attested(envelope(statement(_TYPE)), {media_types.PREDICATE_ANNOTATION: _TYPE})
    assert same.judged().anomalies == ()


def test_a_keyless_attestation_is_skipped() -> None:
    layer = attested(envelope(key=STRANGER), {media_types.CERTIFICATE_ANNOTATION: "x"})
    assert layer.judged().reason_code == "trust-root-missing"
    assert layer.judged(KEY.public, STRANGER.public).outcome is Outcome.VERIFIED
