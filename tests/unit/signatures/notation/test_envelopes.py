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
from tests.fakes.notary_cases import (
    GOOD,
    MALFORMED_COSE,
    MALFORMED_JWS,
    SPOILED,
    changed_header,
    cose,
    jws,
)

_BOTH = pytest.mark.parametrize("media_type", [envelope.JWS, envelope.COSE], ids=["jws", "cose"])
_SCHEMES = {"registryScopes": ["*"], "trustStores": ["ca:acme", "signingAuthority:acme"]}
_TRUST = notary.trust(notary.statement(**_SCHEMES))


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


@_BOTH
@pytest.mark.parametrize("spoiled", SPOILED)
def test_a_spoiled_envelope_is_refused(media_type: str, spoiled: str) -> None:
    signing, code = SPOILED[spoiled]
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


def test_33_a_changed_payload() -> None:
    assert _code(jws(payload=notary.base64url(payload(size=1)))) == "notation-signature-wrong"


def test_34_a_changed_signed_header() -> None:
    assert _code(jws(protected=changed_header(x=1))) == "notation-signature-wrong"


@pytest.mark.parametrize("spoiled", MALFORMED_JWS)
def test_a_jws_that_breaks_its_format(spoiled: str) -> None:
    assert _code(MALFORMED_JWS[spoiled]) == "notation-envelope-malformed"


def test_40_spare_bits_would_let_one_signature_appear_as_many() -> None:
    signature = GOOD["signature"]
    assert len(signature) % 4 == 2
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = signature[:-1] + alphabet[alphabet.index(signature[-1]) + 1]
    assert _code(jws(signature=twin)) == "notation-envelope-malformed"


def test_48_a_layer_of_another_media_type() -> None:
    assert _code(Signing().jws(), "application/json") == "notation-media-type"
    assert _code(Signing().jws(), envelope.COSE) == "notation-envelope-malformed"


@pytest.mark.parametrize("spoiled", MALFORMED_COSE)
def test_a_cose_envelope_that_breaks_its_format(spoiled: str) -> None:
    assert _code(MALFORMED_COSE[spoiled], envelope.COSE) == "notation-envelope-malformed"


def test_33_a_changed_cose_payload() -> None:
    assert _code(cose(2, payload(size=1)), envelope.COSE) == "notation-signature-wrong"


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
    "value",
    [
        "2026-11-24t11:00:00Z",
        "2026-11-24 11:00:00Z",
        "2026-11-24T11:00:00",
        "1e9",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
    ],
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
