"""The negative list of keyless signatures, the log: entries, promises, proofs, checkpoints. Each spoils one thing."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gatekeeper.demo.sigstore.instance import LOGGED, TILED
from gatekeeper.demo.sigstore.signing_keys import LogSigner
from gatekeeper.signatures import media_types
from tests.unit.signatures.crafted import Crafted
from tests.unit.signatures.keyless.minted import (
    ALICE,
    AT,
    CLAIMS,
    ENTRY,
    LATER,
    OVER,
    SIGSTORE,
    STRANGE,
    Json,
    bundle,
    bundled,
    code,
    flipped,
    judged,
    rewritten,
    spoilt,
    stored,
    within,
)


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
    refused = within("tlogs")
    assert refused(bundle()) == "log-outside-window"
    assert refused(bundle(TILED)) == "log-outside-window"
    assert refused(bundle(at=OVER - timedelta(days=1))) == "signature-verified"


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


def test_an_entry_whose_body_was_changed_since() -> None:
    def change(body: Json) -> None:
        body["spec"]["added"] = 1  # type: ignore[index]

    document = spoilt(bundle(), *ENTRY, "canonicalizedBody", to=lambda body: rewritten(body, change))
    assert code(bundled(document)) == "log-proof-wrong"
