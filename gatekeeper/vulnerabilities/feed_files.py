"""The files of a feed -> its records: one record, a list of them, one to a line, a zip, or a directory of all these."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gatekeeper.core.advisory import Advisory, RefusedRecord
from gatekeeper.core.errors import MalformedError
from gatekeeper.vulnerabilities.feed_paths import files_of
from gatekeeper.vulnerabilities.osv import LARGEST_RECORD, read_record

LARGEST_FILE = 4 * 1024 * 1024 * 1024
"""Bytes of one JSON file of a feed."""
MOST_MEMBERS = 5_000_000
"""Files in one zip."""

_ANY_LIST = msgspec.json.Decoder(list[msgspec.Raw])


class _Wrapped(msgspec.Struct):
    """Answers of the OSV API."""

    vulns: list[msgspec.Raw]


_WRAPPED = msgspec.json.Decoder(_Wrapped)


def read_source(source: Path) -> Iterator[Advisory | RefusedRecord]:
    """Every record of a file or directory.

    Raises MalformedError ``feed-missing`` | ``feed-malformed``.
    """
    for path in files_of(source):
        if path.suffix == ".zip" or zipfile.is_zipfile(path):
            yield from _of_zip(path)
        else:
            yield from _of_json(path)


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
