"""Writing DER (ITU-T X.690, section 10), as far as a timestamp authority and Fulcio's extensions need it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime


def element(tag: int, content: bytes) -> bytes:
    """Tag, length, content."""
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content


def sequence(*parts: bytes) -> bytes:
    """SEQUENCE of these elements."""
    return element(0x30, b"".join(parts))


def set_of(parts: Iterable[bytes]) -> bytes:
    """SET OF: sorted, as DER demands."""
    return element(0x31, b"".join(sorted(parts)))


def explicit(number: int, content: bytes) -> bytes:
    """``[number]``, constructed."""
    return element(0xA0 | number, content)


def integer(value: int) -> bytes:
    """Non-negative."""
    return element(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(content: bytes) -> bytes:
    """OCTET STRING."""
    return element(0x04, content)


def utf8(text: str) -> bytes:
    """UTF8String."""
    return element(0x0C, text.encode())


def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    return element(0x06, b"".join(_base128(arc) for arc in (40 * first + second, *rest)))


def _base128(arc: int) -> bytes:
    groups = [arc & 0x7F]
    while arc := arc >> 7:
        groups.append(arc & 0x7F | 0x80)
    return bytes(reversed(groups))


def algorithm(dotted: str) -> bytes:
    """AlgorithmIdentifier without parameters."""
    return sequence(oid(dotted))


def generalized_time(at: datetime) -> bytes:
    """To the second."""
    return element(0x18, at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())
