"""Which public keys are taken, and what a person is told about the others."""

from __future__ import annotations

import hashlib
import warnings

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.errors import MalformedError
from gatekeeper.signatures.keys import MAX_PEM_BYTES, describe, load_public_key
from gatekeeper.signatures.signing import SigningKey
from tests.fakes.registry_dump import FIXTURES

_P256 = ec.generate_private_key(ec.SECP256R1())


def _pem(public: PublicKeyTypes) -> bytes:
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


_GOOD: dict[str, PublicKeyTypes] = {
    "ecdsa-p256": _P256.public_key(),
    "ecdsa-p384": ec.generate_private_key(ec.SECP384R1()).public_key(),
    "ecdsa-p521": ec.generate_private_key(ec.SECP521R1()).public_key(),
    "rsa-2048": rsa.generate_private_key(65537, 2048).public_key(),
    "ed25519": ed25519.Ed25519PrivateKey.generate().public_key(),
}


@pytest.mark.parametrize("kind", _GOOD)
def test_a_good_key_gets_the_digest_of_its_der_form_as_its_name(kind: str) -> None:
    key = load_public_key(_pem(_GOOD[kind]), "team.pub")
    der = _GOOD[kind].public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert key.id == hashlib.sha256(der).hexdigest()
    assert key.spki_pem.encode() == _pem(_GOOD[kind])
    assert key.source == "team.pub"
    assert describe(key) == kind


def test_one_key_in_several_spellings_is_one_key() -> None:
    pem = _pem(_P256.public_key())
    plain = load_public_key(pem, "a")
    assert load_public_key(b"# the team's key\n" + pem.replace(b"\n", b"\r\n") + b"\n\n", "a") == plain
    body = b"".join(pem.splitlines()[1:-1])
    assert (
        load_public_key(b"-----BEGIN PUBLIC KEY-----\n" + body + b"\n-----END PUBLIC KEY-----\n", "a")
        == plain
    )


def test_the_fixtures_keys_are_read() -> None:
    files = sorted(FIXTURES.glob("*/keys/*.pub"))
    assert len(files) >= 12
    for file in files:
        assert len(load_public_key(file.read_bytes(), file.name).id) == 64


def _curve_point_of_small_order() -> bytes:
    """Ed25519's neutral point, in an SPKI."""
    prefix = bytes.fromhex("302a300506032b6570032100")
    return _pem(load_der_public_key(prefix + (1).to_bytes(32, "little")))


def _rsa_with_exponent_3() -> bytes:
    modulus = rsa.generate_private_key(65537, 2048).public_key().public_numbers().n
    return _pem(rsa.RSAPublicNumbers(3, modulus).public_key())


def _small_rsa() -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _pem(rsa.generate_private_key(65537, 1024).public_key())  # noqa: S505 - to be refused


def _private(form: PrivateFormat) -> bytes:
    return _P256.private_bytes(Encoding.PEM, form, NoEncryption())


_BAD = {
    "private PKCS#8": (_private(PrivateFormat.PKCS8), "key-is-private", "cosign public-key"),
    "private SEC1": (_private(PrivateFormat.TraditionalOpenSSL), "key-is-private", "openssl pkey"),
    "cosign's private key": (
        b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
        "key-is-private",
        "public half",
    ),
    "public and private": (
        _pem(_P256.public_key()) + _private(PrivateFormat.PKCS8),
        "key-is-private",
        "public half",
    ),
    "two keys": (_pem(_P256.public_key()) * 2, "key-several", "file of its own"),
    "P-224": (
        _pem(ec.generate_private_key(ec.SECP224R1()).public_key()),
        "key-kind-refused",
        "P-256, P-384 or P-521",
    ),
    "secp256k1": (_pem(ec.generate_private_key(ec.SECP256K1()).public_key()), "key-kind-refused", "P-256"),
    "RSA 1024": (_small_rsa(), "key-kind-refused", "2048"),
    "RSA exponent 3": (_rsa_with_exponent_3(), "key-kind-refused", "65537"),
    "Ed448": (_pem(ed448.Ed448PrivateKey.generate().public_key()), "key-kind-refused", "Ed25519"),
    "X25519": (_pem(x25519.X25519PrivateKey.generate().public_key()), "key-kind-refused", "Ed25519"),
    "DSA": (_pem(dsa.generate_private_key(2048).public_key()), "key-kind-refused", "RSA"),
    "Ed25519 of small order": (_curve_point_of_small_order(), "key-kind-refused", "small order"),
    "PKCS#1": (
        _GOOD["rsa-2048"].public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        "key-malformed",
        "openssl rsa -RSAPublicKey_in",
    ),
    "certificate": (
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "key-malformed",
        "openssl x509",
    ),
    "DER": (
        _P256.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "key-malformed",
        "-inform DER",
    ),
    "empty": (b"", "key-malformed", "-----BEGIN PUBLIC KEY-----"),
    "cut off": (_pem(_P256.public_key())[:60], "key-malformed", "give"),
    "bad base64": (b"-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n", "key-malformed", "give"),
    "too large": (b"#" * (MAX_PEM_BYTES + 1), "key-malformed", "larger"),
}


@pytest.mark.parametrize("case", _BAD)
def test_a_bad_key_is_refused_with_a_remedy(case: str) -> None:
    pem, code, remedy = _BAD[case]
    with pytest.raises(MalformedError) as caught:
        load_public_key(pem, "keys/team.pub")
    assert caught.value.reason_code == code
    assert "keys/team.pub" in caught.value.message
    assert remedy in caught.value.message


@given(
    st.one_of(
        st.binary(max_size=400), st.binary(max_size=200).map(lambda cut: _pem(_P256.public_key()) + cut)
    )
)
def test_any_bytes_give_a_key_or_a_typed_error(pem: bytes) -> None:
    try:
        name = load_public_key(pem, "x").id
    except MalformedError as error:
        name = error.reason_code
    assert len(name) == 64 or name.startswith("key-")


def test_a_signing_key_survives_its_pem_form_and_hides_itself() -> None:
    key = SigningKey.generate()
    again = SigningKey.from_pem(key.to_pem(password=b"x"), "generated", password=b"x")
    assert again.public == key.public
    assert repr(key) == f"SigningKey({key.public.id})"
    for pem, password in ((key.to_pem(password=b"x"), b"wrong"), (b"junk", None), (key.to_pem(), b"x")):
        with pytest.raises(MalformedError, match="PKCS#8"):
            SigningKey.from_pem(pem, "k", password=password)
    other = x25519.X25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with pytest.raises(MalformedError, match="not accepted"):
        SigningKey.from_pem(other, "k")
