"""Whatever the bytes of envelopes, certificates, revocation answers and trust policies: typed refusals, no crash."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.errors import MalformedError, UnavailableError
from gatekeeper.core.evidence import Outcome
from gatekeeper.signatures.notation import cbor, crl, envelope, ocsp
from gatekeeper.signatures.notation.certificates import read_certificate, read_certificate_file
from gatekeeper.signatures.notation.distinguished_name import parse_distinguished_name
from gatekeeper.signatures.notation.trust_policy import read_trust_policy
from gatekeeper.signatures.reason_codes import ReasonCode
from tests.fakes import notary, notary_revocation
from tests.fakes.notary import ISSUING, LEAF, NOW, ROOT, Signing, judged

_FUZZ = settings(max_examples=150, deadline=None)
_SIGNING = Signing(expiry=NOW + timedelta(days=3), content=notary.payload(annotations={"build": "7"}))
_GOOD = {media_type: _SIGNING.envelope(media_type) for media_type in (envelope.JWS, envelope.COSE)}
_EDITS = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=4)
_BOTH = pytest.mark.parametrize("media_type", [envelope.JWS, envelope.COSE], ids=["jws", "cose"])


def _mutated(content: bytes, edits: list[tuple[int, int]]) -> bytes:
    changed = bytearray(content)
    for position, value in edits:
        changed[position % len(changed)] = value
    return bytes(changed)


@_BOTH
@_FUZZ
@given(edits=_EDITS)
def test_changed_bytes_never_say_anything_else(media_type: str, edits: list[tuple[int, int]]) -> None:
    good = judged(_GOOD[media_type], media_type)
    changed = judged(_mutated(_GOOD[media_type], edits), media_type)
    assert changed.reason_code in set(ReasonCode) - {ReasonCode.UNREADABLE}
    if changed.outcome is Outcome.VERIFIED:
        # Only what is not signed may differ: white space, the agent.
        assert (changed.signature, changed.annotations, changed.expires_at) == (
            good.signature,
            good.annotations,
            good.expires_at,
        )


@_BOTH
@_FUZZ
@given(content=st.binary(max_size=300))
def test_any_bytes_are_refused(media_type: str, content: bytes) -> None:
    candidate = judged(content, media_type)
    assert candidate.outcome is Outcome.REFUSED
    assert candidate.reason_code != ReasonCode.UNREADABLE


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_HEADERS = [
    envelope.SIGNING_SCHEME,
    envelope.SIGNING_TIME,
    envelope.AUTHENTIC_SIGNING_TIME,
    envelope.EXPIRY,
    envelope.VERIFICATION_PLUGIN,
    "com.example.x",
]


@_BOTH
@_FUZZ
@given(
    extra=st.dictionaries(st.sampled_from(_HEADERS), _JSON, max_size=3),
    critical=st.lists(st.sampled_from(_HEADERS), max_size=3),
)
def test_genuinely_signed_nonsense_in_the_headers(
    media_type: str, extra: dict[str, Any], critical: list[str]
) -> None:
    with suppress(TypeError, OverflowError, ValueError):  # what the encoder of the test cannot write
        content = Signing(extra=extra, also_critical=critical).envelope(media_type)
        assert judged(content, media_type).reason_code != ReasonCode.UNREADABLE


@_BOTH
@_FUZZ
@given(document=st.dictionaries(st.sampled_from(["targetArtifact", "x"]), _JSON))
def test_genuinely_signed_nonsense_in_the_payload(media_type: str, document: dict[str, Any]) -> None:
    content = Signing(content=json.dumps(document).encode()).envelope(media_type)
    assert judged(content, media_type).reason_code == "notation-payload-malformed"


@_FUZZ
@given(name=st.sampled_from(["payload", "protected", "header", "signature"]), value=_JSON)
def test_a_jws_with_one_nonsense_member(name: str, value: object) -> None:
    made = json.loads(_GOOD[envelope.JWS]) | {name: value}
    candidate = judged(json.dumps(made).encode())
    assert candidate.outcome is Outcome.REFUSED
    assert candidate.reason_code != ReasonCode.UNREADABLE


@_FUZZ
@given(edits=_EDITS)
def test_changed_certificates_in_an_envelope(edits: list[tuple[int, int]]) -> None:
    carried = [LEAF.der, _mutated(ISSUING.der, edits), ROOT.der]
    candidate = judged(Signing(carried=carried).jws())
    assert candidate.outcome is Outcome.REFUSED or carried[1] == ISSUING.der
    assert candidate.reason_code != ReasonCode.UNREADABLE


@_FUZZ
@given(edits=_EDITS)
def test_changed_certificates(edits: list[tuple[int, int]]) -> None:
    changed = _mutated(LEAF.der, edits)
    with suppress(MalformedError):
        assert read_certificate(changed).encoded == changed


@_FUZZ
@given(content=st.binary(max_size=200) | st.text(max_size=80).map(lambda text: f"-----BEGIN {text}".encode()))
def test_any_file_in_a_trust_store(content: bytes) -> None:
    with pytest.raises(MalformedError):
        read_certificate_file(content)


@_FUZZ
@given(content=st.binary(max_size=200))
def test_any_cbor(content: bytes) -> None:
    with suppress(MalformedError):
        cbor.loads(content)


_LIST = notary_revocation.revocation_list(notary_revocation.entry(LEAF))
_RESPONSE = notary_revocation.ocsp_response(LEAF)


@_FUZZ
@given(edits=_EDITS)
def test_changed_revocation_lists(edits: list[tuple[int, int]]) -> None:
    changed = _mutated(_LIST, edits)
    leaf, issuer = read_certificate(LEAF.der), read_certificate(ISSUING.der)
    with suppress(UnavailableError):
        listed = crl.read_list(changed)
        crl.check_believable(listed, issuer, NOW)
        assert crl.covers(listed, leaf, ())
        assert crl.lists_as_revoked([listed], leaf, None)


@_FUZZ
@given(edits=_EDITS)
def test_changed_ocsp_responses(edits: list[tuple[int, int]]) -> None:
    leaf, issuer = read_certificate(LEAF.der), read_certificate(ISSUING.der)
    with suppress(UnavailableError):
        assert not ocsp.is_revoked(_mutated(_RESPONSE, edits), leaf, issuer, now=NOW)


@_FUZZ
@given(content=st.binary(max_size=200) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_any_trust_policy(content: bytes) -> None:
    with pytest.raises(MalformedError):
        read_trust_policy(content)


_MEMBERS = ["name", "registryScopes", "signatureVerification", "trustStores", "trustedIdentities"]


@_FUZZ
@given(member=st.sampled_from(_MEMBERS), value=_JSON)
def test_a_statement_with_one_nonsense_member(member: str, value: object) -> None:
    with suppress(MalformedError):
        policy = read_trust_policy(notary.document(notary.statement(**{member: value})))
        assert policy.statements


@_FUZZ
@given(text=st.text(alphabet='CSTO=,;+\\ "#aAé20', max_size=40))
def test_any_distinguished_name(text: str) -> None:
    with suppress(MalformedError):
        assert set(parse_distinguished_name(text).attributes) >= {"C", "ST", "O"}


@_FUZZ
@given(value=st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable()))
def test_a_name_that_is_escaped_comes_back_as_it_was(value: str) -> None:
    escaped = "".join(f"\\{byte:02X}" for byte in value.encode())
    assert parse_distinguished_name(f"C=US, ST=WA, O={escaped}").attributes["O"] == value


def test_the_signed_headers_of_the_seed_are_what_they_seem() -> None:
    protected = json.loads(_GOOD[envelope.JWS])["protected"]
    assert envelope.EXPIRY in json.loads(urlsafe_b64decode(protected + "=="))["crit"]
