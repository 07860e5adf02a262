"""The negative list of keyless signatures: certificates, logs, time. Each spoils one thing of what would hold."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
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
    ENTRY,
    LATER,
    ROBOT,
    SIGSTORE,
    STAMPS,
    STRANGE,
    Json,
    bundle,
    bundled,
    code,
    flipped,
    judged,
    rewritten,
    root,
    spoilt,
    stored,
)

_DAY = timedelta(days=1)
_OVER = AT - _DAY


def _unusual(**given: object) -> Crafted:
    return bundled(bundle(replace(LOGGED, unusual=replace(Unusual(), **given))))  # type: ignore[arg-type]


def _window(part: str, begins: datetime = BEGAN, ends: datetime | None = _OVER) -> Callable[[Json], str]:
    return lambda document: code(bundled(document), root(windows={part: (begins, ends)}))


# ── certificates ──────────────────────────────────────────────────────────────────────────────────────────────────


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


@pytest.mark.parametrize(("issuer_ends", "root_ends"), [(_OVER, AT + _DAY), (AT + _DAY, _OVER)])
def test_20_the_whole_chain_must_be_within_its_validity(issuer_ends: datetime, root_ends: datetime) -> None:
    sigstore = _with_issuer(issuer_ends, root_ends)
    assert code(bundled(bundle(sigstore=sigstore)), root(sigstore)) == "certificate-outside-validity"


def test_21_the_authority_was_no_longer_trusted() -> None:
    refused = _window("certificateAuthorities")
    assert refused(bundle()) == "certificate-authority-outside-window"
    assert refused(bundle(at=_OVER - _DAY)) == "signature-verified"


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
    refused = _window("ctlogs")
    assert refused(bundle()) == "sct-log-outside-window"
    assert refused(bundle(at=_OVER - _DAY)) == "signature-verified"


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


# ── log ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_31_an_entry_of_another_signature() -> None:
    pasted = spoilt(bundle(), *ENTRY, to=_entry(bundle()))
    assert code(bundled(pasted)) == "log-entry-mismatch"
    layer, other = (SIGSTORE.signature_layer(CLAIMS, ALICE, AT) for _ in range(2))
    annotations = {
        **layer.annotations,
        media_types.LOG_ANNOTATION: other.annotations[media_types.LOG_ANNOTATION],
    }
    assert code(stored(replace(layer, annotations=annotations))) == "log-entry-mismatch"


def _entry(document: Json) -> Json:
    return document["verificationMaterial"]["tlogEntries"][0]  # type: ignore[index,no-any-return]


def _logged_anew(change: Callable[[Json], None], recipe: object = LOGGED) -> Crafted:
    """A bundle whose entry says something else, properly logged."""
    document = bundle(recipe)  # type: ignore[arg-type]
    body = json.loads(b64decode(str(_entry(document)["canonicalizedBody"])))
    change(body)
    log = SIGSTORE.rekor_2 if recipe is TILED else SIGSTORE.rekor_1
    return bundled(spoilt(document, *ENTRY, to=log.add(body, AT)))


def _other_certificate(body: Json) -> None:
    other = SIGSTORE.fulcio.issue(LogSigner().key.public_key(), ALICE, AT)
    verifier = b64encode(other.public_bytes(Encoding.PEM)).decode()
    body["spec"]["signatures"][0]["verifier"] = verifier  # type: ignore[index]


def test_32_an_entry_of_the_same_signature_and_another_certificate() -> None:
    assert code(_logged_anew(_other_certificate)) == "log-entry-mismatch"


def test_32_an_entry_of_the_same_signature_and_another_content() -> None:
    def change(body: Json) -> None:
        body["spec"]["payloadHash"]["value"] = "0" * 64  # type: ignore[index]

    assert code(_logged_anew(change)) == "log-entry-mismatch"


def test_32_an_entry_with_a_second_signature() -> None:
    def change(body: Json) -> None:
        body["spec"]["signatures"] *= 2  # type: ignore[index]

    assert code(_logged_anew(change)) == "log-entry-mismatch"


@pytest.mark.parametrize("kind", [("rekord", "0.0.1"), ("hashedrekord", "0.0.9"), ("alpine", "0.0.1")])
def test_33_a_kind_of_entry_that_is_not_known(kind: tuple[str, str]) -> None:
    def change(body: Json) -> None:
        body["kind"], body["apiVersion"] = kind

    assert code(_logged_anew(change)) == "log-entry-kind-unknown"


def test_33_the_bundle_says_another_kind_than_the_entry() -> None:
    document = spoilt(bundle(), *ENTRY, "kindVersion", "kind", to="hashedrekord")
    assert code(bundled(document)) == "log-entry-mismatch"


@pytest.mark.parametrize(
    ("member", "change"),
    [
        ("integratedTime", lambda seconds: str(int(seconds) + 1)),
        ("logIndex", lambda index: str(int(index) + 1)),
    ],
)
def test_34_a_promise_over_another_time_or_index(member: str, change: Callable[[str], str]) -> None:
    assert code(bundled(spoilt(bundle(), *ENTRY, member, to=change))) == "log-promise-wrong"


def test_34_a_promise_of_nobody() -> None:
    document = spoilt(bundle(), *ENTRY, "inclusionPromise", "signedEntryTimestamp", to=flipped)
    assert code(bundled(document)) == "log-promise-wrong"


@pytest.mark.parametrize("member", ["integratedTime", "logIndex"])
def test_34_a_promise_in_an_annotation_over_another_time_or_index(member: str) -> None:
    layer = SIGSTORE.signature_layer(CLAIMS, ALICE, AT)
    held = json.loads(layer.annotations[media_types.LOG_ANNOTATION])
    held["Payload"][member] += 1
    annotations = {**layer.annotations, media_types.LOG_ANNOTATION: json.dumps(held)}
    assert code(stored(replace(layer, annotations=annotations))) == "log-promise-wrong"


def test_35_an_unknown_log() -> None:
    unknown = replace(SIGSTORE, rekor_1=STRANGE.rekor_1, rekor_2=STRANGE.rekor_2)
    assert code(bundled(bundle(sigstore=unknown))) == "log-unknown"
    assert code(bundled(bundle(TILED, sigstore=unknown))) == "log-unknown"


def test_36_the_log_was_no_longer_trusted() -> None:
    refused = _window("tlogs")
    assert refused(bundle()) == "log-outside-window"
    assert refused(bundle(TILED)) == "log-outside-window"
    assert refused(bundle(at=_OVER - _DAY)) == "signature-verified"


@pytest.mark.parametrize("recipe", [LOGGED, TILED], ids=["rekor-1", "rekor-2"])
@pytest.mark.parametrize(
    ("member", "change", "expected"),
    [
        ("hashes", lambda hashes: hashes[:-1], "log-proof-wrong"),
        ("hashes", lambda hashes: [*hashes, hashes[0]], "log-proof-wrong"),
        ("hashes", lambda hashes: [flipped(hashes[0]), *hashes[1:]], "log-proof-wrong"),
        ("hashes", lambda hashes: ["AAAA", *hashes[1:]], "log-proof-malformed"),
        ("hashes", lambda hashes: hashes * 65, "log-proof-malformed"),
        ("rootHash", flipped, "log-proof-wrong"),
        ("logIndex", lambda index: str(int(index) + 1), "log-proof-wrong"),
        ("logIndex", lambda _: "9" * 18, "log-proof-wrong"),
        ("logIndex", lambda _: "-1", "log-proof-malformed"),
        ("treeSize", lambda size: str(int(size) * 2), "log-proof-wrong"),
        ("treeSize", lambda _: "0", "log-proof-wrong"),
        ("checkpoint", lambda _: {}, "log-proof-malformed"),
    ],
)
def test_37_a_proof_that_leads_elsewhere(
    recipe: object, member: str, change: Callable[[object], object], expected: str
) -> None:
    for number in range(3):  # a tree in which the proof has hashes
        SIGSTORE.rekor_1.tree.append(b"%d" % number)
        SIGSTORE.rekor_2.tree.append(b"%d" % number)
    document = spoilt(bundle(recipe), *ENTRY, "inclusionProof", member, to=change)  # type: ignore[arg-type]
    assert code(bundled(document)) == expected


def _checkpoint(change: Callable[[str], str], recipe: object = TILED) -> str:
    document = bundle(recipe)  # type: ignore[arg-type]
    return code(bundled(spoilt(document, *ENTRY, "inclusionProof", "checkpoint", "envelope", to=change)))


def _by_witness(note: str) -> str:
    """The same text with the signature of somebody who is not the log."""
    text = note.partition("\n\n")[0] + "\n"
    blob = b64encode(b"\1\2\3\4" + STRANGE.rekor_2.signer.sign(text.encode())).decode()
    return f"{text}\n\N{EM DASH} witness.example.test {blob}\n"


def _under_the_hint_of_the_log(note: str) -> str:
    text = note.partition("\n\n")[0] + "\n"
    blob = b64encode(SIGSTORE.rekor_2.log_id[:4] + STRANGE.rekor_2.signer.sign(text.encode())).decode()
    return f"{text}\n\N{EM DASH} log2.rekor.invalid {blob}\n"


def test_38_only_the_log_itself_signs_its_checkpoint() -> None:
    assert _checkpoint(_by_witness) == "log-checkpoint-wrong"
    assert _checkpoint(_under_the_hint_of_the_log) == "log-checkpoint-wrong"
    assert _checkpoint(lambda note: note.replace("log2.", "log3.", 1)) == "log-checkpoint-wrong"


def test_38_a_witness_beside_the_log_does_no_harm() -> None:
    assert _checkpoint(lambda note: note + _by_witness(note).partition("\n\n")[2]) == "signature-verified"


def test_38_a_checkpoint_of_another_tree() -> None:
    earlier = SIGSTORE.rekor_2.checkpoint()
    SIGSTORE.rekor_2.tree.append(b"more")
    assert _checkpoint(lambda _: earlier) == "log-proof-wrong"


@pytest.mark.parametrize(
    "change",
    [
        lambda _: "",
        lambda note: note.rstrip("\n"),
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note + "\n",
        lambda note: note.replace("\N{EM DASH}", "-"),
        lambda note: f"\n{note}",
        lambda note: note.replace("\n", "\nmany\n", 1),
        lambda note: note + note.rpartition("\n\n")[2] * 100,
        lambda note: note * 5000,
    ],
)
def test_38_what_is_no_checkpoint(change: Callable[[str], str]) -> None:
    assert _checkpoint(change) == "log-proof-malformed"


def test_39_one_entry_and_no_second() -> None:
    document = bundle()
    doubled = spoilt(document, "verificationMaterial", "tlogEntries", to=lambda entries: entries * 2)
    assert code(bundled(doubled)) == "log-entry-too-many"
    two = spoilt(
        document, "verificationMaterial", "tlogEntries", to=lambda entries: [*entries, _entry(bundle())]
    )
    assert code(bundled(two)) == "log-entry-too-many"
    many = spoilt(document, "verificationMaterial", "tlogEntries", to=lambda entries: entries * 1000)
    assert code(bundled(many)) == "log-entry-too-many"


def test_40_an_entry_of_rekor_2_needs_a_timestamp() -> None:
    assert code(bundled(bundle(replace(TILED, timestamp=False)))) == "signing-time-unproven"


def test_41_a_time_that_nobody_signed_means_nothing() -> None:
    document = bundle(replace(TILED, timestamp=False))
    _entry(document)["integratedTime"] = str(int(AT.timestamp()))
    assert code(bundled(document)) == "signing-time-unproven"
    unpromised = bundle()
    del _entry(unpromised)["inclusionPromise"]
    assert code(bundled(unpromised)) == "signing-time-unproven"


def test_41_a_time_that_nobody_signed_does_not_move_a_proven_one() -> None:
    document = bundle(TILED)
    _entry(document)["integratedTime"] = str(int(LATER.timestamp()))
    assert judged(bundled(document)).signed_at == AT


def test_a_bundle_of_each_version_carries_what_its_version_demands() -> None:
    first = bundle(replace(LOGGED, version=media_types.BUNDLE_V01))
    promised = dict(_entry(first))
    del promised["inclusionProof"]
    assert code(bundled(spoilt(first, *ENTRY, to=promised))) == "signature-verified"
    unpromised = {name: value for name, value in _entry(first).items() if name != "inclusionPromise"}
    assert code(bundled(spoilt(first, *ENTRY, to=unpromised))) == "log-promise-missing"
    third = bundle()
    unproven = {name: value for name, value in _entry(third).items() if name != "inclusionProof"}
    assert code(bundled(spoilt(third, *ENTRY, to=unproven))) == "log-promise-missing"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("logId", None),
        ("logId", {"keyId": ""}),
        ("logId", {"keyId": "*"}),
        ("logIndex", "1.5"),
        ("logIndex", True),
        ("logIndex", 1e3),
        ("integratedTime", "soon"),
        ("integratedTime", "253402300800"),
        ("canonicalizedBody", ""),
        ("canonicalizedBody", "e30="),
        ("canonicalizedBody", "W10="),
        ("kindVersion", {}),
        ("inclusionPromise", {}),
        ("unknown", 1),
    ],
)
def test_an_entry_that_cannot_be_read(member: str, value: object) -> None:
    assert code(bundled(spoilt(bundle(), *ENTRY, member, to=value))) == "log-entry-malformed"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"SignedEntryTimestamp":"","Payload":{"logID":"ff"}}'])
def test_an_annotation_that_is_no_entry(text: str) -> None:
    layer = SIGSTORE.signature_layer(CLAIMS, ALICE, AT)
    annotations = {**layer.annotations, media_types.LOG_ANNOTATION: text}
    assert code(stored(replace(layer, annotations=annotations))) == "log-entry-malformed"


# ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────────


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
    refused = _window("timestampAuthorities")
    assert refused(bundle(TILED)) == "timestamp-outside-window"
    assert _window("timestampAuthorities", ends=AT)(bundle(TILED)) == "signature-verified"


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


# ── envelopes, of keyless bundles too ─────────────────────────────────────────────────────────────────────────────


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


def test_an_entry_whose_body_was_changed_since() -> None:
    def change(body: Json) -> None:
        body["spec"]["added"] = 1  # type: ignore[index]

    document = spoilt(bundle(), *ENTRY, "canonicalizedBody", to=lambda body: rewritten(body, change))
    assert code(bundled(document)) == "log-proof-wrong"
