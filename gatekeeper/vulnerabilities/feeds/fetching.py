"""Sources over ``https:`` and ``file:``: whole files by entity tag, OSV dumps also record by record.

OSV (https://google.github.io/osv.dev/data/): ``ECOSYSTEM/all.zip`` is everything, ``ECOSYSTEM/modified_id.csv`` lists
what changed, newest first, and ``ECOSYSTEM/ID.json`` is one record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import quote, unquote, urlsplit

from gatekeeper.core.errors import Cause, MalformedError, UnavailableError
from gatekeeper.core.feed import FeedKind, FeedSource
from gatekeeper.ports.feeds import BundledFeed, Fetched, Progress, UnpackedFeed
from gatekeeper.ports.vulnerabilities import FeedFact
from gatekeeper.transport.client import Stream, Transport
from gatekeeper.transport.message import Redirects, Request
from gatekeeper.transport.origin import Origin, origin_of
from gatekeeper.transport.settings import TransportSettings
from gatekeeper.vulnerabilities.feeds import bundle
from gatekeeper.vulnerabilities.feeds.contents import Content, open_feed
from gatekeeper.vulnerabilities.osv import LARGEST_RECORD

LARGEST_DOWNLOAD = 8 * 1024 * 1024 * 1024
_LIST_CAP = 512 * 1024 * 1024
_DOWNLOAD_SECONDS = 3_600.0
_TRIES = 5
"""Answers to one download that may break off."""
_MOST_RECORDS = 2_000
"""Changed records that are fetched one by one; of more the whole dump is fetched."""
_ZIP = "/all.zip"
_MODIFIED = re.compile(rb"\s*([0-9]{4}-[0-9T:.Z+-]+)\s*,\s*(\S+)\s*$")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,200}")


class Opener(Protocol):
    """Opens the transport of an origin."""

    def __call__(self, origin: Origin) -> Transport:
        """A new one; whoever asked closes it."""
        ...


def open_transport(settings: TransportSettings) -> Opener:
    """Transports with these settings."""

    def opened(origin: Origin) -> Transport:
        return Transport(origin, settings)

    return opened


@dataclass(frozen=True, slots=True)
class Reader:
    """``ports.FeedReader``."""

    opener: Opener

    def open(self, path: Path, *, kind: FeedKind | None = None) -> Content:
        """Raises MalformedError for what is no feed, UnavailableError when it cannot be read."""
        return open_feed(path, kind=kind)

    def fetch(self, source: FeedSource, folder: Path, *, cursor: str | None, told: Progress) -> Fetched:
        """From ``https:`` or ``file:``, into files below ``folder``. Raises UnavailableError, MalformedError."""
        if source.url.startswith("file:"):
            return _of_file(source, cursor)
        transport = self.opener(origin_of(source.url))
        try:
            fetching = _Fetching(transport, source, folder, told)
            if source.kind is FeedKind.OSV and source.url.endswith(_ZIP):
                return fetching.osv(cursor)
            return fetching.file(cursor)
        finally:
            transport.close()

    def is_bundle(self, path: Path) -> bool:
        """True for what ``pack`` wrote."""
        return bundle.is_bundle(path)

    def pack(
        self,
        path: Path,
        feeds: Sequence[BundledFeed],
        folder: Path,
        *,
        created: datetime,
        seal: Callable[[bytes, str], bytes],
    ) -> None:
        """Writes a bundle. Raises UnavailableError."""
        bundle.pack(path, feeds, folder, created=created, seal=seal)

    def line_of(self, content: bytes | FeedFact) -> bytes:
        """One entry as a line of a bundle's member."""
        return bundle.line_of(content)

    def unpack(
        self, path: Path, folder: Path, *, opened: Callable[[bytes], bytes]
    ) -> tuple[UnpackedFeed, ...]:
        """Every feed of a bundle, verified."""
        return bundle.unpack(path, folder, opened=opened)


def _of_file(source: FeedSource, cursor: str | None) -> Fetched:
    parts = urlsplit(source.url)
    if parts.netloc not in ("", "localhost"):
        raise MalformedError(
            f"{source.url}: a file: URL names no host; write file:///path", reason_code="feed-url-malformed"
        )
    content = open_feed(Path(unquote(parts.path)), kind=source.kind)
    known = f"sha256:{content.sha256}"
    return Fetched(None if cursor == known else content, cursor=known)


@dataclass(frozen=True, slots=True)
class _Rest:
    """What is left of a file whose transfer broke off (RFC 9110, sections 13.1.5 and 14)."""

    after: int
    tag: str
    """A strong entity tag: of another file the whole is sent."""

    def begins(self, stream: Stream) -> bool:
        """True when the answer is exactly this rest."""
        place = stream.headers.get("content-range", "")
        return stream.status_code == 206 and place.startswith(f"bytes {self.after}-")


@dataclass(frozen=True, slots=True)
class _Fetching:
    transport: Transport
    source: FeedSource
    folder: Path
    told: Progress

    def file(self, cursor: str | None) -> Fetched:
        """A whole file, unless its entity tag is the known one."""
        with self._open(self.source.url, cap=LARGEST_DOWNLOAD, known=cursor) as stream:
            if stream.status_code == 304:
                return Fetched(None, cursor=cursor)
            path = self._save(stream, f"{self.source.name}.download")
            tag = stream.headers.get("etag")
        return Fetched(self._opened(path), cursor=tag)

    def osv(self, cursor: str | None) -> Fetched:
        """What changed since the cursor (a time); the whole dump at first, and after too many changes."""
        base = self.source.url.removesuffix(_ZIP)
        newest, changed = self._changed(base, cursor)
        if cursor is not None and newest is not None and not changed:
            return Fetched(None, cursor=newest)
        if cursor is not None and changed is not None and len(changed) <= _MOST_RECORDS:
            return Fetched(open_feed(self._records(base, changed)), complete=False, cursor=newest)
        with self._open(self.source.url, cap=LARGEST_DOWNLOAD) as stream:
            path = self._save(stream, f"{self.source.name}.zip")
        return Fetched(self._opened(path), cursor=newest)

    def _changed(self, base: str, cursor: str | None) -> tuple[str | None, list[str] | None]:
        """(the newest time of the list, ids changed after the cursor); (None, None) where there is no such list."""
        newest: str | None = None
        changed: list[str] = []
        try:
            with self._open(f"{base}/modified_id.csv", cap=_LIST_CAP) as stream:
                for line in _lines(stream):
                    found = _MODIFIED.match(line)
                    if found is None:
                        continue
                    at, record = found[1].decode(), found[2].decode("utf-8", "replace").rpartition("/")[2]
                    newest = newest or at
                    if cursor is None or at <= cursor or len(changed) > _MOST_RECORDS:
                        break
                    if _ID.fullmatch(record):
                        changed.append(record)
        except UnavailableError as error:
            if error.reason_code != "feed-not-there":
                raise
            return None, None
        return newest, changed

    def _records(self, base: str, ids: list[str]) -> Path:
        path = self.folder / f"{self.source.name}.jsonl"
        with path.open("wb") as file:
            for number, name in enumerate(ids):
                self.told(f"fetching {self.source.name}", number, len(ids))
                with self._open(f"{base}/{quote(name, safe='')}.json", cap=LARGEST_RECORD) as stream:
                    raw = stream.whole()
                try:
                    # One record to a line, whatever the source's layout is.
                    file.write(json.dumps(json.loads(raw), separators=(",", ":")).encode() + b"\n")
                except ValueError:
                    file.write(b'{"id":' + json.dumps(name).encode() + b',"affected":"unreadable"}\n')
        return path

    def _open(self, url: str, *, cap: int, known: str | None = None, rest: _Rest | None = None) -> Stream:
        headers = {"Accept": "*/*"}
        if known is not None:
            headers["If-None-Match"] = known
        if rest is not None:
            headers |= {"Range": f"bytes={rest.after}-", "If-Range": rest.tag}
        request = Request("GET", url, headers, cap=cap, total=_DOWNLOAD_SECONDS, redirects=Redirects.BLOB)
        stream = self.transport.open(request)
        if stream.status_code in (200, 304) or (rest is not None and rest.begins(stream)):
            return stream
        code = stream.status_code
        stream.close()
        raise UnavailableError(
            f"{url} answered {code}",
            cause=Cause.FORBIDDEN if code in (401, 403) else Cause.SERVER_ERROR,
            reason_code="feed-not-there" if code in (403, 404) else "feed-unavailable",
        )

    def _opened(self, path: Path) -> Content:
        """What was fetched, under the address that it came from. Raises MalformedError."""
        try:
            return open_feed(path, kind=self.source.kind)
        except MalformedError as error:
            raise MalformedError(
                error.message.replace(str(path), self.source.url), reason_code=error.reason_code
            ) from error

    def _save(self, stream: Stream, name: str) -> Path:
        """The body of the source's answer in a file. One that breaks off is asked for from there on, a few times."""
        path = self.folder / name
        tag = stream.headers.get("etag", "")
        with path.open("wb") as file:
            for left in reversed(range(_TRIES)):
                try:
                    self._append(stream, file)
                    break
                except UnavailableError as error:
                    if not left or error.cause is Cause.OVER_CAP or not tag.startswith('"'):
                        raise
                finally:
                    stream.close()
                stream = self._open(self.source.url, cap=LARGEST_DOWNLOAD, rest=_Rest(file.tell(), tag))
                if stream.status_code == 200:
                    file.seek(0)
                    file.truncate()
        return path

    def _append(self, stream: Stream, file: BinaryIO) -> None:
        length = stream.headers.get("content-length")
        total = file.tell() + int(length) if length is not None and length.isdigit() else None
        for piece in stream.pieces():
            file.write(piece)
            self.told(f"fetching {self.source.name}", file.tell(), total)


def _lines(stream: Stream) -> Iterator[bytes]:
    rest = b""
    for piece in stream.pieces():
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    if rest:
        yield rest
