"""The algorithms accepted for each kind of key, and those that are not."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.signatures.algorithms import verifies
from gatekeeper.signatures.keys import LoadedKey

_MESSAGE = b"what was signed"
_RSA = rsa.generate_private_key(65537, 2048)
_ED = ed25519.Ed25519PrivateKey.generate()
_SHA = {
    256: hashes.SHA256(),
    384: hashes.SHA384(),
    512: hashes.SHA512(),
    1: hashes.SHA1(),  # noqa: S303 - to be refused
    224: hashes.SHA224(),
}


def _curve(bits: int) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key({256: ec.SECP256R1(), 384: ec.SECP384R1(), 521: ec.SECP521R1()}[bits])


@pytest.mark.parametrize(("bits", "sha"), [(256, 256), (384, 384), (384, 256), (521, 512), (521, 256)])
def test_ecdsa_by_the_curves_own_hash_and_sha256(bits: int, sha: int) -> None:
    key = _curve(bits)
    signature = key.sign(_MESSAGE, ec.ECDSA(_SHA[sha]))
    assert verifies(key.public_key(), signature, _MESSAGE)
    assert not verifies(key.public_key(), signature, _MESSAGE + b"x")
    assert not verifies(_curve(bits).public_key(), signature, _MESSAGE)


@pytest.mark.parametrize(
    ("bits", "sha"), [(256, 384), (256, 512), (384, 512), (521, 384), (256, 1), (384, 224)]
)
def test_ecdsa_by_another_hash_is_refused(bits: int, sha: int) -> None:
    key = _curve(bits)
    assert not verifies(key.public_key(), key.sign(_MESSAGE, ec.ECDSA(_SHA[sha])), _MESSAGE)


def test_ecdsa_in_anything_but_strict_der_is_refused() -> None:
    key = _curve(256)
    signature = key.sign(_MESSAGE, ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(signature)
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    zero = encode_dss_signature(0, 0)
    for bad in (raw, signature + b"\0", b"", b"\x30\x00", zero, signature[:-1]):
        assert not verifies(key.public_key(), bad, _MESSAGE)


@pytest.mark.parametrize("salt", [padding.PSS.MAX_LENGTH, padding.PSS.DIGEST_LENGTH, 0])
def test_rsa_pss_with_sha256(salt: int) -> None:
    signature = _RSA.sign(_MESSAGE, padding.PSS(padding.MGF1(hashes.SHA256()), salt), hashes.SHA256())
    assert verifies(_RSA.public_key(), signature, _MESSAGE)
    assert not verifies(_RSA.public_key(), signature, b"x")


def test_rsa_pkcs1_with_sha256_alone() -> None:
    assert verifies(_RSA.public_key(), _RSA.sign(_MESSAGE, padding.PKCS1v15(), hashes.SHA256()), _MESSAGE)
    other = _RSA.sign(_MESSAGE, padding.PKCS1v15(), hashes.SHA384())
    assert not verifies(_RSA.public_key(), other, _MESSAGE)


def test_plain_ed25519() -> None:
    assert verifies(_ED.public_key(), _ED.sign(_MESSAGE), _MESSAGE)
    assert not verifies(_ED.public_key(), _ED.sign(_MESSAGE), b"x")


@pytest.mark.parametrize("key", [_curve(256).public_key(), _RSA.public_key(), _ED.public_key()])
@settings(max_examples=30, deadline=None)
@given(signature=st.one_of(st.binary(max_size=80), st.binary(min_size=64, max_size=64)))
def test_any_bytes_are_refused_and_nothing_is_raised(key: LoadedKey, signature: bytes) -> None:
    assert not verifies(key, signature, _MESSAGE)
