"""JWS envelopes (signature-envelope-jws.md; RFC 7515, 7.2.2): flattened JSON and no other serialization."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime

from gatekeeper.core import strict_json
from gatekeeper.core.errors import MalformedError
from gatekeeper.signatures.notation import envelope
from gatekeeper.signatures.notation.algorithms import BY_JOSE
from gatekeeper.signatures.notation.envelope import Envelope, malformed

_MEMBERS = ("payload", "protected", "header", "signature")
_PROTECTED = ("alg", "cty", "crit", envelope.SIGNING_SCHEME, *sorted(envelope.TIMES))
_UNPROTECTED = ("x5c", envelope.TIMESTAMP)
_URL_ALPHABET = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_RFC3339 = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{1,6})?\d*(Z|[+-]\d{2}:\d{2})", re.ASCII)


def open_envelope(content: bytes) -> Envelope:
    """Bytes -> envelope. Raises RefusedError."""
    members = _object(content, "the envelope", _MEMBERS)
    if set(members) != set(_MEMBERS):
        odd = sorted(set(members) ^ set(_MEMBERS))
        raise malformed(
            f"the envelope is no flattened JWS: {odd[0][:60]!r} is absent or does not belong there"
        )
    encoded = {name: _text(members[name], name) for name in ("payload", "protected", "signature")}
    header = members["header"]
    if not isinstance(header, dict):
        raise malformed("`header` is no object")
    _check_spelling(header, _UNPROTECTED)
    protected = _object(_base64url(encoded["protected"], "protected"), "the protected header", _PROTECTED)
    both = sorted(set(protected) & set(header))
    if both:
        raise malformed(f"{both[0][:60]!r} is in the protected and in the unprotected header (RFC 7515, 4)")
    algorithm = BY_JOSE.get(protected["alg"]) if isinstance(protected.get("alg"), str) else None
    if algorithm is None:
        raise envelope.algorithm_refused(protected.get("alg"))
    agent, token = header.get(envelope.SIGNING_AGENT), header.get(envelope.TIMESTAMP)
    payload = _base64url(encoded["payload"], "payload")
    return Envelope(
        message=f"{encoded['protected']}.{encoded['payload']}".encode("ascii"),
        signature=_base64url(encoded["signature"], "signature"),
        payload=payload,
        algorithm=algorithm,
        content_type=protected.get("cty"),
        critical=protected.get("crit"),
        protected={
            name: _time(value) if name in envelope.TIMES else value
            for name, value in protected.items()
            if name not in ("alg", "cty", "crit")
        },
        chain=envelope.read_chain(_chain(header.get("x5c"))),
        timestamp=None if token is None else _base64(token, envelope.TIMESTAMP) or None,
        signing_agent=agent if isinstance(agent, str) else None,
    )


def _object(content: bytes, what: str, known: tuple[str, ...]) -> dict[str, object]:
    try:
        members = strict_json.loads_object(content)
        strict_json.check_spelling(members, known)
    except MalformedError as error:
        raise malformed(f"{what}: {error.message}") from error
    return members


def _check_spelling(members: Mapping[str, object], known: tuple[str, ...]) -> None:
    try:
        strict_json.check_spelling(members, known)
    except MalformedError as error:
        raise malformed(f"the unprotected header: {error.message}") from error


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise malformed(f"`{name}` is no string")
    return value


def _base64url(text: str, name: str) -> bytes:
    """Without padding (RFC 7515, 2) and canonical: spare bits would let one signature appear as many."""
    if _URL_ALPHABET.fullmatch(text) is None:
        raise malformed(f"`{name}` is not base64url without padding")
    try:
        content = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise malformed(f"`{name}` is not base64url: {error}") from error
    if urlsafe_b64encode(content).rstrip(b"=").decode("ascii") != text:
        raise malformed(f"`{name}` is not canonical base64url")
    return content


def _base64(value: object, name: str) -> bytes:
    text = _text(value, name)
    try:
        content = b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise malformed(f"`{name}` is not base64: {error}") from error
    if b64encode(content).decode("ascii") != text:
        raise malformed(f"`{name}` is not canonical base64")
    return content


def _chain(value: object) -> list[bytes]:
    """``x5c`` (RFC 7515, 4.1.6): standard base64, not base64url."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise malformed("`x5c` is no list")
    return [_base64(item, "x5c") for item in value[: envelope.LONGEST_CHAIN + 1]]


def _time(value: object) -> object:
    """RFC 3339 as a datetime; anything else as it is, for the step that demands a time."""
    matched = _RFC3339.fullmatch(value) if isinstance(value, str) else None
    if matched is None:
        return value
    try:
        read = datetime.fromisoformat(f"{matched[1]}{(matched[2] or '.0').ljust(7, '0')}{matched[3]}")
        return read.astimezone(UTC)
    except (ValueError, OverflowError):
        return value
