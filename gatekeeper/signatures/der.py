"""Strict DER (ITU-T X.690, section 10): definite minimal lengths, low tag numbers, nothing left over.

For the few structures no library reads as we need them: CMS, RFC 3161 tokens, Fulcio's extensions. Certificates are
read by ``cryptography``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OID = 0x06
UTF8_STRING = 0x0C
IA5_STRING = 0x16
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31

_LONGEST_INTEGER = 1024
_GENERALIZED = re.compile(r"(\d{14})(?:\.(\d{0,8}[1-9]))?Z", re.ASCII)


class DerError(ValueError):
    """These bytes are not the DER that was expected. Callers relabel it with the step they are at."""


def context(number: int, *, constructed: bool = True) -> int:
    """The tag byte of ``[number]``."""
    return (0xA0 if constructed else 0x80) | number


@dataclass(frozen=True, slots=True)
class Element:
    """One element: ``content`` without, ``raw`` with tag and length."""

    tag: int
    content: bytes
    raw: bytes

    def expect(self, tag: int) -> bytes:
        """The content, if the tag is this one."""
        if self.tag != tag:
            raise DerError(f"tag {self.tag:#04x} where {tag:#04x} is due")
        return self.content

    def children(self) -> Reader:
        """A reader over the content of a constructed element."""
        return Reader(self.content)

    def integer(self) -> int:
        content = self.expect(INTEGER)
        if not 0 < len(content) <= _LONGEST_INTEGER:
            raise DerError(f"an integer of {len(content)} bytes")
        if len(content) > 1 and content[0] in (0, 0xFF) and content[0] >> 7 == content[1] >> 7:
            raise DerError("an integer that is not minimal")
        return int.from_bytes(content, "big", signed=True)

    def oid(self) -> str:
        """Dotted decimal."""
        content = self.expect(OID)
        if not content or content[-1] & 0x80 or len(content) > 64:
            raise DerError("a broken object identifier")
        arcs, value, fresh = [], 0, True
        for byte in content:
            if fresh and byte == 0x80:
                raise DerError("an object identifier that is not minimal")
            value, fresh = value << 7 | byte & 0x7F, not byte & 0x80
            if fresh:
                arcs.append(value)
                value = 0
        first = min(arcs[0] // 40, 2)
        return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))

    def generalized_time(self) -> datetime:
        """RFC 3161 section 2.4.2: seconds, an optional fraction without trailing zeros, always ``Z``."""
        text = self.expect(GENERALIZED_TIME).decode("ascii", "replace")
        match = _GENERALIZED.fullmatch(text)
        if match is None:
            raise DerError(f"the time {text[:40]!r} is not YYYYMMDDhhmmss[.f]Z")
        try:
            whole = datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError as error:
            raise DerError(f"the time {text[:40]!r} does not exist") from error
        return whole.replace(microsecond=int((match[2] or "0")[:6].ljust(6, "0")))


class Reader:
    """Takes elements from the front until none is left."""

    __slots__ = ("_content", "_position")

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    @property
    def more(self) -> bool:
        return self._position < len(self._content)

    def next(self) -> Element:
        """The next element, whatever it is."""
        content, start = self._content, self._position
        if start + 2 > len(content):
            raise DerError("the bytes end too early")
        tag, length, at = content[start], content[start + 1], start + 2
        if tag & 0x1F == 0x1F:
            raise DerError("a tag number above 30")
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4 or at + size > len(content):
                raise DerError("an indefinite, too long or cut-off length")
            length = int.from_bytes(content[at : at + size], "big")
            if length < 0x80 or length >> (8 * (size - 1)) == 0:
                raise DerError("a length that is not minimal")
            at += size
        end = at + length
        if end > len(content):
            raise DerError("the bytes end too early")
        self._position = end
        return Element(tag, content[at:end], content[start:end])

    def take(self, tag: int) -> Element:
        """The next element, which must have this tag."""
        element = self.next()
        element.expect(tag)
        return element

    def take_if(self, tag: int) -> Element | None:
        """The next element when it has this tag: an OPTIONAL one."""
        if not self.more or self._content[self._position] != tag:
            return None
        return self.next()

    def all(self) -> tuple[Element, ...]:
        """Every element that is left."""
        found = []
        while self.more:
            found.append(self.next())
        return tuple(found)

    def end(self) -> None:
        """Nothing may be left."""
        if self.more:
            raise DerError("there are bytes after the end")


def read(content: bytes, tag: int) -> Element:
    """The one element these bytes are."""
    reader = Reader(content)
    element = reader.take(tag)
    reader.end()
    return element
