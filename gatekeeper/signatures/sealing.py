"""Files of ours that carry their own signature: an in-toto statement in a DSSE envelope, by a managed key."""

from __future__ import annotations

from collections.abc import Sequence

from gatekeeper.core.errors import DeniedError, MalformedError
from gatekeeper.core.trust import PublicKey
from gatekeeper.signatures import dsse
from gatekeeper.signatures.algorithms import verifies
from gatekeeper.signatures.keys import loaded
from gatekeeper.signatures.refusal import RefusedError
from gatekeeper.signatures.signing import SigningKey, sign_with


def seal(key: SigningKey, statement: bytes, predicate_type: str) -> bytes:
    """The envelope of a statement, as JSON."""
    return sign_with(key, statement, predicate_type).envelope


def open_seal(envelope: bytes, keys: Sequence[PublicKey]) -> bytes:
    """The statement in an envelope that one of the keys signed.

    Raises MalformedError ``seal-malformed`` for what is no such envelope, DeniedError ``seal-by-nobody-trusted``.
    """
    try:
        material = dsse.open_layer({}, envelope)
    except RefusedError as error:
        raise MalformedError(
            f"the signature cannot be read: {error.message}", reason_code="seal-malformed"
        ) from error
    if not any(verifies(loaded(key), material.signature, material.message) for key in keys):
        named = ", ".join(key.source for key in keys) or "no key at all"
        raise DeniedError(
            f"it is signed by none of the trusted keys ({named})", reason_code="seal-by-nobody-trusted"
        )
    return material.payload
