"""cosign's own encrypted private keys: opened, sealed, and refused in words."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.errors import MalformedError
from gatekeeper.signatures.sealed_keys import LABELS
from gatekeeper.signatures.signing import KeyKind, SigningKey

BY_COSIGN = b"""\
-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
OCwicCI6MX0sInNhbHQiOiJkdVg2SDNaVXlvKzBtZjhFdWk2dnpLd0lpMDJoWHFD
elh5RTN4L2Y3VjdZPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
Iiwibm9uY2UiOiJrZStxeURzRU5wZzU2Y25odm4yWU5lQi9WeldKc0dsYyJ9LCJj
aXBoZXJ0ZXh0Ijoia3RKWktLcUtlTWdYOTJ0L2tSVkNsRG5YVE1lbkkwbDI5RWtR
OG1uVUNDKzdKbnhMQUtTMzRjaGNGYzBaYkxxd3lYSy92MmFBL3E1V1g5RzV2YWJy
TEN3cmZJNFJkK1RHMjVGMVdJdTF5NTNTZHBzOVRZaHJXTnZsM2dsRS83WVlrUEMv
ZXFOTlBiRG4vVXptQTZYWFAwemFLbGc5cUNVZCtIZlhwZ2lzWDVmWk1xeUwycE80
MWZXWS8veFFabjErZ3orZTlmTFZIRWMrbXc9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
"""
"""``COSIGN_PASSWORD=sesame cosign generate-key-pair``, cosign 3.1.3."""
BY_COSIGN_PUBLIC = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYiUttRS4tmN9NKN8XNsSX10lUIta
H7Zxxv0mNqzA6ZzWXWjC33cJCvvWaxEhd7lg2mYh03H3cAlTc/AA4m+OTg==
-----END PUBLIC KEY-----
"""


def changed(pem: bytes, change: dict[str, Any]) -> bytes:
    """The sealed key with other members."""
    body = pem.decode().split("-----")[2]
    document = json.loads(b64decode("".join(body.split())))
    for path, value in change.items():
        parent = document
        *way, last = path.split(".")
        for name in way:
            parent = parent[name]
        parent[last] = value
    label = LABELS[0]
    sealed = b64encode(json.dumps(document).encode()).decode()
    return f"-----BEGIN {label}-----\n{sealed}\n-----END {label}-----\n".encode()


def test_a_key_that_cosign_made_is_opened() -> None:
    key = SigningKey.from_pem(BY_COSIGN, "cosign.key", password=b"sesame")
    assert key.public.spki_pem == BY_COSIGN_PUBLIC


@pytest.mark.parametrize("kind", KeyKind)
def test_sealed_and_opened_again(kind: KeyKind) -> None:
    key = SigningKey.generate("a", kind)
    pem = key.to_sealed_pem(b"correct horse")
    assert SigningKey.from_pem(pem, "a", password=b"correct horse").public == key.public
    assert b"PRIVATE KEY" in pem
    assert max(len(line) for line in pem.splitlines()) <= 64


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "password does not open it"),
        ({"kdf.name": "argon2"}, "which is not known"),
        ({"cipher.name": "aes"}, "which is not known"),
        ({"kdf": 7}, "`kdf` is absent or no object"),
        ({"kdf.params.N": "many"}, "are no numbers"),
        ({"kdf.params.N": 1 << 40}, "more than is accepted"),
        ({"kdf.params.N": 1000}, "cannot be used"),
        ({"kdf.params.p": 1 << 20}, "more than is accepted"),
        ({"cipher.nonce": "AAAA"}, "password does not open it"),
        ({"ciphertext": "!"}, "`ciphertext` is no base64"),
    ],
)
def test_what_cannot_be_opened_is_told(change: dict[str, Any], said: str) -> None:
    with pytest.raises(MalformedError, match=said):
        SigningKey.from_pem(changed(BY_COSIGN, change), "cosign.key", password=b"wrong")


@pytest.mark.parametrize("pem", [BY_COSIGN, SigningKey.generate().to_pem(password=b"x")])
def test_a_missing_password_is_asked_for(pem: bytes) -> None:
    with pytest.raises(MalformedError, match="is encrypted; give its password"):
        SigningKey.from_pem(pem, "vsa.key")


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_junk_is_refused(junk: bytes) -> None:
    label = LABELS[1].encode()
    for pem in (
        b"-----BEGIN " + label + b"-----" + junk,
        b"-----BEGIN " + label + b"-----\n" + junk + b"\n-----END " + label + b"-----",
    ):
        with pytest.raises(MalformedError):
            SigningKey.from_pem(pem, "vsa.key", password=b"x")


def test_the_same_bytes_are_signed_alike_each_time() -> None:
    for kind in KeyKind:
        key = SigningKey.generate("a", kind)
        assert key.sign(b"message") == key.sign(b"message")
