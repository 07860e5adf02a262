"""Who may do what: Basic, bearer tokens with scopes, and the rate limit (distribution token specification)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from threading import Lock
from typing import cast
from urllib.parse import parse_qs

from gatekeeper.demo.oci_registry.behaviour import BasicAuthentication, Grant, RateLimit, TokenAuthentication
from gatekeeper.demo.oci_registry.wire import Answer, RefusedError, Request, json_answer

Clock = Callable[[], float]
"""Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What one request needs, or one token gives."""

    kind: str
    """``repository`` or ``registry``"""
    name: str
    actions: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> Scope | None:
        """``repository:a/b:pull,push`` -> Scope; None when it is no scope."""
        kind, first, rest = text.partition(":")
        name, second, actions = rest.rpartition(":")
        if not first or not second:
            return None
        return cls(kind, name, frozenset(actions.split(",")))

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}:{','.join(sorted(self.actions))}"


def needed(method: str, name: str | None, mounted_from: str | None) -> tuple[Scope, ...]:
    """The scopes for one request; no name is the catalog."""
    if name is None:
        return (Scope("registry", "catalog", frozenset({"*"})),)
    if method in ("GET", "HEAD"):
        return (Scope("repository", name, frozenset({"pull"})),)
    if method == "DELETE":
        return (Scope("repository", name, frozenset({"delete"})),)
    both = (Scope("repository", name, frozenset({"pull", "push"})),)
    return both if mounted_from is None else (*both, Scope("repository", mounted_from, frozenset({"pull"})))


def allowed(user: str, wanted: Scope, grants: Iterable[Grant]) -> frozenset[str]:
    """The wanted actions this user may do. A named user without any grant may do everything."""
    own = [grant for grant in grants if grant.user == user]
    if not own:
        return wanted.actions if user else frozenset()
    given: frozenset[str] = frozenset()
    for grant in own:
        if fnmatchcase(wanted.name, grant.repositories):
            given |= wanted.actions & grant.actions
    return given


class BasicDoor:
    """HTTP Basic on every request."""

    def __init__(self, settings: BasicAuthentication) -> None:
        self._settings = settings

    def check(self, request: Request, scopes: tuple[Scope, ...]) -> None:
        """Raises RefusedError: 401 for unknown callers, 403 for those without the right."""
        user = basic_user(request, self._settings.users)
        if user is None:
            challenge = f'Basic realm="{self._settings.realm}"'
            raise RefusedError(
                401, "UNAUTHORIZED", "authentication required", headers={"WWW-Authenticate": challenge}
            )
        for scope in scopes:
            if allowed(user, scope, self._settings.grants) != scope.actions:
                raise RefusedError(403, "DENIED", "requested access to the resource is denied")


class TokenDoor:
    """Checks bearer tokens, and issues them at ``/token``."""

    def __init__(self, settings: TokenAuthentication, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._secret = settings.secret or secrets.token_bytes(32)

    def check(self, request: Request, scopes: tuple[Scope, ...]) -> None:
        """Raises RefusedError (401 with the challenge that names the missing scope)."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            raise self._challenge(request, scopes, None)
        claims = self._opened(token)
        if claims is None or not isinstance(claims.get("access"), list):
            raise self._challenge(request, scopes, "invalid_token")
        given = [Scope.parse(str(text)) for text in cast(list[object], claims["access"])]
        for scope in scopes:
            if not any(self._covers(have, scope) for have in given):
                raise self._challenge(request, scopes, "insufficient_scope")

    def serve(self, request: Request) -> Answer:
        """The token end point: GET with Basic, POST with OAuth2 form. Raises RefusedError (401, 400)."""
        if request.method == "POST":
            form = {name: values[0] for name, values in parse_qs(request.body.decode("latin-1")).items()}
            user = self._oauth_user(form)
            texts = form.get("scope", "").split()
            offline = form.get("access_type") == "offline"
        else:
            present = "authorization" in request.headers
            user = basic_user(request, self._settings.users) if present else ""
            texts = [text for value in request.query.get("scope", []) for text in value.split()]
            offline = request.parameter("offline_token") == "true"
        if user is None:
            raise RefusedError(401, "UNAUTHORIZED", "incorrect user name or password")
        document: dict[str, object] = {"token": self.issue(user, texts)}
        document["access_token"] = document["token"]
        if self._settings.tells_expiry:
            document["expires_in"] = int(self._settings.ttl)
            document["issued_at"] = datetime.fromtimestamp(self._clock(), UTC).isoformat()
        if offline or request.method == "POST":
            document["refresh_token"] = self._sealed({"refresh": user})
        return json_answer(document)

    def issue(self, user: str, scopes: Iterable[str]) -> str:
        """A token for what this user may do of these scopes."""
        access = []
        for text in scopes:
            scope = Scope.parse(text)
            if scope is None:
                continue
            actions = allowed(user, scope, self._settings.grants)
            if actions:
                access.append(str(Scope(scope.kind, scope.name, actions)))
        now = self._clock()
        claims: dict[str, object] = {"sub": user, "aud": self._settings.service, "jti": secrets.token_hex(8)}
        claims |= {"iat": now, "exp": now + self._settings.ttl, "access": access}
        return self._sealed(claims)

    def _oauth_user(self, form: Mapping[str, str]) -> str | None:
        if form.get("grant_type") == "refresh_token":
            token = form.get("refresh_token", "")
            known = self._settings.refresh_tokens.get(token)
            claims = self._opened(token) if known is None else None
            return known if claims is None else cast("str | None", claims.get("refresh"))
        if form.get("grant_type") == "password":
            name = form.get("username", "")
            return name if name and self._settings.users.get(name) == form.get("password") else None
        raise RefusedError(400, "UNSUPPORTED", "grant_type must be refresh_token or password")

    @staticmethod
    def _covers(have: Scope | None, wanted: Scope) -> bool:
        return (
            have is not None
            and (have.kind, have.name) == (wanted.kind, wanted.name)
            and (wanted.actions <= have.actions or "*" in have.actions)
        )

    def _challenge(self, request: Request, scopes: tuple[Scope, ...], error: str | None) -> RefusedError:
        realm = (
            self._settings.realm
            or f"{request.headers.get(':scheme', 'http')}://{request.headers.get('host')}/token"
        )
        challenge = f'Bearer realm="{realm}",service="{self._settings.service}"'
        if scopes:
            challenge += f',scope="{" ".join(map(str, scopes))}"'
        if error:
            challenge += f',error="{error}"'
        return RefusedError(
            401, "UNAUTHORIZED", "authentication required", headers={"WWW-Authenticate": challenge}
        )

    def _sealed(self, claims: Mapping[str, object]) -> str:
        text = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        return f"{text}.{self._seal(text)}"

    def _seal(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()

    def _opened(self, token: str) -> dict[str, object] | None:
        text, _, seal = token.partition(".")
        if not seal.isascii() or not hmac.compare_digest(seal, self._seal(text)):
            return None
        claims = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        expires = claims.get("exp")
        if expires is not None and self._clock() >= expires:
            return None
        return cast(dict[str, object], claims)


def basic_user(request: Request, users: Mapping[str, str]) -> str | None:
    """The user whose name and password are in ``Authorization: Basic``, or None."""
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except ValueError:
        return None
    known = users.get(name)
    return name if known is not None and hmac.compare_digest(known.encode(), password.encode()) else None


class RateLimiter:
    """A fixed window of requests."""

    def __init__(self, settings: RateLimit, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = Lock()
        self._began = clock()
        self._spent = 0

    def admit(self) -> dict[str, str]:
        """Count one request; gives the ``RateLimit-*`` headers. Raises RefusedError (429 TOOMANYREQUESTS)."""
        settings = self._settings
        with self._lock:
            now = self._clock()
            if now - self._began >= settings.window:
                self._began, self._spent = now, 0
            self._spent += 1
            left = settings.requests - self._spent
        window = f"w={int(settings.window)}"
        headers = {
            "RateLimit-Limit": f"{settings.requests};{window}",
            "RateLimit-Remaining": f"{max(0, left)};{window}",
        }
        if left < 0:
            headers["Retry-After"] = str(settings.retry_after)
            raise RefusedError(429, "TOOMANYREQUESTS", "too many requests", headers=headers)
        return headers
