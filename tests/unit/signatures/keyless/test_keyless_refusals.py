"""The negative list of keyless signatures: certificates, time, envelopes. Each spoils one thing of what would hold."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from gatekeeper.core.evidence import Outcome
from gatekeeper.demo.sigstore.authority import Authority
from gatekeeper.demo.sigstore.fulcio import Fulcio, Unusual
from gatekeeper.demo.sigstore.instance import LOGGED, TILED, VirtualSigstore
from gatekeeper.demo.sigstore.signing_keys import LogSigner
from gatekeeper.demo.sigstore.timestamping import TimestampAuthority
from gatekeeper.signatures import media_types
from tests.unit.signatures.crafted import Crafted
from tests.unit.signatures.keyless.minted import (
    ALICE,
    AT,
    BEGAN,
    CLAIMS,
    LATER,
    OVER,
    ROBOT,
    SIGSTORE,
    STAMPS,
    STRANGE,
    bundle,
    bundled,
    code,
    judged,
    root,
    spoilt,
    stored,
    within,
)

_DAY = timedelta(days=1)


def _unusual(**given: object) -> Crafted:
    return bundled(bundle(replace(LOGGED, unusual=replace(Unusual(), **given))))  # type: ignore[arg-type]


def test_16_a_certificate_of_an_unknown_root_whatever_chain_it_brings() -> None:
    assert code(bundled(bundle(sigstore=STRANGE))) == "certificate-untrusted"
    layer = STRANGE.signature_layer(CLAIMS, ALICE, AT)
    assert media_types.CHAIN_ANNOTATION in layer.annotations
    assert code(stored(layer)) == "certificate-untrusted"


def test_16_a_chain_inside_the_bundle_is_not_looked_at() -> None:
    document = bundle(replace(LOGGED, version=media_types.BUNDLE_V01), sigstore=STRANGE)
    chain = [
        {"rawBytes": b64encode(one.public_bytes(Encoding.DER)).decode()}
        for one in STRANGE.fulcio.authority.chain
    ]
    longer = spoilt(
        document,
        "verificationMaterial",
        "x509CertificateChain",
        "certificates",
        to=lambda listed: [*listed, *chain],
    )
    assert code(bundled(longer)) == "certificate-untrusted"


def test_17_nothing_says_when() -> None:
    assert code(bundled(bundle(replace(TILED, timestamp=False)))) == "signing-time-unproven"
    layer = SIGSTORE.signature_layer(CLAIMS, ALICE, AT, replace(LOGGED, log=None))
    assert code(stored(layer)) == "log-entry-missing"
    assert code(stored(layer), replace(root(), transparency_log=False)) == "signing-time-unproven"


@pytest.mark.parametrize("at", [AT - timedelta(seconds=1), AT + timedelta(minutes=10, seconds=1)])
def test_18_the_log_says_a_time_outside_the_certificate(at: datetime) -> None:
    assert code(bundled(bundle(replace(LOGGED, logged_at=at)))) == "certificate-outside-validity"


@pytest.mark.parametrize("at", [AT, AT + timedelta(minutes=10)])
def test_18_both_ends_of_the_certificate_are_inside(at: datetime) -> None:
    assert code(bundled(bundle(replace(LOGGED, logged_at=at)))) == "signature-verified"


def test_19_the_timestamp_is_outside_though_the_log_is_inside() -> None:
    recipe = replace(LOGGED, timestamp=True, timestamped_at=LATER)
    assert code(bundled(bundle(recipe))) == "certificate-outside-validity"


def _with_issuer(ends: datetime, root_ends: datetime) -> VirtualSigstore:
    top = Authority.root("short-root", begins=BEGAN, ends=root_ends)
    issuing = top.intermediate(
        "short-intermediate", begins=BEGAN, ends=ends, purpose=ExtendedKeyUsageOID.CODE_SIGNING
    )
    return replace(SIGSTORE, fulcio=Fulcio(issuing, SIGSTORE.fulcio.ct_log))


@pytest.mark.parametrize(("issuer_ends", "root_ends"), [(OVER, AT + _DAY), (AT + _DAY, OVER)])
def test_20_the_whole_chain_must_be_within_its_validity(issuer_ends: datetime, root_ends: datetime) -> None:
    sigstore = _with_issuer(issuer_ends, root_ends)
    assert code(bundled(bundle(sigstore=sigstore)), root(sigstore)) == "certificate-outside-validity"


def test_21_the_authority_was_no_longer_trusted() -> None:
    refused = within("certificateAuthorities")
    assert refused(bundle()) == "certificate-authority-outside-window"
    assert refused(bundle(at=OVER - _DAY)) == "signature-verified"


def test_22_exactly_one_sct_of_a_known_log() -> None:
    assert code(_unusual(scts=0)) == "sct-missing"
    assert code(_unusual(scts=2)) == "sct-missing"
    unknown = replace(SIGSTORE, fulcio=replace(SIGSTORE.fulcio, ct_log=LogSigner()))
    assert code(bundled(bundle(sigstore=unknown))) == "sct-log-unknown"


def test_22_an_sct_of_another_certificate() -> None:
    class Forgetful(LogSigner):
        def sign(self, message: bytes) -> bytes:
            return super().sign(message + b"\0")

    forgetful = replace(
        SIGSTORE, fulcio=replace(SIGSTORE.fulcio, ct_log=Forgetful(SIGSTORE.fulcio.ct_log.key))
    )
    assert code(bundled(bundle(sigstore=forgetful))) == "sct-signature-wrong"


def test_23_the_ct_log_was_no_longer_trusted() -> None:
    refused = within("ctlogs")
    assert refused(bundle()) == "sct-log-outside-window"
    assert refused(bundle(at=OVER - _DAY)) == "signature-verified"


_NO_SIGNATURES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=True,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


@pytest.mark.parametrize(
    "given",
    [
        {"purposes": (ExtendedKeyUsageOID.EMAIL_PROTECTION,)},
        {"usage": _NO_SIGNATURES},
        {"authority": True},
    ],
    ids=["24-purpose", "24-usage", "25-authority"],
)
def test_24_25_a_certificate_that_is_not_for_signing(given: dict[str, object]) -> None:
    assert code(_unusual(**given)) == "certificate-unsuitable"


@pytest.mark.parametrize(
    "names",
    [
        [],
        [x509.RFC822Name("alice@example.test"), x509.RFC822Name("bob@example.test")],
        [x509.OtherName(x509.ObjectIdentifier("1.2.3.4"), b"\x0c\x01a")],
        [x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7"), b"\x04\x01a")],
        [x509.RegisteredID(x509.ObjectIdentifier("1.2.3.4"))],
    ],
)
def test_26_a_certificate_of_not_exactly_one_name(names: list[x509.GeneralName]) -> None:
    assert code(_unusual(names=names)) == "certificate-identity-unclear"


def test_27_two_issuers_that_differ() -> None:
    signer = replace(ROBOT, old_issuer="https://other.example.test")
    assert code(bundled(bundle(signer=signer))) == "certificate-identity-unclear"


def test_a_signature_of_another_key() -> None:
    mixed = spoilt(
        bundle(),
        "verificationMaterial",
        "certificate",
        to=bundle()["verificationMaterial"]["certificate"],  # type: ignore[index]
    )
    assert code(bundled(mixed)) == "signature-not-by-certificate"


@pytest.mark.parametrize("content", ["", "AAAA", b64encode(b"0" * 40_000).decode(), 7, None])
def test_a_certificate_that_is_none(content: object) -> None:
    document = spoilt(bundle(), "verificationMaterial", "certificate", "rawBytes", to=content)
    assert code(bundled(document)) == "certificate-malformed"


def test_two_certificates_in_the_annotation() -> None:
    layer = SIGSTORE.signature_layer(CLAIMS, ALICE, AT)
    pem = layer.annotations[media_types.CERTIFICATE_ANNOTATION]
    doubled = {**layer.annotations, media_types.CERTIFICATE_ANNOTATION: pem * 2}
    assert code(stored(replace(layer, annotations=doubled))) == "certificate-malformed"


def _stamped(response: bytes, times: int = 1) -> Crafted:
    stamps = [{"signedTimestamp": b64encode(response).decode()}] * times
    return bundled(spoilt(bundle(TILED), *STAMPS, to=stamps))


def test_42_a_timestamp_of_another_signature() -> None:
    assert code(_stamped(SIGSTORE.tsa.response(b"another", AT))) == "timestamp-mismatch"


def test_42_a_timestamp_of_an_authority_that_is_not_trusted() -> None:
    assert code(bundled(bundle(TILED, sigstore=replace(SIGSTORE, tsa=STRANGE.tsa)))) == "timestamp-untrusted"


def test_42_a_timestamp_of_a_sister_of_the_authority() -> None:
    sister = TimestampAuthority.below(SIGSTORE.tsa.root, begins=BEGAN, ends=AT + _DAY)
    assert code(bundled(bundle(TILED, sigstore=replace(SIGSTORE, tsa=sister)))) == "timestamp-untrusted"


def test_42_one_bad_timestamp_beside_the_promise_of_a_log() -> None:
    recipe = replace(LOGGED, timestamp=True)
    assert code(bundled(bundle(recipe, sigstore=replace(SIGSTORE, tsa=STRANGE.tsa)))) == "timestamp-untrusted"


def test_42_the_authority_was_no_longer_trusted() -> None:
    refused = within("timestampAuthorities")
    assert refused(bundle(TILED)) == "timestamp-outside-window"
    assert within("timestampAuthorities", ends=AT)(bundle(TILED)) == "signature-verified"


def test_42_too_many_timestamps_or_one_twice() -> None:
    response = SIGSTORE.tsa.response(b"x", AT)
    assert code(_stamped(response, 2)) == "timestamp-too-many"
    assert code(_stamped(response, 33)) == "timestamp-too-many"


@pytest.mark.parametrize("response", [b"", b"\x30\x00", b"no timestamp"])
def test_42_a_timestamp_that_cannot_be_read(response: bytes) -> None:
    assert code(_stamped(response)) == "timestamp-malformed"


def test_43_a_timestamp_alone_is_refused_where_the_root_names_logs() -> None:
    recipe = replace(TILED, log=None)
    candidate = judged(bundled(bundle(recipe)))
    assert (candidate.outcome, candidate.reason_code) == (Outcome.REFUSED, "log-entry-missing")


def test_44_a_payload_of_another_type() -> None:
    document = SIGSTORE.bundle_of_statement(b"{}", ROBOT, AT, LOGGED, "text/plain")
    assert code(bundled(document)) == "envelope-payload-type"


def test_46_a_statement_about_another_image() -> None:
    payload = json.dumps(
        {
            "_type": media_types.STATEMENT_V1,
            "subject": [{"digest": {"sha256": "0" * 64}}],
            "predicateType": media_types.SIGNATURE_PREDICATE,
        }
    ).encode()
    assert code(bundled(bundle(payload=payload))) == "subject-mismatch"


def test_56_a_message_signature_is_none_of_an_image() -> None:
    assert code(bundled(SIGSTORE.bundle_of_message(b"x", ROBOT, AT))) == "bundle-message-signature"
