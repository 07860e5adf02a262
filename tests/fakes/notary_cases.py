"""Signatures made wrong, one rule of the specification broken in each: asked of us, and of notation-go beside us.

The numbers are of the negative list for Notary Project signatures; each case names the reason code.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from gatekeeper.core.digest import Digest
from gatekeeper.signatures.notation import cbor, envelope
from tests.fakes import notary
from tests.fakes.notary import ISSUING, LEAF, NOW, ROOT, Party, Signing, issue, key, payload

_P256 = key("p256", "leaf")
_NON_CRITICAL = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")

SPOILED: Mapping[str, tuple[Signing, str]] = {
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
    "22-crit-has-a-duplicate": (Signing(also_critical=[envelope.SIGNING_SCHEME]), "notation-critical"),
    "22-crit-has-a-boolean": (Signing(also_critical=[True]), "notation-critical"),
    "23-crit-lacks-the-scheme": (
        Signing(critical=["x"], extra={"x": 1}),
        "notation-critical",
    ),
    "24-crit-lacks-the-expiry": (
        Signing(expiry=NOW + timedelta(days=1), critical=[envelope.SIGNING_SCHEME]),
        "notation-critical",
    ),
    "25-crit-lacks-the-authentic-time": (
        Signing(scheme=notary.AUTHORITY, critical=[envelope.SIGNING_SCHEME]),
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


def jws(**members: Any) -> bytes:
    """A good JWS with these members instead; those that are None are left out."""
    made = json.loads(Signing().jws()) | members
    return json.dumps({k: v for k, v in made.items() if v is not None}).encode()


def changed_header(**members: Any) -> str:
    text = json.loads(Signing().jws())["protected"]
    return notary.base64url(json.dumps(json.loads(urlsafe_b64decode(text + "==")) | members).encode())


GOOD = json.loads(Signing().jws())
MALFORMED_JWS: Mapping[str, bytes] = {
    "39-padding": jws(payload=GOOD["payload"] + "="),
    "39-standard-alphabet": jws(signature="+" + GOOD["signature"][1:]),
    "41-compact": f"{GOOD['protected']}.{GOOD['payload']}.{GOOD['signature']}".encode(),
    "42-general": jws(signatures=[]),
    "42-a-member-too-many": jws(x=1),
    "42-a-member-too-few": jws(header=None),
    "43-duplicate-member": Signing().jws()[:-1] + b', "payload": "e30"}',
    "43-member-in-another-case": jws(header=None, Header={}),
    "44-name-in-both-headers": Signing(unsigned={"alg": "ES256"}).jws(),
    "44-x5c-in-another-case": Signing(unsigned={"X5C": []}).jws(),
    "45-x5c-is-no-list": Signing(unsigned={"x5c": "AAAA"}).jws(),
    "45-x5c-is-no-base64": Signing(unsigned={"x5c": ["@@@"]}).jws(),
    "45-x5c-is-base64url": Signing(unsigned={"x5c": ["-_-_"]}).jws(),
    "45-x5c-is-not-canonical": Signing(unsigned={"x5c": ["AB=="]}).jws(),
    "45-x5c-holds-a-number": Signing(unsigned={"x5c": [7]}).jws(),
    "46-deep": b"[" * 100_000,
    "47-empty": b"",
    "header-is-no-object": jws(header=[]),
    "payload-is-no-text": jws(payload=7),
    "protected-is-no-object": jws(protected=notary.base64url(b"[]")),
    "protected-is-cut-off": jws(protected="A"),
    "time-stamp-is-no-base64": Signing(unsigned={envelope.TIMESTAMP: "@"}).jws(),
}


_COSE = cbor.loads(Signing().cose())
assert isinstance(_COSE, cbor.Tag)
_PARTS: list[object] = _COSE.value  # type: ignore[assignment]  # a COSE_Sign1 is an array


def cose(place: int, value: object, tag: int = 18) -> bytes:
    parts = list(_PARTS)
    parts[place] = value
    return notary.cbor(cbor.Tag(tag, parts))


_INDEFINITE = b"\xd2\x9f" + b"".join(map(notary.cbor, _PARTS)) + b"\xff"
MALFORMED_COSE: Mapping[str, bytes] = {
    "49-untagged": notary.cbor(_PARTS),
    "50-other-tag": cose(3, _PARTS[3], tag=98),
    "51-trailing-bytes": Signing().cose() + b"\0",
    "52-detached": cose(2, None),
    "53-duplicate-label": cose(0, b"\xa2\x01\x26\x01\x26"),
    "54-indefinite-length": _INDEFINITE,
    "55-length-bomb": b"\xd2\x9b" + b"\xff" * 8,
    "55-map-bomb": b"\xd2\xbb" + b"\xff" * 8,
    "56-single-byte-string": Signing(unsigned={33: notary.LEAF.der}).cose(),
    "three-members": notary.cbor(cbor.Tag(18, _PARTS[:3])),
    "a-long-form-of-a-short-number": b"\xd8\x12" + Signing().cose()[1:],
    "protected-is-a-map": cose(0, {}),
    "protected-is-a-list": cose(0, notary.cbor([])),
    "unprotected-is-a-list": cose(1, []),
    "label-in-both": Signing(unsigned={1: -7}).cose(),
    "text-that-is-not-utf-8": cose(1, {}).replace(b"\xa0", b"\xa1\x61\xff\x00"),
    "label-that-is-a-list": cose(1, {}).replace(b"\xa0", b"\xa1\x80\x00"),
    "simple-value": cose(1, {}).replace(b"\xa0", b"\xa1\x00\xe0"),
    "deep": b"\x81" * 1000 + b"\x00",
    "empty": b"",
}


def _leaf_for(*purposes: ObjectIdentifier) -> Callable[[], Party]:
    return lambda: issue("signer", _P256, ISSUING, purposes=purposes)


_LEAVES: Mapping[str, tuple[Callable[[], Party], str]] = {
    "63-authority": (
        lambda: issue("signer", _P256, ROOT, authority=True, bits=("digital_signature", "key_cert_sign")),
        "notation-certificate",
    ),
    "64-no-key-usage": (lambda: issue("signer", _P256, ISSUING, bits=None), "notation-certificate"),
    "65-key-usage-not-critical": (
        lambda: issue("signer", _P256, ISSUING, usage_critical=False),
        "notation-certificate",
    ),
    "66-no-digital-signature": (
        lambda: issue("signer", _P256, ISSUING, bits=("content_commitment",)),
        "notation-certificate",
    ),
    **{
        f"67-also-{bit}": (
            lambda bit=bit: issue("signer", _P256, ISSUING, bits=("digital_signature", bit)),  # type: ignore[misc]
            "notation-certificate",
        )
        for bit in ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign")
    },
    "69-any-purpose": (_leaf_for(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE), "notation-certificate"),
    "70-server": (_leaf_for(ExtendedKeyUsageOID.SERVER_AUTH), "notation-certificate"),
    "71-client": (_leaf_for(ExtendedKeyUsageOID.CLIENT_AUTH), "notation-certificate"),
    "72-mail": (
        _leaf_for(ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION),
        "notation-certificate",
    ),
    "73-time-stamping": (_leaf_for(ExtendedKeyUsageOID.TIME_STAMPING), "notation-certificate"),
    "74-ocsp": (_leaf_for(ExtendedKeyUsageOID.OCSP_SIGNING), "notation-certificate"),
    "no-purpose": (lambda: issue("signer", _P256, ISSUING), "signature-verified"),
    "constraints-that-say-no-authority": (
        lambda: issue("signer", _P256, ISSUING, constraints=x509.BasicConstraints(False, None)),
        "signature-verified",
    ),
    "also-non-repudiation": (
        lambda: issue("signer", _P256, ISSUING, bits=("digital_signature", "content_commitment")),
        "signature-verified",
    ),
    "unknown-critical-extension": (
        lambda: issue("signer", _P256, ISSUING, extensions=[(_NON_CRITICAL, True)]),
        "signature-verified",
    ),
}


def _through(**spoiled: Any) -> tuple[Party, ...]:
    """A chain through an intermediate that was spoiled."""
    middle = issue("middle", key("p256", "middle"), ROOT, **{"authority": True, **spoiled})
    return (issue("signer", _P256, middle), middle, ROOT)


def _deep() -> tuple[Party, ...]:
    top = issue("top", key("p256", "top"), ROOT, authority=True, path_length=0)
    under = issue("under", key("p256", "under"), top, authority=True)
    return (issue("signer", _P256, under), under, top, ROOT)


def _alone(**options: Any) -> tuple[Party, ...]:
    return (issue("alone", _P256, **options),)


def _chains() -> dict[str, tuple[tuple[Party, ...], str]]:
    made: dict[str, tuple[tuple[Party, ...], str]] = {}
    for case, (make, code) in _LEAVES.items():
        made[case] = ((make(), ROOT) if case == "63-authority" else (make(), ISSUING, ROOT), code)
    broken: dict[str, dict[str, Any]] = {
        "75-no-authority": {"constraints": x509.BasicConstraints(False, None)},
        "76-no-constraints": {"constraints": None},
        "77-constraints-not-critical": {"constraints_critical": False},
        "78-usage-not-critical": {"usage_critical": False},
        "79-may-not-sign-certificates": {"bits": ("crl_sign",)},
        "authority-without-usage": {"bits": None},
    }
    for case, spoiled in broken.items():
        made[case] = (_through(**spoiled), "notation-certificate")
    for kind in ("p224", "k256", "rsa1024"):
        middle = issue("middle", key(kind, "middle"), ROOT, authority=True)
        chain = (issue("signer", _P256, middle), middle, ROOT)
        made[f"authority-with-{kind}"] = (chain, "notation-certificate")
        leaf = issue("signer", key(kind, "leaf"), ISSUING)
        made[f"81-to-83-leaf-with-{kind}"] = ((leaf, ISSUING, ROOT), "notation-key-refused")
    made["80-too-deep"] = (_deep(), "notation-certificate")
    made["good-intermediate"] = (_through(), "signature-verified")
    made["alone"] = (_alone(), "signature-verified")
    both = ("digital_signature", "key_cert_sign")
    made["alone-and-an-authority"] = (_alone(authority=True, bits=both), "notation-certificate")
    return made


CHAINS = _chains()
"""Chains with a genuine signature by their leaf, whose last certificate is trusted."""

CARRIED: Mapping[str, tuple[tuple[Party, ...], str]] = {
    "58-leaf-only": ((LEAF,), "notation-chain"),
    "59-no-root": ((LEAF, ISSUING), "notation-chain"),
    "60-order": ((LEAF, ROOT, ISSUING), "notation-chain"),
    "61-one-too-many": ((LEAF, ISSUING, ROOT, notary.STRANGER), "notation-chain"),
    "61-another-root": ((LEAF, ISSUING, notary.STRANGER), "notation-chain"),
    "62-root-twice": ((LEAF, ISSUING, ROOT, ROOT), "notation-chain"),
    "leaf-twice": ((LEAF, LEAF, ISSUING, ROOT), "notation-chain"),
}
"""Other certificates than the chain's, in an otherwise good envelope."""
