"""Faults that lie about content: wrong bytes, headers, lengths, encodings."""

from __future__ import annotations

import itertools
import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from gatekeeper.demo.oci_registry.faults import Moment
from gatekeeper.demo.oci_registry.wire import Answer, Framing

_ZEROS = bytes(65_536)


@dataclass(frozen=True, slots=True)
class Headers:
    """Set headers on the true answer, or remove them (None): lies about type, digest, Link, Location."""

    headers: tuple[tuple[str, str | None], ...]

    @classmethod
    def one(cls, name: str, value: str | None) -> Headers:
        """A single header."""
        return cls(((name, value),))

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        for name, value in self.headers:
            answer.set(name, value)
        return answer


@dataclass(frozen=True, slots=True)
class ContentLength:
    """Announce this many bytes and send the true body."""

    length: int

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.length = self.length
        return answer


@dataclass(frozen=True, slots=True)
class WrongBody:
    """Another body under the true headers."""

    body: bytes

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.body = self.body
        return answer


@dataclass(frozen=True, slots=True)
class FlipByte:
    """The true body with one byte changed, length unchanged."""

    at: int = 0

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        body = bytearray(answer.content())
        if body:
            body[self.at % len(body)] ^= 1
        answer.body = bytes(body)
        return answer


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON document of the test's own making (``status`` and headers of the true answer are kept)."""

    document: object

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.body = json.dumps(self.document).encode()
        return answer


@dataclass(frozen=True, slots=True)
class GarbageJson:
    """JSON that ends in the middle, under the true headers and status 200."""

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.status, answer.body = 200, b'{"schemaVersion": 2, "manifests": [{"digest": "sha'
        return answer


@dataclass(frozen=True, slots=True)
class DuplicateKey:
    """The true JSON object with one key given a second time, at the front or at the end."""

    key: str
    value: object
    first: bool = True

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        body = answer.content().strip()
        member = f"{json.dumps(self.key)}:{json.dumps(self.value)}".encode()
        answer.body = b"{" + member + b"," + body[1:] if self.first else body[:-1] + b"," + member + b"}"
        return answer


@dataclass(frozen=True, slots=True)
class DeepJson:
    """JSON nested this deep."""

    depth: int = 100_000

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.body = b'{"a":' * self.depth + b"1" + b"}" * self.depth
        return answer


@dataclass(frozen=True, slots=True)
class Truncate:
    """Announce the true length, send this many bytes, close."""

    at: int
    reset: bool = False

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.cut_after, answer.reset = self.at, self.reset
        return answer


@dataclass(frozen=True, slots=True)
class Oversized:
    """A body of this many zeros, honestly announced, made while it is sent."""

    size: int

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.length, answer.body = self.size, _zeros(self.size)
        return answer


@dataclass(frozen=True, slots=True)
class EndlessBody:
    """Zeros for ever; chunked, or without any length."""

    chunked: bool = True

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.framing = Framing.CHUNKED if self.chunked else Framing.UNTIL_CLOSE
        answer.body = itertools.takewhile(lambda _: not moment.stopping.is_set(), itertools.repeat(_ZEROS))
        return answer


@dataclass(frozen=True, slots=True)
class GzipBomb:
    """``Content-Encoding: gzip`` over zeros: about a thousandth of ``size`` on the wire."""

    size: int = 1 << 30

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.body = gzip_of_zeros(self.size)
        return answer.set("Content-Encoding", "gzip")


def _zeros(size: int) -> Iterator[bytes]:
    for start in range(0, size, len(_ZEROS)):
        yield _ZEROS[: size - start]


def gzip_of_zeros(size: int) -> bytes:
    """One gzip member over so many zeros, made without compressing them all. ``size`` is cut to whole MiB."""
    block_size, count = 1 << 20, size >> 20
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # A full flush ends on a byte and forgets what came before, so the block may be repeated.
    block = packer.compress(bytes(block_size)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(count):
        checksum = zlib.crc32(bytes(block_size), checksum)
    tail = packer.flush() + struct.pack("<II", checksum, (count * block_size) & 0xFFFFFFFF)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + block * count + tail
