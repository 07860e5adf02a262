"""The ``RevocationAnswers`` of a configured site: files in a folder, and hosts that may be asked.

Nothing is asked but hosts that the configuration names, over plain ``http``, without redirects, capped in bytes and
seconds. What was fetched is kept for a while, and each address is asked by one thread at a time.
"""

from __future__ import annotations

import os
import stat
import threading
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.signatures import der
from gatekeeper.signatures.notation import crl, ocsp
from gatekeeper.signatures.notation.settings import RevocationSettings
from gatekeeper.transport.client import Transport
from gatekeeper.transport.message import Request
from gatekeeper.transport.origin import Origin, origin_of
from gatekeeper.transport.settings import TransportSettings

MAX_FILES = 256
MAX_KEPT = 1024
"""Addresses whose answers are kept."""
MAX_KEPT_BYTES = 128 * 1024 * 1024
KEEP = timedelta(hours=1)
KEEP_RESPONSE = timedelta(minutes=5)
KEEP_FAILURE = timedelta(minutes=1)
"""An address that does not answer is not asked for every image."""

_PEM_BEGIN, _PEM_END = b"-----BEGIN X509 CRL-----", b"-----END X509 CRL-----"
_ENUMERATED = 0x0A
_TRANSPORT = TransportSettings(connect=2.0, read=5.0, total=10.0, connections=1)


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it was when it was read."""

    changed: int
    size: int
    content: bytes


@dataclass(frozen=True, slots=True)
class _Kept:
    """What an address answered, and until when that is good enough."""

    until: datetime
    answer: bytes | UnavailableError


class ConfiguredAnswers:
    """Thread-safe. ``close`` ends its connections."""

    def __init__(self, settings: RevocationSettings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self._allowed = frozenset(_host(text) for text in settings.hosts)
        self._files: dict[str, _File] = {}
        self._kept: dict[tuple[str, bytes], _Kept] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._transports: dict[Origin, Transport] = {}
        self._guard = threading.Lock()

    def close(self) -> None:
        """Closes every connection."""
        with self._guard:
            for transport in self._transports.values():
                transport.close()
            self._transports.clear()

    def stored_lists(self) -> Sequence[bytes]:
        """The CRLs of the folder, as they are now. Raises UnavailableError when it cannot be read."""
        return [content for content in self._stored() if not _is_ocsp_response(content)]

    def stored_responses(self) -> Sequence[bytes]:
        """The OCSP responses of the folder, as they are now. Raises UnavailableError like ``stored_lists``."""
        return [content for content in self._stored() if _is_ocsp_response(content)]

    def list_at(self, url: str) -> bytes:
        """The CRL at an address whose host is allowed. Raises UnavailableError."""
        return self._asked(url, b"", crl.MAX_LIST_BYTES)

    def response_from(self, url: str, request: bytes) -> bytes:
        """The answer of an OCSP responder whose host is allowed. Raises UnavailableError."""
        return self._asked(url, request, ocsp.MAX_RESPONSE_BYTES)

    def _stored(self) -> list[bytes]:
        folder = self._settings.folder
        if folder is None:
            return []
        with self._guard:
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
                if len(entries) > MAX_FILES:
                    raise _unread(
                        folder, f"it holds {len(entries)} entries; {MAX_FILES} are read", Cause.OVER_CAP
                    )
                read = {entry.path: _read(entry, self._files.get(entry.path)) for entry in entries}
            except OSError as error:
                raise _unread(folder, error.strerror or "it cannot be read", Cause.STORE) from error
            self._files = {path: file for path, file in read.items() if file is not None}
            return [file.content for file in self._files.values()]

    def _asked(self, url: str, body: bytes, cap: int) -> bytes:
        origin = origin_of(url)
        if origin.scheme != "http" or (origin.host, origin.port) not in self._allowed:
            raise UnavailableError(
                f"the host {origin.authority} is not among those that may be asked",
                cause=Cause.NOT_CONFIGURED,
            )
        with self._lock_of(url):
            kept = self._kept.get((url, body))
            if kept is None or kept.until <= self._now():
                kept = self._fetch(origin, url, body, cap)
                self._keep((url, body), kept)
        if isinstance(kept.answer, UnavailableError):
            # A new one each time: a kept exception would gather the tracebacks of everybody who met it.
            raise UnavailableError(kept.answer.message, cause=kept.answer.cause)
        return kept.answer

    def _lock_of(self, url: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(url, threading.Lock())

    def _keep(self, key: tuple[str, bytes], kept: _Kept) -> None:
        with self._guard:
            self._kept[key] = kept
            size = sum(len(one.answer) for one in self._kept.values() if isinstance(one.answer, bytes))
            while len(self._kept) > 1 and (size > MAX_KEPT_BYTES or len(self._kept) > MAX_KEPT):
                url, body = next(iter(self._kept))
                oldest = self._kept.pop((url, body))
                self._locks.pop(url, None)
                size -= len(oldest.answer) if isinstance(oldest.answer, bytes) else 0

    def _fetch(self, origin: Origin, url: str, body: bytes, cap: int) -> _Kept:
        headers = {"Content-Type": "application/ocsp-request"} if body else {}
        request = Request("POST" if body else "GET", url, headers, body or None, cap=cap)
        try:
            answer = self._transport(origin).send(request)
        except UnavailableError as error:
            return _Kept(self._now() + KEEP_FAILURE, error)
        if answer.status_code != 200:
            refused = UnavailableError(f"{url[:200]}: {answer.reason}", cause=Cause.PROTOCOL)
            return _Kept(self._now() + KEEP_FAILURE, refused)
        return _Kept(
            self._now() + (KEEP_RESPONSE if body else self._good_for(answer.content)), answer.content
        )

    def _good_for(self, listed: bytes) -> timedelta:
        """Until its next update, and not for long: what came over http may be anything."""
        try:
            next_update = crl.read_list(listed).next_update
        except UnavailableError:
            return KEEP_FAILURE
        return KEEP if next_update is None else max(KEEP_FAILURE, min(KEEP, next_update - self._now()))

    def _transport(self, origin: Origin) -> Transport:
        with self._guard:
            if origin not in self._transports:
                self._transports[origin] = Transport(origin, _TRANSPORT)
            return self._transports[origin]


def _unread(folder: Path, why: str, cause: Cause) -> UnavailableError:
    return UnavailableError(f"the answers about revocation in {folder}: {why}", cause=cause)


def _host(text: str) -> tuple[str, int]:
    origin = origin_of(f"http://{text}")
    return origin.host, origin.port


def _read(entry: os.DirEntry[str], known: _File | None) -> _File | None:
    """The file's content, or what is known of it while it has not changed; None for what is none of ours."""
    found = entry.stat()
    if not stat.S_ISREG(found.st_mode) or found.st_size > crl.MAX_LIST_BYTES:
        return None
    if known is not None and (known.changed, known.size) == (found.st_mtime_ns, found.st_size):
        return known
    return _File(found.st_mtime_ns, found.st_size, _decoded(Path(entry.path).read_bytes()))


def _decoded(content: bytes) -> bytes:
    """PEM or DER -> DER. What is neither is nobody's answer, and refused where it is read."""
    if not content.lstrip().startswith(_PEM_BEGIN):
        return content
    text = content.partition(_PEM_BEGIN)[2].partition(_PEM_END)[0]
    try:
        return b64decode(b"".join(text.split()), validate=True)
    except ValueError:
        return b""


def _is_ocsp_response(content: bytes) -> bool:
    """OCSPResponse begins with its status, an enumerated value; CertificateList with a sequence."""
    try:
        return der.read(content, der.SEQUENCE).children().next().tag == _ENUMERATED
    except der.DerError:
        return False
