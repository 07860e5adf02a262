"""COSE envelopes (signature-envelope-cose.md; RFC 9052, 4.2): a tagged COSE_Sign1 with its payload inside."""

from __future__ import annotations

from datetime import UTC, datetime

from gatekeeper.core.errors import MalformedError
from gatekeeper.signatures.notation import cbor, envelope
from gatekeeper.signatures.notation.algorithms import BY_COSE
from gatekeeper.signatures.notation.envelope import Envelope, Label, malformed

_SIGN1 = 18
_EPOCH_TIME = 1
_ALGORITHM, _CRITICAL, _CONTENT_TYPE, _X5CHAIN = 1, 2, 3, 33
_OWN_FIELDS = (_ALGORITHM, _CRITICAL, _CONTENT_TYPE, _X5CHAIN)
_CONTEXT = "Signature1"


def open_envelope(content: bytes) -> Envelope:
    """Bytes -> envelope. Raises RefusedError."""
    outer = _loads(content, "the envelope")
    if not isinstance(outer, cbor.Tag) or outer.number != _SIGN1:
        raise malformed("the envelope is no tagged COSE_Sign1")
    parts = outer.value
    if not isinstance(parts, list) or len(parts) != 4:
        raise malformed("the COSE_Sign1 does not have four members")
    raw_protected, unprotected, payload, signature = parts
    if not isinstance(payload, bytes):
        raise malformed("the payload is detached or no byte string")
    if not (
        isinstance(raw_protected, bytes) and isinstance(unprotected, dict) and isinstance(signature, bytes)
    ):
        raise malformed("a member of the COSE_Sign1 has the wrong type")
    protected = _loads(raw_protected, "the protected header")
    if not isinstance(protected, dict):
        raise malformed("the protected header is no map")
    both = [label for label in protected if label in unprotected]
    if both:
        raise malformed(
            f"the label {str(both[0])[:60]!r} is in the protected and in the unprotected header (RFC 9052, 3)"
        )
    named = protected.get(_ALGORITHM)
    algorithm = BY_COSE.get(named) if isinstance(named, int) else None
    if algorithm is None:
        raise envelope.algorithm_refused(named)
    agent = unprotected.get(envelope.SIGNING_AGENT)
    token = unprotected.get(envelope.TIMESTAMP)
    return Envelope(
        message=_to_be_signed(raw_protected, payload),
        signature=signature,
        payload=payload,
        algorithm=algorithm,
        content_type=protected.get(_CONTENT_TYPE),
        critical=protected.get(_CRITICAL),
        protected=_others(protected),
        chain=envelope.read_chain(_chain(unprotected.get(_X5CHAIN, protected.get(_X5CHAIN)))),
        timestamp=token if isinstance(token, bytes) and token else None,
        signing_agent=agent if isinstance(agent, str) else None,
    )


def _loads(encoded: bytes, what: str) -> object:
    try:
        return cbor.loads(encoded)
    except MalformedError as error:
        raise malformed(f"{what}: {error.message}") from error


def _to_be_signed(protected: bytes, payload: bytes) -> bytes:
    """Sig_structure (RFC 9052, 4.4) with an empty external_aad."""
    context = _CONTEXT.encode("ascii")
    return b"".join(
        (
            _head(4, 4),
            _head(3, len(context)) + context,
            _head(2, len(protected)) + protected,
            _head(2, 0),
            _head(2, len(payload)) + payload,
        )
    )


def _head(major: int, argument: int) -> bytes:
    """The first bytes of a CBOR value, as short as can be."""
    if argument < 24:
        return bytes([major << 5 | argument])
    low, size = next((low, 1 << (low - 24)) for low in (24, 25, 26, 27) if argument >> (8 << (low - 24)) == 0)
    return bytes([major << 5 | low]) + argument.to_bytes(size, "big")


def _others(protected: dict[Label, object]) -> dict[Label, object]:
    return {
        label: _time(value) if label in envelope.TIMES else value
        for label, value in protected.items()
        if label not in _OWN_FIELDS
    }


def _chain(value: object) -> list[bytes]:
    """``x5chain`` (RFC 9360) as an array; the Notary Project does not allow the single byte string."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, bytes) for item in value):
        raise malformed("`x5chain` is no array of byte strings")
    return value


def _time(value: object) -> object:
    """Tag 1, seconds since the epoch, as a datetime; anything else as it is, for the step that demands a time."""
    if not isinstance(value, cbor.Tag) or value.number != _EPOCH_TIME:
        return value
    seconds = value.value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return value
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return value
