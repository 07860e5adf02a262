"""``Transport``: requests to one origin, through the pool of the session's mounted adapter."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal, Self, overload
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry, Timeout

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.transport.adapter import PoolAdapter
from gatekeeper.transport.addresses import Reach, admitting, allowed_from, reach_of, reaches
from gatekeeper.transport.connection import BOUNDS
from gatekeeper.transport.faults import CAUGHT, AddressRefusedError, relabelled
from gatekeeper.transport.kept import Ask, Whole, over_kept
from gatekeeper.transport.message import Answer, HeaderFields, Redirects, Request, describe
from gatekeeper.transport.origin import Origin, origin_of
from gatekeeper.transport.settings import TransportSettings
from gatekeeper.transport.tls import foreign_context, own_context

HOPS = 3
_PIECE = 256 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PRIVATE = frozenset({"authorization", "proxy-authorization", "cookie"})
_ONCE = Retry(total=False, redirect=False)


class Stream:
    """An answer whose body has not been read yet. A context manager; closing it twice does nothing."""

    __slots__ = ("_limit", "_raw", "headers", "method", "on_close", "status_code", "url")

    def __init__(self, raw: BaseHTTPResponse, request: Request, url: str, limit: int) -> None:
        self._raw = raw
        self._limit = limit
        self.status_code = raw.status
        self.headers: HeaderFields = raw.headers
        self.url = url
        self.method = request.method
        self.on_close: list[Callable[[], None]] = []
        """Called once, after closing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drops what was not read."""
        _let_go(self._raw, clean=False)
        while self.on_close:
            self.on_close.pop()()

    def pieces(self) -> Iterator[bytes]:
        """The body. Raises UnavailableError, OVER_CAP as soon as one byte too many came."""
        left = self._limit
        try:
            while piece := self._raw.read(_PIECE, decode_content=False):
                left -= len(piece)
                if left < 0:
                    raise _over_cap(self.method, self.url, self._limit)
                yield piece
        except CAUGHT as error:
            raise relabelled(error, self.method, self.url) from error

    def whole(self) -> bytes:
        """The whole body."""
        return b"".join(self.pieces())


class Transport:
    """Sends requests to ``origin`` and nowhere else, except where a blob's redirect leads. Thread-safe."""

    def __init__(
        self, origin: Origin, settings: TransportSettings, *, session: requests.Session | None = None
    ) -> None:
        self.origin = origin
        self._settings = settings
        self._prefix = f"{origin}/"
        self._session = session if session is not None else requests.Session()
        self._session.trust_env = False
        self._own = PoolAdapter(settings, own_context(settings))
        self._session.mount("https://", self._own)
        self._session.mount("http://", self._own)
        self._pool = self._own.pool(self._prefix)
        self._admits = None if settings.networks is None else admitting(settings.networks)
        self._foreign: PoolAdapter | None = None
        self._connect = settings.connect
        self._total = settings.total

    def close(self) -> None:
        """Closes every idle connection."""
        self._session.close()
        # requests only forgets its pools; this one is held here, and would stay open.
        self._pool.close()
        if self._foreign is not None:
            self._foreign.close()

    def send(self, request: Request) -> Answer:
        """One exchange with its whole body. Raises UnavailableError; every status is an answer."""
        raw, url = self._arrive(request, whole=True)
        if isinstance(raw, Whole):
            return Answer(raw.status, raw.headers, raw.content, url, request.method)
        clean = False
        try:
            content = self._content(raw, request, url)
            clean = True
        except CAUGHT as error:
            raise relabelled(error, request.method, url) from error
        finally:
            _let_go(raw, clean=clean)
        return Answer(raw.status, raw.headers, content, url, request.method)

    def open(self, request: Request) -> Stream:
        """One exchange whose body is read by the caller, who closes it. Raises UnavailableError."""
        raw, url = self._arrive(request, whole=False)
        return Stream(raw, request, url, request.cap)

    def _content(self, raw: BaseHTTPResponse, request: Request, url: str) -> bytes:
        if raw.status in (204, 304) or request.method == "HEAD":
            raw.read()
            return b""
        if raw.status >= 400:
            return _beginning(raw, min(request.cap, self._settings.error_body))
        length = raw.headers.get("content-length")
        if length is not None and int(length) > request.cap:
            raise _over_cap(request.method, url, request.cap)
        return Stream(raw, request, url, request.cap).whole()

    @overload
    def _arrive(self, request: Request, *, whole: Literal[True]) -> tuple[BaseHTTPResponse | Whole, str]: ...
    @overload
    def _arrive(self, request: Request, *, whole: Literal[False]) -> tuple[BaseHTTPResponse, str]: ...
    def _arrive(self, request: Request, *, whole: bool) -> tuple[BaseHTTPResponse | Whole, str]:
        """The answer that is no redirect to be followed, and where it came from; in one piece if that is ``whole``."""
        url = request.url
        if not url.startswith(self._prefix):
            here = origin_of(url)
            if here != self.origin:
                raise UnavailableError(
                    f"{request.method} {describe(url)}: only {self.origin} may be asked here",
                    cause=Cause.PROTOCOL,
                )
        total = request.total if request.total is not None else self._total
        until = time.monotonic() + total
        quick = self._over_kept(request, url, until) if whole else None
        if isinstance(quick, Whole):
            return quick, url
        raw = quick or self._exchange(self._pool, request, url, until, admits=self._admits)
        if request.redirects is Redirects.NEVER or raw.status not in _REDIRECTS:
            return raw, url
        return self._follow(raw, request, url, until)

    def _over_kept(self, request: Request, url: str, until: float) -> Whole | BaseHTTPResponse | None:
        """The answer to a simple request, where a connection is open; None: nothing was sent."""
        settings = self._settings
        if request.body is not None or settings.proxy is not None:
            return None
        self._bind(until, admits=self._admits)
        ask = Ask(
            request.method,
            _path(url),
            request.headers,
            until,
            request.cap,
            settings.error_body,
            frozenset() if request.redirects is Redirects.NEVER else _REDIRECTS,
        )
        try:
            return over_kept(self._pool, ask)
        except CAUGHT as error:
            raise relabelled(error, request.method, url) from error

    def _bind(self, until: float, *, admits: Callable[[str], bool] | None) -> None:
        """Tells the connection that this thread uses next what binds it."""
        BOUNDS.until = until
        BOUNDS.read = self._settings.read
        BOUNDS.headers = self._settings.headers
        BOUNDS.header_bytes = self._settings.header_bytes
        BOUNDS.admits = admits
        BOUNDS.received = b""

    def _follow(
        self, raw: BaseHTTPResponse, request: Request, url: str, until: float
    ) -> tuple[BaseHTTPResponse, str]:
        here = self.origin
        for _ in range(HOPS):
            location = raw.headers.get("location")
            _let_go(raw, clean=False)
            url, target = self._target(location, url, request.method)
            if target != here or target != self.origin:
                # Once away, nothing private travels any more, not even back.
                bare = {name: text for name, text in request.headers.items() if name.lower() not in _PRIVATE}
                request = replace(request, headers=bare)
            here = target
            if target == self.origin:
                raw = self._exchange(self._pool, request, url, until, admits=self._admits)
            else:
                raw = self._exchange(
                    self._abroad().pool(url), request, url, until, admits=self._admitted(target)
                )
            if raw.status not in _REDIRECTS:
                return raw, url
        _let_go(raw, clean=False)
        raise UnavailableError(
            f"{request.method} {describe(url)}: more than {HOPS} redirects", cause=Cause.PROTOCOL
        )

    def _target(self, location: str | None, url: str, method: str) -> tuple[str, Origin]:
        if not location:
            raise UnavailableError(f"{method} {describe(url)}: a redirect to nowhere", cause=Cause.PROTOCOL)
        try:
            joined = urljoin(url, location)
        except ValueError as error:
            raise UnavailableError(
                f"{method} {describe(url)}: a redirect that is no URL", cause=Cause.PROTOCOL
            ) from error
        target = origin_of(joined)
        if target.scheme == "http" and self.origin.scheme == "https":
            raise UnavailableError(
                f"{method} {describe(url)}: a redirect from https to http is not followed",
                cause=Cause.PROTOCOL,
            )
        return joined.split("#", 1)[0], target

    def _abroad(self) -> PoolAdapter:
        if self._foreign is None:
            self._foreign = PoolAdapter(self._settings, foreign_context(self._settings))
        return self._foreign

    def _admitted(self, target: Origin) -> Callable[[str], bool]:
        """Checks a redirect's host now, and gives the check of the address that is really connected to."""
        allowed = allowed_from(reaches(self.origin))
        refused = UnavailableError(
            f"a redirect to {target.authority} is not followed: it lies in an inner network",
            cause=Cause.PROTOCOL,
        )
        if self._settings.proxy is not None:
            # The proxy resolves names: only literal addresses can be judged here.
            try:
                if reach_of(target.host) not in allowed:
                    raise refused
            except ValueError:
                pass
            return lambda _address: True
        if not reaches(target) <= allowed:
            raise refused
        return lambda address: _reach(address) in allowed

    def _exchange(
        self,
        pool: HTTPConnectionPool,
        request: Request,
        url: str,
        until: float,
        *,
        admits: Callable[[str], bool] | None,
    ) -> BaseHTTPResponse:
        settings = self._settings
        left = until - time.monotonic()
        if left <= 0:
            raise UnavailableError(
                f"{request.method} {describe(url)}: no answer in time", cause=Cause.TIMEOUT
            )
        self._bind(until, admits=admits)
        # A proxy that does not tunnel wants the absolute URL; https is always tunnelled.
        target = url if settings.proxy is not None and url.startswith("http:") else _path(url)
        headers = dict(request.headers)
        headers.setdefault("Accept-Encoding", "identity")
        try:
            return pool.urlopen(
                request.method,
                target,
                body=request.body,
                headers=headers,
                retries=_ONCE,
                redirect=False,
                assert_same_host=False,
                timeout=Timeout(connect=min(self._connect, left), read=min(settings.read, left)),
                preload_content=False,
                decode_content=False,
            )
        except AddressRefusedError as error:
            raise UnavailableError(
                f"{request.method} {describe(url)}: it lies in an inner network that is not allowed",
                cause=Cause.PROTOCOL,
            ) from error
        except CAUGHT as error:
            raise relabelled(error, request.method, url) from error


def _path(url: str) -> str:
    start = url.find("/", url.find("://") + 3)
    if start >= 0:
        return url[start:]
    query = urlsplit(url).query
    return f"/?{query}" if query else "/"


def _reach(address: str) -> Reach:
    try:
        return reach_of(address)
    except ValueError:
        return Reach.LINK_LOCAL


def _beginning(raw: BaseHTTPResponse, cap: int) -> bytes:
    pieces: list[bytes] = []
    left = cap
    while left > 0 and (piece := raw.read(min(left, _PIECE), decode_content=False)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _let_go(raw: BaseHTTPResponse, *, clean: bool) -> None:
    """Back to the pool when nothing is left to read, else closed."""
    if not clean or not _drained(raw):
        raw.close()
    raw.release_conn()


def _drained(raw: BaseHTTPResponse) -> bool:
    left = raw.length_remaining
    return left == 0 or raw.closed or (left is None and raw.read(1, decode_content=False) == b"")


def _over_cap(method: str, url: str, cap: int) -> UnavailableError:
    return UnavailableError(f"{method} {describe(url)}: more than {cap} bytes", cause=Cause.OVER_CAP)
