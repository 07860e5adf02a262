"""Our Ed25519 arithmetic against RFC 8032's vectors and against OpenSSL."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.signatures.ed25519ph import has_small_order, verify_ed25519ph, verify_with_domain

_ORDER = 2**252 + 27742317777372353535851937790883648493

# RFC 8032 section 7.1: (public key, message, signature).
_PLAIN = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
# Section 7.3, "TEST abc".
_PH_PUBLIC = bytes.fromhex("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf")
_PH_SIGNATURE = bytes.fromhex(
    "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
    "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
)
# Points whose order divides 8, in every canonical encoding (draft-irtf-cfrg-eddsa test suites).
_SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]


@pytest.mark.parametrize(("public", "message", "signature"), _PLAIN)
def test_vectors_of_section_7_1(public: str, message: str, signature: str) -> None:
    key, text, made = (bytes.fromhex(part) for part in (public, message, signature))
    assert verify_with_domain(key, made, text, b"")
    assert not verify_with_domain(key, made, text + b"x", b"")
    assert not verify_ed25519ph(key, made, text)


def test_vector_of_section_7_3() -> None:
    assert verify_ed25519ph(_PH_PUBLIC, _PH_SIGNATURE, b"abc")
    assert not verify_ed25519ph(_PH_PUBLIC, _PH_SIGNATURE, b"abd")
    assert not verify_with_domain(_PH_PUBLIC, _PH_SIGNATURE, hashlib.sha512(b"abc").digest(), b"")


@pytest.mark.parametrize("position", range(0, 64, 7))
def test_one_changed_bit_is_refused(position: int) -> None:
    changed = bytearray(_PH_SIGNATURE)
    changed[position] ^= 1
    assert not verify_ed25519ph(_PH_PUBLIC, bytes(changed), b"abc")


def test_a_scalar_that_is_not_reduced_is_refused() -> None:
    scalar = int.from_bytes(_PH_SIGNATURE[32:], "little") + _ORDER
    malleable = _PH_SIGNATURE[:32] + scalar.to_bytes(32, "little")
    assert not verify_ed25519ph(_PH_PUBLIC, malleable, b"abc")


@pytest.mark.parametrize("length", [0, 31, 33])
def test_other_lengths_are_refused(length: int) -> None:
    assert not verify_ed25519ph(_PH_PUBLIC[:length].ljust(length, b"\0"), _PH_SIGNATURE, b"abc")
    assert not verify_ed25519ph(_PH_PUBLIC, _PH_SIGNATURE[:length], b"abc")


@pytest.mark.parametrize("encoded", _SMALL_ORDER)
def test_a_key_of_small_order_verifies_nothing(encoded: str) -> None:
    public = bytes.fromhex(encoded)
    assert has_small_order(public)
    # With such a key R = S*B with S = 0 would satisfy the equation for one message in eight at least.
    forged = bytes.fromhex(_SMALL_ORDER[0]) + bytes(32)
    assert not any(verify_ed25519ph(public, forged, bytes([number])) for number in range(16))


@pytest.mark.parametrize("y", [2**255 - 19, 2**255 - 1, 2])
def test_what_is_no_canonical_point_is_refused(y: int) -> None:
    public = y.to_bytes(32, "little")
    assert has_small_order(public)
    assert not verify_ed25519ph(public, _PH_SIGNATURE, b"abc")


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_our_arithmetic_agrees_with_openssl(seed: bytes, message: bytes, bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert verify_with_domain(public, signature, message, b"")
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8
    assert not verify_with_domain(public, bytes(changed), message, b"")
