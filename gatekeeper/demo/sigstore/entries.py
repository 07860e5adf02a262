"""Bodies of log entries, in every kind that real tools have written."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode

from gatekeeper.demo.sigstore.signing_keys import base64_text

Json = dict[str, object]


def _hex(content: bytes) -> Json:
    return {"algorithm": "sha256", "value": hashlib.sha256(content).hexdigest()}


def _binary(content: bytes) -> Json:
    return {"algorithm": "SHA2_256", "digest": base64_text(hashlib.sha256(content).digest())}


def hashedrekord_1(message: bytes, signature: bytes, verifier: bytes) -> Json:
    """Rekor 1; ``verifier`` is PEM of a certificate or key."""
    return {
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": _hex(message)},
            "signature": {
                "content": base64_text(signature),
                "publicKey": {"content": base64_text(verifier)},
            },
        },
    }


def hashedrekord_2(message: bytes, signature: bytes, certificate: bytes) -> Json:
    """Rekor 2; ``certificate`` is DER. Envelopes too are logged so: ``message`` is then what was signed of them."""
    return {
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": {
            "hashedRekordV002": {
                "data": _binary(message),
                "signature": _verified(signature, certificate),
            }
        },
    }


def dsse_1(envelope: bytes, payload: bytes, signature: bytes, verifier: bytes) -> Json:
    """Rekor 1."""
    return {
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": _hex(envelope),
            "payloadHash": _hex(payload),
            "signatures": [{"signature": base64_text(signature), "verifier": base64_text(verifier)}],
        },
    }


def dsse_2(payload: bytes, signature: bytes, certificate: bytes) -> Json:
    """Rekor 2, as its first servers wrote envelopes."""
    return {
        "apiVersion": "0.0.2",
        "kind": "dsse",
        "spec": {
            "dsseV002": {
                "payloadHash": _binary(payload),
                "signatures": [_verified(signature, certificate)],
            }
        },
    }


def intoto_1(envelope: bytes, payload: bytes, verifier: bytes) -> Json:
    """Rekor 1, early: the envelope's hash stands for the signature."""
    return {
        "apiVersion": "0.0.1",
        "kind": "intoto",
        "spec": {
            "content": {"hash": _hex(envelope), "payloadHash": _hex(payload)},
            "publicKey": base64_text(verifier),
        },
    }


def intoto_2(envelope: bytes, payload: bytes, signature: bytes, verifier: bytes) -> Json:
    """Rekor 1: the signature stands there in base64 of its base64."""
    return {
        "apiVersion": "0.0.2",
        "kind": "intoto",
        "spec": {
            "content": {
                "envelope": {
                    "payloadType": json.loads(envelope)["payloadType"],
                    "signatures": [
                        {
                            "publicKey": base64_text(verifier),
                            "sig": base64_text(b64encode(signature)),
                        }
                    ],
                },
                "hash": _hex(envelope),
                "payloadHash": _hex(payload),
            }
        },
    }


def _verified(signature: bytes, certificate: bytes) -> Json:
    return {
        "content": base64_text(signature),
        "verifier": {
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "x509Certificate": {"rawBytes": base64_text(certificate)},
        },
    }
