"""Envelopes: what is accepted in both formats, and each way to break one (the numbers are of the negative list)."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64decode
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Outcome, TimeSource
from gatekeeper.core.manifest import Descriptor
from gatekeeper.core.trust import TrustMaterial
from gatekeeper.ports import Judged
from gatekeeper.signatures.notation import cbor, envelope
from gatekeeper.signatures.verifier import Verifier
from tests.fakes import notary
from tests.fakes.notary import CHAIN, NOW, SUBJECT, Signing, judged, payload

_BOTH = pytest.mark.parametrize("media_type", [envelope.JWS, envelope.COSE], ids=["jws", "cose"])
_SCHEMES = {"registryScopes": ["*"], "trustStores": ["ca:acme", "signingAuthority:acme"]}
_TRUST = notary.trust(notary.statement(**_SCHEMES))
_OTHER_PROTECTED = "io.cncf.notary.signingScheme"


def _code(content: bytes, media_type: str = envelope.JWS, **options: Any) -> str:
    return judged(content, media_type, under=_TRUST, **options).reason_code


def _chain_of(kind: str) -> tuple[notary.Party, ...]:
    leaf = notary.issue("signer", notary.key(kind, "leaf"), notary.ISSUING)
    return (leaf, *CHAIN[1:])


@_BOTH
@pytest.mark.parametrize("kind", ["p256", "p384", "p521", "rsa2048", "rsa3072", "rsa4096"])
def test_every_algorithm_of_the_specification_is_accepted(media_type: str, kind: str) -> None:
    candidate = judged(Signing(chain=_chain_of(kind)).envelope(media_type), media_type, under=_TRUST)
    assert (candidate.outcome, candidate.reason_code) == (Outcome.VERIFIED, "signature-verified")


@_BOTH
@pytest.mark.parametrize("scheme", [notary.X509, notary.AUTHORITY])
def test_both_signing_schemes_are_accepted(media_type: str, scheme: str) -> None:
    signing = Signing(
        scheme=scheme, expiry=NOW + timedelta(days=3), content=payload(annotations={"build": "7"})
    )
    candidate = judged(signing.envelope(media_type), media_type, under=_TRUST)
    assert candidate.outcome is Outcome.VERIFIED
    assert candidate.signing_scheme == scheme
    assert candidate.expires_at == NOW + timedelta(days=3)
    assert candidate.annotations == {"build": "7"}
    proven = [TimeSource.SIGNING_AUTHORITY] if scheme == notary.AUTHORITY else []
    assert sorted(time.source for time in candidate.times) == sorted([TimeSource.CLAIMED, *proven])


@_BOTH
def test_attributes_nobody_calls_critical_are_ignored(media_type: str) -> None:
    assert (
        _code(Signing(extra={"com.example.build": "7"}).envelope(media_type), media_type)
        == "signature-verified"
    )


_SPOILED = {
    "9-digest-differs": (Signing(content=payload(digest=str(Digest.of(b"other")))), "subject-mismatch"),
    "10-size-differs": (Signing(content=payload(size=529)), "subject-mismatch"),
    "11-media-type-differs": (Signing(content=payload(mediaType="text/plain")), "subject-mismatch"),
    "12-no-target": (Signing(content=b"{}"), "notation-payload-malformed"),
    "12-no-digest": (Signing(content=payload(digest=None)), "notation-payload-malformed"),
    "12-size-is-text": (Signing(content=payload(size="528")), "notation-payload-malformed"),
    "12-size-is-a-boolean": (Signing(content=payload(size=True)), "notation-payload-malformed"),
    "12-annotations-are-a-list": (Signing(content=payload(annotations=[])), "notation-payload-malformed"),
    "13-no-json": (Signing(content=b"hello"), "notation-payload-malformed"),
    "14-duplicate-key": (
        Signing(content=payload()[:-1] + b', "targetArtifact": {}}'),
        "notation-payload-malformed",
    ),
    "14-key-in-another-case": (
        Signing(content=payload().replace(b"targetArtifact", b"TargetArtifact")),
        "notation-payload-malformed",
    ),
    "16-content-type-wrong": (Signing(content_type="text/plain"), "notation-content-type"),
    "17-content-type-missing": (Signing(content_type=None), "notation-content-type"),
    "20-scheme-unknown": (Signing(scheme="notary.x510"), "notation-scheme-unknown"),
    "21-scheme-missing": (Signing(scheme=None), "notation-scheme-unknown"),
    "22-crit-missing": (Signing(critical=None), "notation-critical"),
    "22-crit-empty": (Signing(critical=[]), "notation-critical"),
    "22-crit-is-text": (Signing(critical="io.cncf.notary.signingScheme"), "notation-critical"),
    "22-crit-has-a-duplicate": (Signing(also_critical=[_OTHER_PROTECTED]), "notation-critical"),
    "22-crit-has-a-boolean": (Signing(also_critical=[True]), "notation-critical"),
    "23-crit-lacks-the-scheme": (
        Signing(critical=["x"], extra={"x": 1}),
        "notation-critical",
    ),
    "24-crit-lacks-the-expiry": (
        Signing(expiry=NOW + timedelta(days=1), critical=[_OTHER_PROTECTED]),
        "notation-critical",
    ),
    "25-crit-lacks-the-authentic-time": (
        Signing(scheme=notary.AUTHORITY, critical=[_OTHER_PROTECTED]),
        "notation-critical",
    ),
    "26-crit-names-an-absent-header": (Signing(also_critical=["com.example.gone"]), "notation-critical"),
    "27-unknown-critical": (
        Signing(extra={"com.example.x": 1}, also_critical=["com.example.x"]),
        "notation-critical-unknown",
    ),
    "28-both-times": (
        Signing(extra={envelope.AUTHENTIC_SIGNING_TIME: notary.rfc3339(NOW)}),
        "notation-attributes",
    ),
    "29-time-missing": (Signing(drop=[envelope.SIGNING_TIME]), "notation-attributes"),
    "30-time-in-the-wrong-encoding": (
        Signing(extra={envelope.SIGNING_TIME: 1700000000}),
        "notation-attributes",
    ),
    "30-time-that-is-none": (
        Signing(extra={envelope.SIGNING_TIME: "2026-02-30T00:00:00Z"}),
        "notation-attributes",
    ),
    "31-expiry-before-signing": (Signing(expiry=NOW - timedelta(days=3)), "notation-attributes"),
    "32-plugin": (
        Signing(extra={envelope.VERIFICATION_PLUGIN: "acme"}, also_critical=[envelope.VERIFICATION_PLUGIN]),
        "notation-plugin-required",
    ),
    "32-plugin-that-is-not-critical": (
        Signing(extra={envelope.VERIFICATION_PLUGIN: "acme"}),
        "notation-plugin-required",
    ),
    "38-another-key": (Signing(key=notary.key("p256", "thief")), "notation-signature-wrong"),
    "57-no-certificates": (Signing(carried=[]), "notation-chain-missing"),
    "45-certificate-that-is-none": (Signing(carried=[b"\x30\x00"]), "notation-certificate-malformed"),
    "too-many-certificates": (Signing(carried=[notary.LEAF.der] * 11), "notation-certificate-malformed"),
}


@_BOTH
@pytest.mark.parametrize("spoiled", _SPOILED)
def test_a_spoiled_envelope_is_refused(media_type: str, spoiled: str) -> None:
    signing, code = _SPOILED[spoiled]
    candidate = judged(signing.envelope(media_type), media_type, under=_TRUST)
    assert (candidate.outcome, candidate.reason_code) == (Outcome.REFUSED, code), candidate.detail
    assert candidate.identity is None


@_BOTH
def test_18_an_algorithm_that_is_not_the_keys(media_type: str) -> None:
    wrong: str | int = "ES384" if media_type == envelope.JWS else -35
    assert _code(Signing(algorithm=wrong).envelope(media_type), media_type) == "notation-algorithm"


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS256", "EdDSA", "ES256K", ["ES256"]])
def test_19_an_algorithm_the_specification_does_not_know(algorithm: Any) -> None:
    assert _code(Signing(algorithm=algorithm).jws()) == "notation-algorithm"


@pytest.mark.parametrize("algorithm", [-8, -257, 5, "ES256"])
def test_19_a_cose_algorithm_the_specification_does_not_know(algorithm: Any) -> None:
    assert _code(Signing(algorithm=algorithm).cose(), envelope.COSE) == "notation-algorithm"


@pytest.mark.parametrize("kind", ["rsa1024", "p224", "k256"])
def test_81_to_83_a_key_that_may_not_sign(kind: str) -> None:
    assert _code(Signing(chain=_chain_of(kind)).jws()) == "notation-key-refused"


@pytest.mark.parametrize("salt", [0, 20, 64])
def test_a_salt_that_is_not_as_long_as_the_hash(salt: int) -> None:
    chain = _chain_of("rsa2048")
    made = json.loads(Signing(chain=chain).jws())
    signed = f"{made['protected']}.{made['payload']}".encode()
    other = notary.raw_signature(chain[0].key, "PS256", signed, salt=salt)
    assert (
        _code(json.dumps(made | {"signature": notary.base64url(other)}).encode())
        == "notation-signature-wrong"
    )


def _with_signature(change: Any) -> bytes:
    made = json.loads(Signing().jws())
    return json.dumps(made | {"signature": change(made["signature"])}).encode()


def _as_der(raw: str) -> str:
    both = urlsafe_b64decode(raw + "==")
    r, s = int.from_bytes(both[:32], "big"), int.from_bytes(both[32:], "big")
    return notary.base64url(encode_dss_signature(r, s))


@pytest.mark.parametrize(
    "change",
    [lambda raw: raw[:80], _as_der, lambda _: "", lambda _: notary.base64url(b"\0" * 64)],
    ids=["35-cut-off", "36-der", "37-empty", "zeros"],
)
def test_a_primitive_signature_in_another_form(change: Any) -> None:
    assert _code(_with_signature(change)) == "notation-signature-wrong"


def _jws(**members: Any) -> bytes:
    """A good JWS with these members instead; those that are None are left out."""
    made = json.loads(Signing().jws()) | members
    return json.dumps({k: v for k, v in made.items() if v is not None}).encode()


def _changed_header(**members: Any) -> str:
    text = json.loads(Signing().jws())["protected"]
    return notary.base64url(json.dumps(json.loads(urlsafe_b64decode(text + "==")) | members).encode())


def test_33_a_changed_payload() -> None:
    assert _code(_jws(payload=notary.base64url(payload(size=1)))) == "notation-signature-wrong"


def test_34_a_changed_signed_header() -> None:
    assert _code(_jws(protected=_changed_header(x=1))) == "notation-signature-wrong"


_GOOD = json.loads(Signing().jws())
_MALFORMED_JWS = {
    "39-padding": _jws(payload=_GOOD["payload"] + "="),
    "39-standard-alphabet": _jws(signature="+" + _GOOD["signature"][1:]),
    "41-compact": f"{_GOOD['protected']}.{_GOOD['payload']}.{_GOOD['signature']}".encode(),
    "42-general": _jws(signatures=[]),
    "42-a-member-too-many": _jws(x=1),
    "42-a-member-too-few": _jws(header=None),
    "43-duplicate-member": Signing().jws()[:-1] + b', "payload": "e30"}',
    "43-member-in-another-case": _jws(header=None, Header={}),
    "44-name-in-both-headers": Signing(unsigned={"alg": "ES256"}).jws(),
    "44-x5c-in-another-case": Signing(unsigned={"X5C": []}).jws(),
    "45-x5c-is-no-list": Signing(unsigned={"x5c": "AAAA"}).jws(),
    "45-x5c-is-no-base64": Signing(unsigned={"x5c": ["@@@"]}).jws(),
    "45-x5c-is-base64url": Signing(unsigned={"x5c": ["-_-_"]}).jws(),
    "45-x5c-is-not-canonical": Signing(unsigned={"x5c": ["AB=="]}).jws(),
    "45-x5c-holds-a-number": Signing(unsigned={"x5c": [7]}).jws(),
    "46-deep": b"[" * 100_000,
    "47-empty": b"",
    "header-is-no-object": _jws(header=[]),
    "payload-is-no-text": _jws(payload=7),
    "protected-is-no-object": _jws(protected=notary.base64url(b"[]")),
    "protected-is-cut-off": _jws(protected="A"),
    "time-stamp-is-no-base64": Signing(unsigned={envelope.TIMESTAMP: "@"}).jws(),
}


@pytest.mark.parametrize("spoiled", _MALFORMED_JWS)
def test_a_jws_that_breaks_its_format(spoiled: str) -> None:
    assert _code(_MALFORMED_JWS[spoiled]) == "notation-envelope-malformed"


def test_40_spare_bits_would_let_one_signature_appear_as_many() -> None:
    signature = _GOOD["signature"]
    assert len(signature) % 4 == 2
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = signature[:-1] + alphabet[alphabet.index(signature[-1]) + 1]
    assert _code(_jws(signature=twin)) == "notation-envelope-malformed"


def test_48_a_layer_of_another_media_type() -> None:
    assert _code(Signing().jws(), "application/json") == "notation-media-type"
    assert _code(Signing().jws(), envelope.COSE) == "notation-envelope-malformed"


_COSE = cbor.loads(Signing().cose())
assert isinstance(_COSE, cbor.Tag)
_PARTS: list[object] = _COSE.value  # type: ignore[assignment]  # a COSE_Sign1 is an array


def _cose(place: int, value: object, tag: int = 18) -> bytes:
    parts = list(_PARTS)
    parts[place] = value
    return notary.cbor(cbor.Tag(tag, parts))


_INDEFINITE = b"\xd2\x9f" + b"".join(map(notary.cbor, _PARTS)) + b"\xff"
_MALFORMED_COSE = {
    "49-untagged": notary.cbor(_PARTS),
    "50-other-tag": _cose(3, _PARTS[3], tag=98),
    "51-trailing-bytes": Signing().cose() + b"\0",
    "52-detached": _cose(2, None),
    "53-duplicate-label": _cose(0, b"\xa2\x01\x26\x01\x26"),
    "54-indefinite-length": _INDEFINITE,
    "55-length-bomb": b"\xd2\x9b" + b"\xff" * 8,
    "55-map-bomb": b"\xd2\xbb" + b"\xff" * 8,
    "56-single-byte-string": Signing(unsigned={33: notary.LEAF.der}).cose(),
    "three-members": notary.cbor(cbor.Tag(18, _PARTS[:3])),
    "a-long-form-of-a-short-number": b"\xd8\x12" + Signing().cose()[1:],
    "protected-is-a-map": _cose(0, {}),
    "protected-is-a-list": _cose(0, notary.cbor([])),
    "unprotected-is-a-list": _cose(1, []),
    "label-in-both": Signing(unsigned={1: -7}).cose(),
    "text-that-is-not-utf-8": _cose(1, {}).replace(b"\xa0", b"\xa1\x61\xff\x00"),
    "label-that-is-a-list": _cose(1, {}).replace(b"\xa0", b"\xa1\x80\x00"),
    "simple-value": _cose(1, {}).replace(b"\xa0", b"\xa1\x00\xe0"),
    "deep": b"\x81" * 1000 + b"\x00",
    "empty": b"",
}


@pytest.mark.parametrize("spoiled", _MALFORMED_COSE)
def test_a_cose_envelope_that_breaks_its_format(spoiled: str) -> None:
    assert _code(_MALFORMED_COSE[spoiled], envelope.COSE) == "notation-envelope-malformed"


def test_33_a_changed_cose_payload() -> None:
    assert _code(_cose(2, payload(size=1)), envelope.COSE) == "notation-signature-wrong"


def test_a_chain_may_be_signed_along_in_cose() -> None:
    made = Signing(extra={33: [party.der for party in CHAIN]})
    parts = cbor.loads(made.cose())
    assert isinstance(parts, cbor.Tag)
    assert isinstance(parts.value, list)
    parts.value[1] = {}
    assert _code(notary.cbor(parts), envelope.COSE) == "signature-verified"


@pytest.mark.parametrize(
    "value", [cbor.Tag(0, "2026-11-24T00:00:00Z"), "2026-11-24T00:00:00Z", cbor.Tag(1, True)]
)
def test_30_only_seconds_under_tag_1_are_a_time_in_cose(value: object) -> None:
    signing = Signing(extra={envelope.SIGNING_TIME: value})
    assert _code(signing.cose(), envelope.COSE) == "notation-attributes"


@pytest.mark.parametrize("value", ["2026-11-24T11:00:00+01:00", "2026-11-24T11:00:00.123456789Z"])
def test_every_form_of_rfc_3339_is_a_time_in_jws(value: str) -> None:
    assert _code(Signing(extra={envelope.SIGNING_TIME: value}).jws()) == "signature-verified"


@pytest.mark.parametrize(
    "value", ["2026-11-24t11:00:00Z", "2026-11-24 11:00:00Z", "2026-11-24T11:00:00", "1e9"]
)
def test_30_nothing_else_is_a_time_in_jws(value: str) -> None:
    assert _code(Signing(extra={envelope.SIGNING_TIME: value}).jws()) == "notation-attributes"


def test_the_bytes_must_be_those_that_the_manifest_declares() -> None:
    content = Signing().jws()
    subject = Judged(SUBJECT, notary.REPOSITORY, NOW)
    found = Verifier().verify(
        notary.wanted(content), content + b" ", subject=subject, trust=TrustMaterial(notation=(_TRUST,))
    )
    assert found.candidate.reason_code == "content-mismatch"


@pytest.mark.parametrize(
    ("members", "detail"),
    [
        ({"defect": "its manifest has 2 layers; a signature has one"}, "2 layers"),
        ({"carrier_subject": Digest.of(b"other")}, "belongs to"),
    ],
)
def test_a_carrier_that_breaks_the_specification(members: dict[str, Any], detail: str) -> None:
    content = Signing().jws()
    found = (
        Verifier()
        .verify(
            notary.wanted(content, **members),
            content,
            subject=Judged(SUBJECT, notary.REPOSITORY, NOW),
            trust=TrustMaterial(notation=(_TRUST,)),
        )
        .candidate
    )
    assert (found.outcome, found.reason_code) == (Outcome.REFUSED, "notation-carrier")
    assert detail in found.detail


def test_one_signature_has_one_name_wherever_it_lies() -> None:
    content = Signing().jws()
    again = json.dumps(json.loads(content), indent=1).encode()
    other = Signing(content=payload(annotations={"a": "b"})).jws()
    names = [judged(one, under=_TRUST).signature for one in (content, again, other)]
    assert names[0] == names[1] != names[2]


def test_a_docker_manifest_is_a_target_as_good_as_any() -> None:
    docker = replace(SUBJECT, media_type="application/vnd.docker.distribution.manifest.v2+json")
    made = Signing(content=payload(mediaType=docker.media_type))
    assert _code(made.jws(), subject=docker) == "signature-verified"
    assert _code(made.jws(), subject=Descriptor(SUBJECT.media_type, SUBJECT.digest, SUBJECT.size)) == (
        "subject-mismatch"
    )


def test_the_agents_name_is_nobodys_concern() -> None:
    for agent in (7, None, ["x"], b64encode(b"\0").decode()):
        assert _code(Signing(unsigned={envelope.SIGNING_AGENT: agent}).jws()) == "signature-verified"
