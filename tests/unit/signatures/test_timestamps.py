"""RFC 3161 tokens: made by the virtual authority and by real ones, and spoilt in every way that matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.demo.sigstore import der as asn1
from gatekeeper.demo.sigstore.authority import Authority
from gatekeeper.demo.sigstore.timestamping import TimestampAuthority
from gatekeeper.signatures.refusal import RefusedError
from gatekeeper.signatures.timestamp import Timestamp, token_of_response, verify_token

_FUZZ = settings(max_examples=150, deadline=None)
_BEGINS, _ENDS = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
_AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
_MESSAGE = b"a signature"


def _root(name: str = "tsa-root", ends: datetime = _ENDS) -> Authority:
    return Authority.root(name, begins=_BEGINS, ends=ends)


_ROOT = _root()
_TSA = TimestampAuthority.below(_ROOT, begins=_BEGINS, ends=_ENDS)


def _verify(token: bytes, message: bytes = _MESSAGE, *, demand: bool = False) -> Timestamp:
    return verify_token(token, message, anchors=[_ROOT.certificate], demand_signing_certificate=demand)


def _refusal(token: bytes, message: bytes = _MESSAGE, *, demand: bool = False) -> str:
    with pytest.raises(RefusedError) as refused:
        _verify(token, message, demand=demand)
    return refused.value.code.value


def test_a_token_says_when_and_who() -> None:
    stamp = _verify(token_of_response(_TSA.response(_MESSAGE, _AT)), demand=True)
    assert stamp.at == _AT
    assert stamp.accuracy == timedelta(seconds=1)
    assert stamp.chain == _TSA.chain
    assert stamp.policy == "1.3.6.1.4.1.57264.2"


def test_a_token_of_another_message() -> None:
    assert _refusal(_TSA.token(_MESSAGE, _AT), b"another signature") == "timestamp-mismatch"


def test_a_self_signed_certificate_in_the_token_is_no_anchor() -> None:
    own = _root("stranger")
    stranger = TimestampAuthority.below(own, begins=_BEGINS, ends=_ENDS)
    with pytest.raises(RefusedError) as refused:
        verify_token(
            stranger.token(_MESSAGE, _AT),
            _MESSAGE,
            anchors=[_ROOT.certificate],
            intermediates=[own.certificate],
        )
    assert refused.value.code == "timestamp-untrusted"


def test_the_name_of_a_trusted_root_does_not_make_one() -> None:
    pretender = TimestampAuthority.below(_root(), begins=_BEGINS, ends=_ENDS)
    assert _refusal(pretender.token(_MESSAGE, _AT)) == "timestamp-untrusted"


def test_only_the_authority_that_is_named_may_sign() -> None:
    sister = TimestampAuthority.below(_ROOT, begins=_BEGINS, ends=_ENDS)
    with pytest.raises(RefusedError) as refused:
        verify_token(
            sister.token(_MESSAGE, _AT),
            _MESSAGE,
            anchors=[_ROOT.certificate],
            authority=_TSA.certificate,
        )
    assert refused.value.code == "timestamp-untrusted"


@pytest.mark.parametrize(
    ("purposes", "critical"),
    [
        ((ExtendedKeyUsageOID.TIME_STAMPING,), False),
        ((ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING), True),
        ((ExtendedKeyUsageOID.CODE_SIGNING,), True),
    ],
)
def test_an_authority_not_made_for_timestamps_alone(purposes: tuple[object, ...], critical: bool) -> None:
    other = TimestampAuthority.below(
        _ROOT,
        begins=_BEGINS,
        ends=_ENDS,
        purposes=purposes,  # type: ignore[arg-type]
        critical=critical,
    )
    assert _refusal(other.token(_MESSAGE, _AT)) == "timestamp-untrusted"


@pytest.mark.parametrize("days", [-1, 400])
def test_the_whole_path_must_be_within_its_validity(days: int) -> None:
    assert _refusal(_TSA.token(_MESSAGE, _BEGINS + timedelta(days=days))) == "timestamp-untrusted"


def test_the_anchor_too_must_be_within_its_validity() -> None:
    short = _root("short", ends=_AT - timedelta(days=1))
    tsa = TimestampAuthority.below(short, begins=_BEGINS, ends=_ENDS)
    with pytest.raises(RefusedError) as refused:
        verify_token(tsa.token(_MESSAGE, _AT), _MESSAGE, anchors=[short.certificate])
    assert refused.value.code == "timestamp-untrusted"


def test_the_signing_certificate_attribute_where_it_is_demanded() -> None:
    token = _TSA.token(_MESSAGE, _AT, names_certificate=False)
    assert _verify(token).at == _AT
    assert _refusal(token, demand=True) == "timestamp-untrusted"


def test_a_signature_by_another_key() -> None:
    sister = TimestampAuthority.below(_ROOT, begins=_BEGINS, ends=_ENDS)
    mixed = TimestampAuthority(_ROOT, sister.key, _TSA.certificate)
    assert _refusal(mixed.token(_MESSAGE, _AT)) == "timestamp-signature-wrong"


def test_a_response_that_was_not_granted() -> None:
    with pytest.raises(RefusedError) as refused:
        token_of_response(asn1.sequence(asn1.sequence(asn1.integer(2))))
    assert refused.value.code == "timestamp-malformed"


def test_a_token_larger_than_any_real_one() -> None:
    assert _refusal(b"\x30" + bytes(70_000)) == "timestamp-malformed"


_TOKEN = _TSA.token(_MESSAGE, _AT)


@_FUZZ
@given(st.binary(max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    assert _refusal(noise) == "timestamp-malformed"


@_FUZZ
@given(st.integers(0, len(_TOKEN) - 1), st.integers(1, 255))
def test_no_changed_byte_makes_another_time(position: int, change: int) -> None:
    spoilt = bytearray(_TOKEN)
    spoilt[position] ^= change
    try:
        stamp = _verify(bytes(spoilt))
    except RefusedError:
        return
    assert (stamp.at, stamp.chain) == (_AT, _TSA.chain)


@_FUZZ
@given(st.integers(0, len(_TOKEN) - 1))
def test_a_cut_off_token_is_refused(length: int) -> None:
    assert _refusal(_TOKEN[:length]) == "timestamp-malformed"
