"""``Asking``: oras' registry with a ``do_request`` of our own, through which every request to a registry goes."""

from __future__ import annotations

import json as json_module
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from threading import Lock
from typing import Any, Literal, overload

import oras.provider

from gatekeeper.core.errors import MalformedError, NotOfferedError
from gatekeeper.registry.answers import failure
from gatekeeper.registry.auth import BACKEND, ScopedAuth
from gatekeeper.registry.credentials import CredentialSource
from gatekeeper.registry.pacing import RETRIED, Pacer
from gatekeeper.registry.scope import Scope, inferred
from gatekeeper.registry.settings import Proxies, RegistrySettings
from gatekeeper.transport.client import Stream, Transport
from gatekeeper.transport.faults import StaleConnectionError
from gatekeeper.transport.message import CAP, Answer, Redirects, Request
from gatekeeper.transport.origin import Origin, origin_of
from gatekeeper.transport.settings import TransportSettings

_PATH = re.compile(
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*", re.ASCII
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)
_READING = ("GET", "HEAD")
_CLOSED = (
    "delete_tags", "login", "logout", "upload_blob", "upload_manifest", "push", "pull", "download_blob",
    "put_upload", "chunked_upload", "get_blob", "blob_exists", "set_header",
)  # fmt: skip
"""Inherited ways that lose data, leak credentials or change digests."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms one request is made."""

    scope: Scope | None = None
    """None: found from method and URL."""
    cap: int = CAP
    total: float | None = None
    redirects: Redirects = Redirects.NEVER
    repeatable: bool = False
    """True: a request other than GET and HEAD that may be sent twice."""
    realm: Origin | None = None
    """A token service: the request goes there, without an authorization of ours but what it carries itself."""


DEFAULT_TERMS = Terms()


class Asking(oras.provider.Registry):
    """One registry host with one credential, as something that can be asked. Thread-safe."""

    def __init__(
        self,
        settings: RegistrySettings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(hostname=settings.api_authority, insecure=settings.plain_http, auth_backend=BACKEND)
        self.settings = settings
        self.origin = origin_of(settings.base_url)
        self.base = str(self.origin)
        self.sleep = sleep
        self.pacer = Pacer(settings.host, settings.pace, monotonic=monotonic, sleep=sleep)
        self._transport = Transport(self.origin, _connections(settings, self.origin), session=self.session)
        self._tag_locks: dict[tuple[str, str], tuple[Lock, int]] = {}
        self._tag_locks_lock = Lock()
        self._services: dict[Origin, Transport] = {self.origin: self._transport}
        self.auth: ScopedAuth
        self.auth.bind(
            settings,
            self.origin,
            CredentialSource(settings.host, settings.credentials, monotonic=monotonic),
            self._ask_token_service,
            monotonic,
        )

    @property
    def host(self) -> str:
        """Canonical ``host[:port]``."""
        return self.settings.host

    @contextmanager
    def writing_tag(self, path: str, tag: str) -> Iterator[None]:
        """Keeps our own threads from changing one tag at once; other programs are not kept from anything."""
        with self._tag_locks_lock:
            lock, users = self._tag_locks.get((path, tag), (Lock(), 0))
            self._tag_locks[path, tag] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._tag_locks_lock:
                lock, users = self._tag_locks.pop((path, tag))
                if users > 1:
                    self._tag_locks[path, tag] = (lock, users - 1)

    def close(self) -> None:
        """Closes idle connections."""
        for transport in list(self._services.values()):
            transport.close()

    @overload
    def do_request(
        self,
        url: str,
        method: str = "GET",
        data: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        stream: Literal[False] = False,
        *,
        terms: Terms = DEFAULT_TERMS,
    ) -> Answer: ...
    @overload
    def do_request(
        self,
        url: str,
        method: str = "GET",
        data: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        *,
        stream: Literal[True],
        terms: Terms = DEFAULT_TERMS,
    ) -> Stream: ...
    def do_request(
        self,
        url: str,
        method: str = "GET",
        data: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        stream: bool = False,
        *,
        terms: Terms = DEFAULT_TERMS,
    ) -> Answer | Stream:
        """Every request, with authorization, patience and caps. Any status that is not retried is an answer.

        Raises UnavailableError. ``headers`` is never changed; an ``Authorization`` among them is refused.
        """
        sent = dict(headers) if headers is not None else {}
        sent.setdefault("User-Agent", self.settings.user_agent)
        if json is not None:
            data = json_module.dumps(json).encode()
            sent["Content-Type"] = "application/json"
        request = Request(method, url, sent, data, terms.cap, terms.total, terms.redirects)
        if terms.realm is not None:
            return self._patiently(request, terms, stream=False, transport=self._service(terms.realm))
        if "Authorization" in sent:
            raise MalformedError("authorization is added here only", reason_code="authorization-refused")
        scope = terms.scope if terms.scope is not None else inferred(method, url)
        authorization = self.auth.header(scope)
        answer = self._patiently(
            _with(request, authorization), terms, stream=stream, transport=self._transport
        )
        if answer.status_code != 401:
            return answer
        renewed = self.auth.renewed(scope, answer, authorization)
        if renewed is None or not (data is None or isinstance(data, bytes)):
            return answer
        if isinstance(answer, Stream):
            answer.close()
        return self._patiently(_with(request, renewed), terms, stream=stream, transport=self._transport)

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
        *,
        terms: Terms = DEFAULT_TERMS,
    ) -> Answer:
        """A request to this registry by its path, which begins with ``/``."""
        return self.do_request(f"{self.base}{path}", method, data, headers, terms=terms)

    def _patiently(
        self, request: Request, terms: Terms, *, stream: bool, transport: Transport
    ) -> Answer | Stream:
        """Send, and send again what may be sent again."""
        again = terms.repeatable or request.method in _READING
        waited = 0.0
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self._once(request, stream=stream, transport=transport)
            except StaleConnectionError:
                if again and attempt == 1:
                    continue
                raise
            if "RateLimit-Remaining" in answer.headers:
                self.pacer.note(answer.headers)
            if answer.status_code not in RETRIED:
                return answer
            if answer.status_code == 429:
                pause = self.pacer.retry_after(answer.headers)
                if pause is not None:
                    self.pacer.pause(min(pause, 24 * 3600.0))
            total = self.pacer.before_retry(attempt, answer.headers, waited) if again else None
            if total is None:
                return answer
            waited = total
            if isinstance(answer, Stream):
                answer.close()

    def _once(self, request: Request, *, stream: bool, transport: Transport) -> Answer | Stream:
        if not stream:
            with self.pacer.slot():
                return transport.send(request)
        release = self.pacer.open_stream()
        try:
            opened = transport.open(request)
        except BaseException:
            release()
            raise
        opened.on_close.append(release)
        return opened

    def _ask_token_service(
        self, url: str, realm: Origin, *, method: str, data: bytes | None, headers: dict[str, str]
    ) -> Answer:
        terms = Terms(cap=self.settings.caps.token, realm=realm, repeatable=True)
        return self.do_request(url, method, data, headers, terms=terms)

    def _service(self, realm: Origin) -> Transport:
        transport = self._services.get(realm)
        if transport is None:
            transport = Transport(realm, _connections(self.settings, realm))
            transport = self._services.setdefault(realm, transport)
        return transport


def closed(name: str) -> Callable[..., Any]:
    """An inherited way of oras that must not be taken."""

    def refuse(*_args: object, **_kwargs: object) -> Any:
        raise NotOfferedError(
            f"oras' {name} is not used: it goes past our checks", reason_code="closed-by-design"
        )

    refuse.__name__ = name
    return refuse


for _name in _CLOSED:
    setattr(Asking, _name, closed(_name))


@lru_cache(maxsize=4096)
def checked_path(path: str) -> str:
    """A repository's path that may stand in a URL. Raises MalformedError."""
    if len(path) > 255 or _PATH.fullmatch(path) is None:
        raise MalformedError(f"{path[:80]!r} is no repository path", reason_code="path-malformed")
    return path


def checked_tag(tag: str) -> str:
    """A tag that may stand in a URL. Raises MalformedError."""
    if not is_tag(tag):
        raise MalformedError(f"{tag[:80]!r} is no tag", reason_code="tag-malformed")
    return tag


def is_tag(text: str) -> bool:
    """Whether this is a tag by the specification."""
    return _TAG.fullmatch(text) is not None


def expect(answer: Answer, what: str, *statuses: int) -> Answer:
    """The answer when its status is one of these. Raises the error it means else."""
    if answer.status_code not in statuses:
        raise failure(answer, what)
    return answer


def _with(request: Request, authorization: str | None) -> Request:
    if authorization is None:
        return request
    return replace(request, headers={**request.headers, "Authorization": authorization})


def _connections(settings: RegistrySettings, origin: Origin) -> TransportSettings:
    ours = origin == origin_of(settings.base_url)
    return TransportSettings(
        connect=settings.timeouts.connect,
        read=settings.timeouts.read,
        total=settings.timeouts.total,
        headers=settings.caps.headers,
        header_bytes=settings.caps.header_bytes,
        error_body=settings.caps.error_body,
        connections=settings.pace.concurrency,
        ca_file=settings.ca_file,
        client_certificate=settings.client_certificate if ours else None,
        client_key=settings.client_key if ours else None,
        proxy=_proxy(settings.proxies, origin),
    )


def _proxy(proxies: Proxies, origin: Origin) -> str | None:
    for exempt in proxies.exempt:
        name = exempt.lower()
        if (
            origin.host == name.lstrip(".")
            or origin.authority == name
            or origin.host.endswith(f".{name.lstrip('.')}")
        ):
            return None
    return proxies.https if origin.scheme == "https" else proxies.http
