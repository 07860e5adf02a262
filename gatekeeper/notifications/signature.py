"""Signatures over what is sent, after the Standard Webhooks specification (version 1, symmetric).

``webhook-signature`` is ``v1,`` and base64 over HMAC-SHA-256 of ``id.timestamp.body``; while a secret is changed there
are two, separated by a space. The receiver compares the timestamp with its clock: an old message is a replayed one.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Mapping, Sequence

PREFIX = "whsec_"
SHORTEST = 24
"""Bytes (Standard Webhooks: between 24 and 64)."""


def key_of(secret: str) -> bytes:
    """The key: base64 after ``whsec_``, else the secret's own bytes. Raises ValueError when it is too short."""
    text = secret.strip()
    try:
        key = (
            b64decode(text.removeprefix(PREFIX), validate=True) if text.startswith(PREFIX) else text.encode()
        )
    except Error as error:
        raise ValueError(f"what follows {PREFIX} is not base64") from error
    if len(key) < SHORTEST:
        raise ValueError(f"the secret has {len(key)} bytes; at least {SHORTEST} are needed")
    return key


def signed_headers(
    body: bytes, *, message_id: str, timestamp: int, keys: Sequence[bytes]
) -> Mapping[str, str]:
    """The three header fields. ``timestamp`` in seconds since 1970."""
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = (b64encode(hmac.digest(key, content, hashlib.sha256)).decode("ascii") for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
