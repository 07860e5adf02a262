"""Bundles for sites without network: feeds in one tar file, and a signed statement that names each by its sha256.

``feeds.dsse.json`` comes first: a DSSE envelope with an in-toto statement whose subjects are the other members
(``NAME.jsonl.gz``) and whose predicate says what each is and how old. No member is read before it is verified.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from gatekeeper.core.errors import Cause, MalformedError, UnavailableError
from gatekeeper.core.feed import FeedKind
from gatekeeper.ports.feeds import BundledFeed, UnpackedFeed
from gatekeeper.ports.vulnerabilities import FeedFact, FeedProblem, FeedRecord, FeedSpec
from gatekeeper.vulnerabilities.feeds.contents import Content, Entry, sha256_of
from gatekeeper.vulnerabilities.osv import LARGEST_RECORD, read_record

PREDICATE = "urn:gatekeeper:feed-bundle:v1"
STATEMENT = "https://in-toto.io/Statement/v1"
FIRST = "feeds.dsse.json"
_LARGEST_STATEMENT = 4 * 1024 * 1024
_LARGEST_MEMBER = 16 * 1024 * 1024 * 1024
_MOST_FEEDS = 1_000
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_PIECE = 1024 * 1024


class _Fact(msgspec.Struct):
    name: str
    score: float | None = None
    at: datetime | None = None


class _Feed(msgspec.Struct):
    name: str
    kind: FeedKind
    ecosystem: str
    source: str
    fetchedAt: datetime  # noqa: N815 - the member's name
    file: str
    sha256: str


class _Predicate(msgspec.Struct):
    feeds: list[_Feed]


class _Subject(msgspec.Struct):
    name: str
    digest: dict[str, str]


class _Statement(msgspec.Struct):
    subject: list[_Subject]
    predicateType: str  # noqa: N815
    predicate: _Predicate


_FACT = msgspec.json.Decoder(_Fact)
_STATEMENT = msgspec.json.Decoder(_Statement)


def is_bundle(path: Path) -> bool:
    """True for a tar file that begins as ours do."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(FIRST) + 1) == FIRST.encode() + b"\0"
    except OSError:
        return False


def pack(
    path: Path,
    feeds: Sequence[BundledFeed],
    folder: Path,
    *,
    created: datetime,
    seal: Callable[[bytes, str], bytes],
) -> None:
    """Writes a bundle. ``folder``: for the members until they are in it. Raises UnavailableError."""
    try:
        entries = [(feed, _write_member(folder / f"{feed.spec.name}.jsonl.gz", feed.lines)) for feed in feeds]
        statement = _statement(entries, created)
        envelope = seal(json.dumps(statement, separators=(",", ":")).encode(), PREDICATE)
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
            _add(archive, FIRST, len(envelope), io.BytesIO(envelope), created)
            for _, (member, _) in entries:
                with member.open("rb") as stream:
                    _add(archive, member.name, member.stat().st_size, stream, created)
    except OSError as error:
        raise UnavailableError(
            f"{path} cannot be written: {error.strerror}", cause=Cause.STORE, reason_code="bundle-unwritable"
        ) from error


def _write_member(path: Path, lines: Iterable[bytes]) -> tuple[Path, str]:
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0, compresslevel=6) as stream,
    ):
        for line in lines:
            stream.write(line + b"\n")
    return path, sha256_of(path)


def _add(archive: tarfile.TarFile, name: str, size: int, stream: Any, created: datetime) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size, int(created.timestamp()), 0o644
    archive.addfile(member, stream)


def _statement(entries: Sequence[tuple[BundledFeed, tuple[Path, str]]], created: datetime) -> dict[str, Any]:
    return {
        "_type": STATEMENT,
        "subject": [{"name": path.name, "digest": {"sha256": sha256}} for _, (path, sha256) in entries],
        "predicateType": PREDICATE,
        "predicate": {
            "created": created.astimezone(UTC).isoformat(),
            "feeds": [
                {
                    "name": feed.spec.name,
                    "kind": str(feed.spec.kind),
                    "ecosystem": feed.spec.ecosystem,
                    "source": feed.spec.source,
                    "fetchedAt": feed.fetched_at.astimezone(UTC).isoformat(),
                    "file": path.name,
                    "sha256": sha256,
                }
                for feed, (path, sha256) in entries
            ],
        },
    }


def unpack(path: Path, folder: Path, *, opened: Callable[[bytes], bytes]) -> tuple[UnpackedFeed, ...]:
    """Every feed of a bundle, verified. ``opened`` gives the statement of an envelope by somebody trusted.

    Raises what ``opened`` raises, MalformedError ``bundle-malformed``, UnavailableError.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            first = archive.next()
            if first is None or first.name != FIRST:
                raise _malformed(f"its first member is not {FIRST}")
            statement = _read_statement(opened(_small(archive, first)))
            wanted = {feed.file: feed for feed in statement.predicate.feeds}
            found = dict(_members(archive, wanted, folder))
    except tarfile.TarError as error:
        raise _malformed(f"it is no tar file: {error}") from error
    except OSError as error:
        raise UnavailableError(
            f"{path} cannot be read: {error.strerror}", cause=Cause.STORE, reason_code="feed-unreadable"
        ) from error
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        raise _malformed(f"{missing[0]} is missing")
    return tuple(_unpacked(feed, found[feed.file]) for feed in statement.predicate.feeds)


def _read_statement(raw: bytes) -> _Statement:
    try:
        statement = _STATEMENT.decode(raw)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise _malformed(f"its statement cannot be read: {error}") from error
    if statement.predicateType != PREDICATE:
        raise _malformed(f"its statement is of type {statement.predicateType[:80]!r}, not {PREDICATE}")
    feeds = statement.predicate.feeds
    if not feeds or len(feeds) > _MOST_FEEDS or len({feed.file for feed in feeds}) != len(feeds):
        raise _malformed("it names no feeds, too many, or one twice")
    signed = {subject.name: subject.digest.get("sha256") for subject in statement.subject}
    for feed in feeds:
        if _NAME.fullmatch(feed.name) is None or signed.get(feed.file) != feed.sha256:
            raise _malformed(f"what it says of {feed.name[:80]!r} does not fit together")
        if feed.fetchedAt.tzinfo is None:
            raise _malformed(f"the time of {feed.name} has no zone")
    return statement


def _small(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member) if member.isfile() and member.size <= _LARGEST_STATEMENT else None
    if stream is None:
        raise _malformed(f"{FIRST} is no file of at most {_LARGEST_STATEMENT} bytes")
    return stream.read()


def _members(archive: tarfile.TarFile, wanted: dict[str, _Feed], folder: Path) -> Iterator[tuple[str, Path]]:
    """Saves each named member under a name of our own; none that is larger, no file, or not what was signed."""
    while (member := archive.next()) is not None:
        feed = wanted.get(member.name)
        if feed is None:
            raise _malformed(f"{member.name[:80]!r} is in it, and nobody signed that")
        stream = archive.extractfile(member) if member.isfile() and member.size <= _LARGEST_MEMBER else None
        if stream is None:
            raise _malformed(f"{member.name} is no file of at most {_LARGEST_MEMBER} bytes")
        saved = folder / f"{feed.name}.jsonl.gz"
        with saved.open("wb") as file:
            shutil.copyfileobj(stream, file, _PIECE)
        if sha256_of(saved) != feed.sha256:
            raise _malformed(f"{member.name} is not what was signed: its sha256 is another one")
        yield member.name, saved


def _unpacked(feed: _Feed, path: Path) -> UnpackedFeed:
    spec = FeedSpec(feed.name, feed.kind, feed.ecosystem, feed.source)
    read = _records if feed.kind is FeedKind.OSV else _facts
    content = Content(feed.kind, feed.ecosystem, feed.sha256, None, lambda: read(path))
    return UnpackedFeed(spec, feed.fetchedAt, content)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path, "rb") as stream:
            while line := stream.readline(LARGEST_RECORD + 1):
                yield line
    except (OSError, EOFError) as error:
        raise _malformed(f"{path.name} breaks off: {error}") from error


def _records(path: Path) -> Iterator[Entry]:
    for number, line in enumerate(_lines(path), start=1):
        raw = line.rstrip(b"\n")
        try:
            yield FeedRecord(read_record(raw), raw)
        except MalformedError as error:
            yield FeedProblem(f"line {number}", error.reason_code, error.message)


def _facts(path: Path) -> Iterator[Entry]:
    for number, line in enumerate(_lines(path), start=1):
        try:
            fact = _FACT.decode(line)
        except (msgspec.DecodeError, ValueError) as error:
            yield FeedProblem(f"line {number}", "entry-malformed", str(error))
            continue
        yield FeedFact(fact.name, fact.score, fact.at)


def line_of(content: bytes | FeedFact) -> bytes:
    """One entry as a line of a member. Records are one line each: JSON has no line ends outside its strings."""
    if isinstance(content, bytes):
        return content.replace(b"\r", b" ").replace(b"\n", b" ")
    return msgspec.json.encode(_Fact(content.name, content.score, content.at))


def _malformed(what: str) -> MalformedError:
    return MalformedError(f"the bundle cannot be used: {what}", reason_code="bundle-malformed")
