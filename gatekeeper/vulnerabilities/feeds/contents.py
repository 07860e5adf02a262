"""Feeds as files: their content tells what they are, never their name. Read as a stream, whatever their size."""

from __future__ import annotations

import gzip
import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec

from gatekeeper.core.errors import Cause, MalformedError, UnavailableError
from gatekeeper.core.feed import FeedKind
from gatekeeper.ports.vulnerabilities import FeedFact, FeedProblem, FeedRecord
from gatekeeper.vulnerabilities.feeds.archive import Member, count_members, members
from gatekeeper.vulnerabilities.feeds.endoflife import read_cycles, read_products
from gatekeeper.vulnerabilities.feeds.epss import read_epss
from gatekeeper.vulnerabilities.feeds.kev import read_kev
from gatekeeper.vulnerabilities.naming import split_ecosystem
from gatekeeper.vulnerabilities.osv import LARGEST_RECORD, read_record

LARGEST_JSON = 64 * 1024 * 1024
"""Bytes of one JSON document that is read as a whole."""
_PIECE = 1024 * 1024
_SNIFFED = 64 * 1024
_SAMPLED = 200
_SUFFIXES = (".json", ".jsonl", ".ndjson", ".zip")

Entry = FeedRecord | FeedFact | FeedProblem


_ABSENT = msgspec.Raw()


class _Shape(msgspec.Struct):
    """The members that tell one JSON document from another."""

    id: msgspec.Raw = _ABSENT
    affected: msgspec.Raw = _ABSENT
    modified: msgspec.Raw = _ABSENT
    vulnerabilities: msgspec.Raw = _ABSENT
    vulns: list[msgspec.Raw] | None = None
    result: msgspec.Raw = _ABSENT
    cycle: msgspec.Raw = _ABSENT


_SHAPE = msgspec.json.Decoder(_Shape)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Content:
    """``ports.FeedContent``."""

    kind: FeedKind
    ecosystem: str
    sha256: str
    total: int | None
    read: Callable[[], Iterator[Entry]]

    def records(self) -> Iterator[Entry]:
        """Each record in the order of the file."""
        return self.read()


def open_feed(path: Path, *, kind: FeedKind | None = None) -> Content:
    """A file or a directory of OSV records. Raises MalformedError ``feed-malformed``, UnavailableError."""
    try:
        found = _of_directory(path) if path.is_dir() else _of_file(path)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise MalformedError(f"{path} cannot be unpacked: {error}", reason_code="feed-malformed") from error
    except OSError as error:
        raise UnavailableError(
            f"{path} cannot be read: {error.strerror}", cause=Cause.STORE, reason_code="feed-unreadable"
        ) from error
    if kind is not None and found.kind is not kind:
        raise MalformedError(
            f"{path} is a feed of kind {found.kind}, not {kind}", reason_code="feed-malformed"
        )
    return found


def _of_file(path: Path) -> Content:
    if zipfile.is_zipfile(path):
        return _osv(
            lambda: _of_members(members(path, cap=LARGEST_RECORD)), sha256_of(path), count_members(path)
        )
    with _plain(path) as stream:
        head = stream.read(_SNIFFED)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"#model_version", b"cve,")):
        return Content(FeedKind.EPSS, "", sha256_of(path), None, lambda: _of_stream(path, read_epss))
    if start.startswith(b"["):
        return _of_list(path)
    if start.startswith(b"{"):
        return _of_object(path)
    raise _strange(path)


def _of_object(path: Path) -> Content:
    """One JSON document, or one to a line."""
    sha256 = sha256_of(path)
    first = _first_line(path)
    try:
        shape = _SHAPE.decode(first if first is not None else _whole(path))
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise MalformedError(f"{path} is no JSON: {error}", reason_code="feed-malformed") from error
    if first is not None:
        return _osv(lambda: _of_stream(path, _of_lines), sha256, None)
    if shape.vulns is not None:
        return _osv(lambda: _of_raws(path, _SHAPE.decode(_whole(path)).vulns or []), sha256, len(shape.vulns))
    if bytes(shape.vulnerabilities) and not bytes(shape.id):
        return Content(FeedKind.KEV, "", sha256, None, lambda: read_kev(_whole(path)))
    if bytes(shape.result):
        return Content(FeedKind.END_OF_LIFE, "", sha256, None, lambda: read_products(_whole(path)))
    if bytes(shape.id) and (bytes(shape.affected) or bytes(shape.modified)):
        return _osv(lambda: iter([_record(str(path), _whole(path))]), sha256, 1)
    raise _strange(path)


def _of_list(path: Path) -> Content:
    try:
        raws = _LIST.decode(_whole(path))
        shape = _SHAPE.decode(raws[0]) if raws else _Shape(id=msgspec.Raw(b'""'))
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise MalformedError(f"{path} is no JSON list: {error}", reason_code="feed-malformed") from error
    sha256 = sha256_of(path)
    if bytes(shape.cycle):
        return Content(
            FeedKind.END_OF_LIFE, "", sha256, len(raws), lambda: read_cycles(_whole(path), path.stem)
        )
    if not bytes(shape.id):
        raise _strange(path)
    return _osv(lambda: _of_raws(path, _LIST.decode(_whole(path))), sha256, len(raws))


def _of_directory(folder: Path) -> Content:
    """Every file of OSV records below it, in the order of their names."""
    files = [
        Path(place) / name
        for place, _, names in sorted(os.walk(folder))
        for name in sorted(names)
        if name.endswith(_SUFFIXES) and not name.startswith(".")
    ]
    if not files:
        raise MalformedError(
            f"{folder} holds no feed; expected files that end in {', '.join(_SUFFIXES)}",
            reason_code="feed-malformed",
        )
    sha256 = hashlib.sha256()
    for path in files:
        sha256.update(f"{path.relative_to(folder)}\0{sha256_of(path)}\n".encode("utf-8", "surrogateescape"))

    def read() -> Iterator[Entry]:
        for path in files:
            found = _of_file(path)
            if found.kind is not FeedKind.OSV:
                raise MalformedError(
                    f"{path} is a feed of kind {found.kind} among OSV records; import it by itself",
                    reason_code="feed-malformed",
                )
            yield from found.records()

    return _osv(read, sha256.hexdigest(), None)


def _osv(read: Callable[[], Iterator[Entry]], sha256: str, total: int | None) -> Content:
    return Content(FeedKind.OSV, _one_ecosystem(islice(read(), _SAMPLED)), sha256, total, read)


def _one_ecosystem(sample: Iterable[Entry]) -> str:
    """The ecosystem that every record of a sample names; empty where there is no single one."""
    common: set[str] | None = None
    for entry in sample:
        if isinstance(entry, FeedRecord):
            named = {split_ecosystem(affected.ecosystem)[0] for affected in entry.advisory.affected}
            if named:
                common = named if common is None else common & named
    return next(iter(common)) if common is not None and len(common) == 1 else ""


def _of_members(found: Iterator[Member]) -> Iterator[Entry]:
    for member in found:
        if not member.name.endswith(".json"):
            continue
        if member.content is None:
            yield FeedProblem(member.name, "record-unreadable", member.refusal)
        else:
            yield _record(member.name, member.content)


def _of_lines(lines: Iterable[bytes]) -> Iterator[Entry]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _record(f"line {number}", line)


def _of_raws(path: Path, raws: list[msgspec.Raw]) -> Iterator[Entry]:
    for number, raw in enumerate(raws):
        yield _record(f"{path.name}[{number}]", bytes(raw))


def _record(place: str, raw: bytes) -> Entry:
    try:
        return FeedRecord(read_record(raw), raw)
    except MalformedError as error:
        return FeedProblem(place, error.reason_code, error.message)


def _of_stream(path: Path, read: Callable[[Iterable[bytes]], Iterator[Entry]]) -> Iterator[Entry]:
    with _plain(path) as stream:
        yield from read(_lines(stream))


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines of at most the size of a record; a longer one is cut, and set aside by whoever reads it."""
    try:
        while line := stream.readline(LARGEST_RECORD + 1):
            yield line
            while len(line) > LARGEST_RECORD and not line.endswith(b"\n"):
                line = stream.readline(LARGEST_RECORD + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise MalformedError(f"the feed breaks off: {error}", reason_code="feed-malformed") from error


def _plain(path: Path) -> BinaryIO:
    """The file, unpacked where it is gzip."""
    stream = path.open("rb")
    if stream.read(2) != b"\x1f\x8b":
        stream.seek(0)
        return stream
    stream.close()
    return gzip.open(path, "rb")  # type: ignore[return-value]


def _first_line(path: Path) -> bytes | None:
    """The first line of a file with one JSON document on each; None where one document is all of it."""
    with _plain(path) as stream:
        first = stream.readline(LARGEST_RECORD + 1)
        if not stream.read(_SNIFFED).lstrip().startswith(b"{"):
            return None
    try:
        _SHAPE.decode(first)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None
    return first


def _whole(path: Path) -> bytes:
    try:
        with _plain(path) as stream:
            content = stream.read(LARGEST_JSON + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise MalformedError(f"{path} cannot be unpacked: {error}", reason_code="feed-malformed") from error
    if len(content) > LARGEST_JSON:
        raise MalformedError(
            f"{path} is one JSON document of more than {LARGEST_JSON} bytes; give the records as a zip",
            reason_code="feed-malformed",
        )
    return content.removeprefix(b"\xef\xbb\xbf")


def sha256_of(path: Path) -> str:
    """Of a file's bytes, in hexadecimal."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            found.update(piece)
    return found.hexdigest()


def _strange(path: Path) -> MalformedError:
    return MalformedError(
        f"{path} is no feed that is known: expected OSV records (zip, JSON, JSON lines, a directory), a KEV catalog, "
        "an EPSS list, a list of endoflife.date, or a bundle of `gatekeeper feed export`",
        reason_code="feed-malformed",
    )
