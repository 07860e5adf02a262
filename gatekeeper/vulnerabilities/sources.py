"""Feeds given as files: one OSV record, a list of them, one to a line, a zip, a directory of all these, or an index."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from gatekeeper.core.advisory import Advisory, RefusedRecord
from gatekeeper.core.errors import MalformedError
from gatekeeper.vulnerabilities.index import FORMAT, AdvisoryIndex, build, is_index
from gatekeeper.vulnerabilities.osv import LARGEST_RECORD, read_record

LARGEST_FILE = 4 * 1024 * 1024 * 1024
"""Bytes of one JSON file of a feed."""
MOST_MEMBERS = 5_000_000
"""Files in one zip."""
_KEPT_INDEXES = 8
_SUFFIXES = (".json", ".jsonl", ".ndjson", ".zip")

_ANY_LIST = msgspec.json.Decoder(list[msgspec.Raw])


class _Wrapped(msgspec.Struct):
    """Answers of the OSV API."""

    vulns: list[msgspec.Raw]


_WRAPPED = msgspec.json.Decoder(_Wrapped)


def read_source(source: Path) -> Iterator[Advisory | RefusedRecord]:
    """Every record of a file or directory.

    Raises MalformedError ``feed-missing`` | ``feed-malformed``.
    """
    for path in _files(source):
        if path.suffix == ".zip" or zipfile.is_zipfile(path):
            yield from _of_zip(path)
        else:
            yield from _of_json(path)


@contextmanager
def opened(
    sources: Sequence[Path], *, cache: Path | None, told: Callable[[str], None]
) -> Iterator[AdvisoryIndex]:
    """The index of these feeds: an index as it is, anything else compiled, and kept in ``cache`` for the next time.

    Kept under the names, sizes and times of the files, so that a changed feed is compiled again. ``told`` hears what
    takes long. Without a usable cache the index lives as long as the block; without sources it is empty.
    Raises MalformedError ``feed-missing`` | ``feed-malformed`` | ``index-malformed``.
    """
    if len(sources) == 1 and sources[0].is_file() and is_index(sources[0]):
        with AdvisoryIndex(sources[0]) as index:
            yield index
        return
    kept = _kept_at(sources, cache) if sources else None
    if kept is not None and kept.is_file():
        try:
            index = AdvisoryIndex(kept)
        except MalformedError:
            kept.unlink(missing_ok=True)
        else:
            with index:
                yield index
            return
    with tempfile.TemporaryDirectory(prefix="gatekeeper-", dir=kept.parent if kept else None) as folder:
        made = Path(folder) / "advisories.sqlite"
        if sources:
            told("compiling the advisories; the next run finds them ready")
        build(made, (record for source in sources for record in read_source(source)))
        if kept is not None:
            made.replace(kept)
            _forget_oldest(kept.parent)
        with AdvisoryIndex(kept or made) as index:
            yield index


def _files(source: Path) -> Iterator[Path]:
    if not source.exists():
        raise MalformedError(f"there is no feed {source}", reason_code="feed-missing")
    if not source.is_dir():
        yield source
        return
    for folder, names, files in os.walk(source):
        names.sort()
        for name in sorted(files):
            if name.endswith(_SUFFIXES) and not name.startswith("."):
                yield Path(folder) / name


def _of_json(path: Path) -> Iterator[Advisory | RefusedRecord]:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise MalformedError(f"{path} is larger than {LARGEST_FILE} bytes", reason_code="feed-malformed")
        content = path.read_bytes()
    except OSError as error:
        raise MalformedError(
            f"{path} cannot be read: {error.strerror}", reason_code="feed-malformed"
        ) from error
    head = content.lstrip()[:1]
    if head == b"[":
        yield from _of_list(path, content)
    elif path.suffix in (".jsonl", ".ndjson"):
        yield from _of_lines(path, content)
    else:
        yield from _of_object(path, content)


def _of_object(path: Path, content: bytes) -> Iterator[Advisory | RefusedRecord]:
    try:
        records = _WRAPPED.decode(content).vulns
    except msgspec.ValidationError:
        yield _read(str(path), content)
    except (msgspec.DecodeError, RecursionError) as error:
        if b"}\n{" in content or b"}\r\n{" in content:
            yield from _of_lines(path, content)
        else:
            yield RefusedRecord(str(path), f"the advisory cannot be read: no JSON: {error}")
    else:
        for position, record in enumerate(records):
            yield _read(f"{path}[{position}]", bytes(record))


def _of_list(path: Path, content: bytes) -> Iterator[Advisory | RefusedRecord]:
    try:
        records = _ANY_LIST.decode(content)
    except (msgspec.DecodeError, RecursionError) as error:
        yield RefusedRecord(str(path), f"no JSON: {error}")
        return
    for position, record in enumerate(records):
        yield _read(f"{path}[{position}]", bytes(record))


def _of_lines(path: Path, content: bytes) -> Iterator[Advisory | RefusedRecord]:
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            yield _read(f"{path}:{number}", line)


def _of_zip(path: Path) -> Iterator[Advisory | RefusedRecord]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith(".json")]
            if len(members) > MOST_MEMBERS:
                raise MalformedError(
                    f"{path} holds more than {MOST_MEMBERS} files", reason_code="feed-malformed"
                )
            for member in members:
                yield _of_member(path, archive, member)
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise MalformedError(
            f"{path} is no zip that can be read: {error}", reason_code="feed-malformed"
        ) from error


def _of_member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Advisory | RefusedRecord:
    place = f"{path}!{member.filename}"
    try:
        with archive.open(member) as stream:
            # One byte more than is read, so that a longer member is refused, whatever its header says.
            content = stream.read(LARGEST_RECORD + 1)
    except Exception as error:  # noqa: BLE001 - zlib, zipfile and their kin raise whatever they like for hostile bytes
        return RefusedRecord(place, f"cannot be unpacked: {error}")
    return _read(place, content)


def _read(place: str, content: bytes) -> Advisory | RefusedRecord:
    try:
        return read_record(content)
    except MalformedError as error:
        return RefusedRecord(place, error.message)


def _kept_at(sources: Sequence[Path], cache: Path | None) -> Path | None:
    if cache is None:
        return None
    try:
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return None
    if not os.access(cache, os.W_OK):
        return None
    identity = hashlib.sha256(f"{FORMAT}".encode())
    for source in sources:
        for path in _files(source.resolve()):
            stat = path.stat()
            identity.update(
                f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_ctime_ns}\0{stat.st_ino}\n".encode(
                    errors="surrogateescape"
                )
            )
    return cache / f"{identity.hexdigest()}.sqlite"


def _forget_oldest(cache: Path) -> None:
    kept = sorted(cache.glob("*.sqlite"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in kept[_KEPT_INDEXES:]:
        path.unlink(missing_ok=True)
