"""Layers -> the wanted files as they are in the image (OCI image-spec, layer.md), whiteouts obeyed.

The door of ``zstandard``. Compressed bytes are unpacked in small steps and counted: a bomb ends at the cap, whatever it
claims. A layer is read to its end, because only then its digest is known to be right.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any, cast

import zstandard

from gatekeeper.core.errors import MalformedError
from gatekeeper.ports import LayerBytes
from gatekeeper.sbom.lenient import malformed, too_large

MAX_UNPACKED = 8 * 1024 * 1024 * 1024
"""Bytes of all layers of one image, unpacked."""
MAX_ENTRIES = 2_000_000
"""Files of all layers of one image."""
MAX_FILE = 256 * 1024 * 1024
"""Bytes of one wanted file: RPM databases are large."""
MAX_FILES = 20_000
MAX_HELD = 512 * 1024 * 1024
"""Wanted files, and bytes of them, held at the same time."""
MAX_EXTENDED = 1024 * 1024
"""Bytes of one extended tar header: a path and some times."""
WINDOW = 128 * 1024 * 1024
"""Largest window of a zstd frame: memory that its writer makes us take."""
_STEP = 64 * 1024
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"

_BROKEN = (tarfile.TarError, zlib.error, zstandard.ZstdError, EOFError, OSError, ValueError)
"""What unpackers and tarfile raise for hostile bytes; a broken gzip is an OSError."""

Wanted = Callable[[str], bool]


@dataclass(slots=True)
class Held:
    """The wanted files of the layers read so far, by path without a leading slash."""

    files: dict[str, bytes] = field(default_factory=dict)
    unpacked: int = 0
    entries: int = 0

    @property
    def size(self) -> int:
        """Bytes that are held."""
        return sum(map(len, self.files.values()))


def read_layer(layer: LayerBytes, wanted: Wanted, held: Held) -> None:
    """One layer on top of those read before.

    Raises MalformedError ``sbom-malformed`` for what is no tar, ``sbom-too-large`` over a cap; what the pieces raise
    goes through.
    """
    pieces = _Pieces(layer)
    source = _Counted(_unpacked(pieces), held)
    changes: dict[str, bytes | None] = {}
    opaque: set[str] = set()
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", source), mode="r|", tarinfo=_Member) as archive:
            for member in archive:
                _count_entry(held)
                _note(archive, member, wanted, changes, opaque, held)
    except (
        tarfile.TarError,
        zlib.error,
        gzip.BadGzipFile,
        zstandard.ZstdError,
        EOFError,
        OSError,
        ValueError,
    ) as error:
        raise malformed(f"a layer is no tar archive: {type(error).__name__}") from error
    pieces.drain()
    # Whiteouts hide what lower layers have, never what this one brings.
    hidden = {path for path, content in changes.items() if content is None}
    for path in list(held.files):
        if _is_hidden(path, hidden, opaque):
            del held.files[path]
    held.files.update({path: content for path, content in changes.items() if content is not None})


def _note(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    wanted: Wanted,
    changes: dict[str, bytes | None],
    opaque: set[str],
    held: Held,
) -> None:
    path = _plain(member.name)
    folder, _, name = path.rpartition("/")
    if name == _OPAQUE:
        opaque.add(folder)
    elif name.startswith(_WHITEOUT):
        hidden = name.removeprefix(_WHITEOUT)
        changes.setdefault(f"{folder}/{hidden}" if folder else hidden, None)
    elif not wanted(path) or member.isdir():
        return
    elif member.isreg():
        changes[path] = _content(archive, member, held)
    else:
        # A link in a database's place hides the database; links are not followed.
        changes[path] = None


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, held: Held) -> bytes:
    if member.size > MAX_FILE:
        raise too_large(f"{MAX_FILE} bytes in {member.name[:200]!r}")
    if held.size + member.size > MAX_HELD or len(held.files) >= MAX_FILES:
        raise too_large(f"{MAX_HELD} bytes or {MAX_FILES} files of package databases")
    stream = archive.extractfile(member)
    content = stream.read(MAX_FILE + 1) if stream is not None else b""
    if len(content) != member.size:
        raise malformed(f"{member.name[:200]!r} is cut short")
    return content


def _is_hidden(path: str, hidden: set[str], opaque: set[str]) -> bool:
    if "" in opaque:
        return True
    parts = path.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return any(place in hidden for place in above) or any(place in opaque for place in above[:-1])


def _plain(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _count_entry(held: Held) -> None:
    held.entries += 1
    if held.entries > MAX_ENTRIES:
        raise too_large(f"{MAX_ENTRIES} files in its layers")


class _Member(tarfile.TarInfo):
    """A tar entry whose extended headers are capped before they are read into memory."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        extended = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
        if (
            self.type in (*extended, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
            and self.size > MAX_EXTENDED
        ):
            raise MalformedError("an extended tar header is too large", reason_code="sbom-too-large")
        found: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return found


class _Pieces(io.RawIOBase):
    """A layer's compressed bytes as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """As many bytes as are there; 0 at the end."""
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = piece
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def drain(self) -> None:
        """Reads what nobody needed: the digest is checked at the end."""
        for _ in self._pieces:
            pass


class _Counted:
    """The unpacked bytes, counted over all layers of the image."""

    def __init__(self, source: IO[bytes], held: Held) -> None:
        self._source = source
        self._held = held

    def read(self, size: int = -1) -> bytes:
        """At most ``_STEP`` bytes at once. Raises MalformedError over the cap."""
        content = self._source.read(min(size, _STEP) if size >= 0 else _STEP)
        self._held.unpacked += len(content)
        if self._held.unpacked > MAX_UNPACKED:
            raise too_large(f"{MAX_UNPACKED} bytes in its layers")
        return content


def _unpacked(pieces: _Pieces) -> IO[bytes]:
    """By the first bytes, not by what the media type claims."""
    buffered = io.BufferedReader(pieces, _STEP)
    head = buffered.peek(4)[:4]
    if head.startswith(_GZIP):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=buffered, mode="rb"))
    if head == _ZSTD:
        unpacker = zstandard.ZstdDecompressor(max_window_size=WINDOW)
        return cast("IO[bytes]", unpacker.stream_reader(buffered, read_across_frames=True))
    return cast("IO[bytes]", buffered)
