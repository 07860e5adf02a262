"""Members of a zip archive one by one, in memory that does not grow with their number.

``zipfile`` reads the whole directory first: of a dump with 200,000 records that alone is more than a hundred megabytes.
Here the directory is read entry by entry (PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.5.3).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from gatekeeper.core.errors import MalformedError

_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_LOCATOR = struct.Struct("<4sLQL")
_LOCATOR_SIGNATURE = b"PK\x06\x07"
_END64 = struct.Struct("<4sQ2H2L4Q")
_END64_SIGNATURE = b"PK\x06\x06"
_ENTRY = struct.Struct("<4s6H3L5H2L")
_ENTRY_SIGNATURE = b"PK\x01\x02"
_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x1
_IN_EXTRA = 0xFFFFFFFF
_COMMENT = 0xFFFF


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive. ``content`` is None where it is larger than the cap or cannot be unpacked."""

    name: str
    content: bytes | None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class _Directory:
    offset: int
    entries: int


def count_members(path: Path) -> int:
    """How many entries the directory has. Raises MalformedError."""
    with path.open("rb") as stream:
        return _directory(stream).entries


def members(path: Path, *, cap: int) -> Iterator[Member]:
    """Every file in the order of the directory. ``cap``: bytes of one unpacked file.

    Raises MalformedError ``archive-malformed`` for an archive that breaks off or breaks the format.
    """
    with path.open("rb") as directory, path.open("rb") as contents:
        place = _directory(directory)
        directory.seek(place.offset)
        for _ in range(place.entries):
            entry = _entry(directory)
            if not entry.name.endswith("/"):
                yield _member(contents, entry, cap)


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def _directory(stream: BinaryIO) -> _Directory:
    stream.seek(0, 2)
    length = stream.tell()
    start = max(0, length - _END.size - _COMMENT)
    stream.seek(start)
    tail = stream.read(_END.size + _COMMENT)
    found = tail.rfind(_END_SIGNATURE)
    if found < 0 or len(tail) - found < _END.size:
        raise _malformed("it has no end of the central directory")
    end = _END.unpack_from(tail, found)
    entries, offset = end[4], end[6]
    if entries == 0xFFFF or offset == _IN_EXTRA:
        return _directory64(stream, start + found)
    return _Directory(offset, entries)


def _directory64(stream: BinaryIO, end: int) -> _Directory:
    if end < _LOCATOR.size:
        raise _malformed("its zip64 locator is missing")
    stream.seek(end - _LOCATOR.size)
    locator = _unpack(_LOCATOR, stream)
    if locator[0] != _LOCATOR_SIGNATURE:
        raise _malformed("its zip64 locator is missing")
    stream.seek(locator[2])
    record = _unpack(_END64, stream)
    if record[0] != _END64_SIGNATURE:
        raise _malformed("its zip64 end record is missing")
    return _Directory(record[9], record[7])


def _entry(stream: BinaryIO) -> _Entry:
    fields = _unpack(_ENTRY, stream)
    if fields[0] != _ENTRY_SIGNATURE:
        raise _malformed("its central directory breaks off")
    name = stream.read(fields[10])
    extra = stream.read(fields[11])
    stream.seek(fields[12], 1)
    packed, size, offset = fields[8], fields[9], fields[16]
    if _IN_EXTRA in (packed, size, offset):
        size, packed, offset = _from_extra(extra, size, packed, offset)
    return _Entry(name.decode("utf-8", "replace"), fields[3], fields[4], fields[7], packed, size, offset)


def _from_extra(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Values that do not fit, in their fixed order (section 4.5.3)."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        position += 4
        if kind == 1:
            values = list(struct.unpack_from(f"<{min(length, len(extra) - position) // 8}Q", extra, position))
            try:
                size = values.pop(0) if size == _IN_EXTRA else size
                packed = values.pop(0) if packed == _IN_EXTRA else packed
                offset = values.pop(0) if offset == _IN_EXTRA else offset
            except IndexError:
                break
            return size, packed, offset
        position += length
    raise _malformed("an entry has no zip64 sizes")


def _member(stream: BinaryIO, entry: _Entry, cap: int) -> Member:
    if entry.flags & _ENCRYPTED:
        return Member(entry.name, None, "it is encrypted")
    if entry.method not in (_STORED, _DEFLATED):
        return Member(entry.name, None, f"it is packed by method {entry.method}")
    if entry.size > cap or entry.packed > cap:
        return Member(entry.name, None, f"it is larger than {cap} bytes")
    stream.seek(entry.offset)
    local = _unpack(_LOCAL, stream)
    if local[0] != _LOCAL_SIGNATURE:
        raise _malformed(f"{entry.name[:80]!r} is not where the directory says")
    stream.seek(local[9] + local[10], 1)
    packed = stream.read(entry.packed)
    if len(packed) < entry.packed:
        raise _malformed(f"it breaks off in {entry.name[:80]!r}")
    content = packed
    if entry.method == _DEFLATED:
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            content = unpacker.decompress(packed, cap + 1)
        except zlib.error as error:
            return Member(entry.name, None, f"it cannot be unpacked: {error}")
    if len(content) > cap:
        return Member(entry.name, None, f"it is larger than {cap} bytes")
    if zlib.crc32(content) != entry.crc:
        return Member(entry.name, None, "its checksum is another one")
    return Member(entry.name, content)


def _unpack(shape: struct.Struct, stream: BinaryIO) -> tuple[Any, ...]:
    raw = stream.read(shape.size)
    if len(raw) < shape.size:
        raise _malformed("it breaks off")
    return shape.unpack(raw)


def _malformed(what: str) -> MalformedError:
    return MalformedError(f"the zip archive cannot be read: {what}", reason_code="archive-malformed")
