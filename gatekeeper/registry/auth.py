"""``ScopedAuth``: the auth backend registered with oras. One token for one (registry, service, scope, login)."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol
from urllib.parse import urlencode

import oras.auth
from oras.auth.base import AuthBackend

from gatekeeper.core.errors import Cause, GatekeeperError, UnavailableError
from gatekeeper.registry.challenge import Challenge, parse_challenges
from gatekeeper.registry.credentials import CredentialSource, Login
from gatekeeper.registry.realms import allowed_realm
from gatekeeper.registry.scope import Scope, narrowed
from gatekeeper.registry.settings import RegistrySettings
from gatekeeper.transport.message import Answer
from gatekeeper.transport.origin import Origin

BACKEND = "gatekeeper"
_CLIENT = "gatekeeper"
_ASSUMED_SECONDS = 60.0
_LONGEST_SECONDS = 24 * 3600.0
_HEADER_SAFE = re.compile(r"[\x21-\x7e]{1,65536}")
_PATIENCE = 120.0


class TokenDoor(Protocol):
    """Sends one request to a token service; the client's own ``do_request``."""

    def __call__(
        self, url: str, realm: Origin, *, method: str, data: bytes | None, headers: dict[str, str]
    ) -> Answer: ...


@dataclass(frozen=True, slots=True)
class _Held:
    header: str
    until: float


_Key = tuple[str, str, Scope, str]
"""realm, service, scope, fingerprint of the login"""


class ScopedAuth(AuthBackend):
    """Authorization headers for one registry host. Thread-safe; never shared between registries."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._lock = Lock()
        self._challenge: Challenge | None = None
        self._tokens: dict[_Key, _Held] = {}
        self._flights: dict[_Key, Future[_Held]] = {}
        self._ready: dict[Scope, _Held] = {}
        self._asked: dict[Scope, Scope] = {}

    def bind(
        self,
        settings: RegistrySettings,
        origin: Origin,
        source: CredentialSource,
        door: TokenDoor,
        monotonic: Callable[[], float],
    ) -> None:
        """Tie the backend, which oras builds without arguments, to its registry."""
        self._settings = settings
        self._origin = origin
        self._source = source
        self._door = door
        self._monotonic = monotonic

    def header(self, scope: Scope) -> str | None:
        """What to send with a request of this scope as far as is known; None before the first challenge.

        Raises UnavailableError when the token service or the credential cannot be asked.
        """
        held = self._ready.get(scope)
        if held is not None and self._monotonic() < held.until and not self._source.changed():
            return held.header
        if self._challenge is None:
            return None
        return self._obtain(self._challenge, scope)

    def renewed(self, scope: Scope, answer: Answer | Any, refused: str | None) -> str | None:
        """After a 401: another header than ``refused``, or None when there is none to be had."""
        challenge = _choose(parse_challenges(answer.headers.getlist("WWW-Authenticate")))
        if challenge is None:
            return None
        with self._lock:
            self._challenge = challenge
            self._asked[scope] = narrowed(scope, challenge.parameters.get("scope"))
            held = self._ready.get(scope)
            if held is not None and held.header == refused:
                del self._ready[scope]
                self._tokens = {key: token for key, token in self._tokens.items() if token.header != refused}
        if refused is not None:
            self._source.forget()
        header = self._obtain(challenge, scope)
        return header if header != refused else None

    def pull_token(self, scope: Scope) -> str:
        """A new bearer token of this scope, to be given away; empty where only our own login would do.

        Raises UnavailableError when the token service or the credential cannot be asked.
        """
        challenge = self._challenge
        login = self._source.current()
        if challenge is None or challenge.scheme != "bearer" or (login is not None and login.registry_token):
            return ""
        realm, service = challenge.parameters.get("realm", ""), challenge.parameters.get("service", "")
        held = self._fetch(realm, service, self._asked.get(scope, scope), login)
        token = held.header.removeprefix("Bearer ")
        # Some token services only wrap what they were given.
        return "" if login is not None and login.shows_in(token) else token

    def _obtain(self, challenge: Challenge, scope: Scope) -> str | None:
        login = self._source.current()
        if login is not None and login.registry_token:
            return f"Bearer {login.registry_token}"
        if challenge.scheme == "basic":
            return login.basic if login is not None else None
        if not scope and login is None:
            # A ping needs no token, and an anonymous one would prove nothing.
            return None
        realm, service = challenge.parameters.get("realm", ""), challenge.parameters.get("service", "")
        asked = self._asked.get(scope, scope)
        key = (realm, service, asked, login.fingerprint if login is not None else "")
        held = self._single_flight(key, lambda: self._fetch(realm, service, asked, login))
        self._ready[scope] = held
        return held.header

    def _single_flight(self, key: _Key, fetch: Callable[[], _Held]) -> _Held:
        with self._lock:
            held = self._tokens.get(key)
            if held is not None and self._monotonic() < held.until:
                return held
            flight = self._flights.get(key)
            first = flight is None
            if flight is None:
                flight = self._flights[key] = Future()
        if not first:
            try:
                return flight.result(timeout=_PATIENCE)
            except TimeoutError as error:
                raise UnavailableError("no token in time", cause=Cause.TIMEOUT) from error
        try:
            held = fetch()
        except BaseException as error:
            with self._lock:
                del self._flights[key]
            flight.set_exception(_shareable(error))
            raise
        with self._lock:
            now = self._monotonic()
            self._tokens = {known: token for known, token in self._tokens.items() if now < token.until}
            self._tokens[key] = held
            del self._flights[key]
        flight.set_result(held)
        return held

    def _fetch(self, realm: str, service: str, scope: Scope, login: Login | None) -> _Held:
        host = self._settings.host
        target = allowed_realm(realm, host=host, origin=self._origin, configured=self._settings.auth_realms)
        asked_at = self._monotonic()
        if login is not None and login.identity_token:
            fields = {
                "grant_type": "refresh_token",
                "refresh_token": login.identity_token,
                "service": service,
                "client_id": _CLIENT,
                "scope": " ".join(scope),
            }
            form = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
            answer = self._door(realm, target, method="POST", data=urlencode(fields).encode(), headers=form)
        else:
            pairs = [("scope", entry) for entry in scope]
            if service:
                pairs.insert(0, ("service", service))
            query = urlencode(pairs)
            url = f"{realm}{'&' if '?' in realm else '?'}{query}" if query else realm
            headers = {"Accept": "application/json"}
            if login is not None and login.basic is not None:
                headers["Authorization"] = login.basic
            answer = self._door(url, target, method="GET", data=None, headers=headers)
        return self._held(answer, asked_at, target, named=login is not None)

    def _held(self, answer: Answer, asked_at: float, realm: Origin, *, named: bool) -> _Held:
        host = self._settings.host
        if answer.status_code in (400, 401, 403):
            self._source.forget()
            who = "our login" if named else "anonymous access"
            raise UnavailableError(
                f"registry {host}: its token service {realm.authority} refuses {who} "
                f"(status {answer.status_code})",
                cause=Cause.UNAUTHORIZED,
                reason_code="token-refused",
            )
        if answer.status_code != 200:
            raise UnavailableError(
                f"registry {host}: its token service {realm.authority} answered {answer.status_code}",
                cause=Cause.RATE_LIMITED if answer.status_code == 429 else Cause.SERVER_ERROR,
            )
        said = answer.json()
        token = (said.get("token") or said.get("access_token")) if isinstance(said, dict) else None
        if not isinstance(token, str) or _HEADER_SAFE.fullmatch(token) is None:
            raise UnavailableError(
                f"registry {host}: its token service {realm.authority} sent no usable token",
                cause=Cause.PROTOCOL,
            )
        seconds = said.get("expires_in")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
            seconds = _ASSUMED_SECONDS
        seconds = min(float(seconds), _LONGEST_SECONDS)
        return _Held(f"Bearer {token}", asked_at + seconds - min(10.0, seconds / 5))


def _choose(challenges: tuple[Challenge, ...]) -> Challenge | None:
    bearer = next(
        (entry for entry in challenges if entry.scheme == "bearer" and entry.parameters.get("realm")), None
    )
    return bearer or next((entry for entry in challenges if entry.scheme == "basic"), None)


def _shareable(error: BaseException) -> BaseException:
    if isinstance(error, GatekeeperError):
        return error
    return UnavailableError("the token could not be fetched", cause=Cause.UNAUTHORIZED)


oras.auth.auth_backends[BACKEND] = ScopedAuth
