"""CBOR (RFC 8949), strictly: one encoding for one value.

Definite and shortest lengths only, no duplicate labels, nothing left over. Times stay what they are on the wire
(``Tag``), because the Notary Project allows one of the two kinds and no other.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from gatekeeper.core.errors import MalformedError

DEEPEST = 16
_SIMPLE: dict[int, bool | None] = {20: False, 21: True, 22: None}
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}


@dataclass(frozen=True, slots=True)
class Tag:
    """A tagged value (RFC 8949, 3.4)."""

    number: int
    value: object


def loads(encoded: bytes) -> object:
    """All of these bytes as one value: int, float, bytes, str, bool, None, list, dict or Tag.

    Labels of maps are int or str. Raises MalformedError ``cbor-malformed``.
    """
    reader = _Reader(encoded)
    value = reader.value(0)
    if reader.position != len(encoded):
        raise _malformed(f"{len(encoded) - reader.position} bytes follow the value")
    return value


def _malformed(detail: str) -> MalformedError:
    return MalformedError(f"not CBOR: {detail}", reason_code="cbor-malformed")


class _Reader:
    __slots__ = ("encoded", "position")

    def __init__(self, encoded: bytes) -> None:
        self.encoded = encoded
        self.position = 0

    def value(self, depth: int) -> object:
        if depth > DEEPEST:
            raise _malformed(f"nested deeper than {DEEPEST}")
        first = self._take(1)[0]
        major, low = first >> 5, first & 0x1F
        if major == 7:
            return self._simple(low)
        argument = self._argument(low)
        match major:
            case 0:
                return argument
            case 1:
                return -1 - argument
            case 2:
                return self._take(argument)
            case 3:
                return self._text(argument)
            case 4:
                self._check_count(argument)
                return [self.value(depth + 1) for _ in range(argument)]
            case 5:
                self._check_count(argument)
                return self._map(argument, depth)
            case _:
                return Tag(argument, self.value(depth + 1))

    def _take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self.encoded):
            raise _malformed("it breaks off")
        taken = self.encoded[self.position : end]
        self.position = end
        return taken

    def _argument(self, low: int) -> int:
        if low < 24:
            return low
        if low > 27:
            raise _malformed("an indefinite length")
        size = 1 << (low - 24)
        argument = int.from_bytes(self._take(size), "big")
        if argument < 24 or (size > 1 and argument >> (4 * size) == 0):
            raise _malformed("a number that is not in its shortest form")
        return argument

    def _check_count(self, count: int) -> None:
        if count > len(self.encoded) - self.position:
            raise _malformed("it announces more than it holds")

    def _text(self, length: int) -> str:
        try:
            return self._take(length).decode("utf-8")
        except UnicodeDecodeError as error:
            raise _malformed("text that is not UTF-8") from error

    def _map(self, count: int, depth: int) -> dict[int | str, object]:
        found: dict[int | str, object] = {}
        for _ in range(count):
            label = self.value(depth + 1)
            if isinstance(label, bool) or not isinstance(label, int | str):
                raise _malformed(f"a label that is a {type(label).__name__}")
            if label in found:
                raise _malformed(f"the label {str(label)[:60]!r} occurs twice")
            found[label] = self.value(depth + 1)
        return found

    def _simple(self, low: int) -> object:
        if low in _SIMPLE:
            return _SIMPLE[low]
        form = _FLOATS.get(low)
        if form is None:
            raise _malformed(f"the simple value {low}")
        number: float = struct.unpack(form, self._take(struct.calcsize(form)))[0]
        return number
