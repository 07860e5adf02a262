"""A client of our own HTTP API on ``http.client`` alone: no SQLAlchemy, requests or pydantic is imported for it."""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import ssl
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from gatekeeper import __version__
from gatekeeper.core.errors import (
    Cause,
    ConfigurationError,
    ConflictError,
    DeniedError,
    GatekeeperError,
    MalformedError,
    NotFoundError,
    NotKnownNowError,
    UnavailableError,
)
from gatekeeper.core.exit_codes import ExitCode

Plain = dict[str, Any]
TIMEOUT = 30.0
WAIT_SLICE = 50.0
"""Seconds that one request waits at most: proxies in between cut longer ones."""
MAX_BODY = 32 * 1024 * 1024
MAX_TOKEN_BYTES = 4096
UNSETTLED = frozenset({"waiting", "unknown"})
"""States that waiting longer may change."""
EXIT_CODES = {
    "passed": 0,
    "failed": 1,
    "quarantined": 1,
    "indeterminate": 4,
    "unknown": 4,
    "not-covered": 4,
    "waiting": 4,
}
"""Those of ``workflow.answer``, which would be imported for nothing else; a test compares."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the daemon is and how it is trusted."""

    host: str
    port: int
    prefix: str
    tls: bool
    ca_file: Path | None = None


def endpoint(url: str, *, insecure_http: bool, ca_file: Path | None) -> Endpoint:
    """``https://host[:port][/prefix]``; plain http only to this machine, or when that is allowed by name.

    Raises MalformedError.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise MalformedError(f"--server {url!r}: {error}", reason_code="server-url-malformed") from error
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.username
        or parts.query
        or parts.fragment
    ):
        raise MalformedError(
            f"--server {url!r} must be written https://host[:port][/prefix]",
            reason_code="server-url-malformed",
        )
    tls = parts.scheme == "https"
    if not tls and not insecure_http and not _loopback(parts.hostname):
        raise MalformedError(
            f"--server {url!r} would send the token readable across the network; use https, "
            "or --insecure-http where you know the network",
            reason_code="server-url-insecure",
        )
    return Endpoint(parts.hostname, port or (443 if tls else 80), parts.path.rstrip("/"), tls, ca_file)


def find_token(file: Path | None, environment: Mapping[str, str]) -> str:
    """From the file if one is given, else from ``GATEKEEPER_TOKEN``. Raises ConfigurationError."""
    text = environment.get("GATEKEEPER_TOKEN", "") if file is None else _read_token(file)
    token = text.strip()
    if not token:
        raise ConfigurationError(
            ("there is no API token; set GATEKEEPER_TOKEN or give --token-file FILE",),
            reason_code="token-missing",
        )
    if not token.isascii() or not token.isprintable():
        raise ConfigurationError(
            ("the API token has characters that no token has",), reason_code="token-malformed"
        )
    return token


def _read_token(file: Path) -> str:
    try:
        if file.stat().st_mode & stat.S_IROTH:
            raise ConfigurationError(
                (f"{file}: is readable by everybody; run: chmod o-rwx {file}",),
                reason_code="token-file-exposed",
            )
        with file.open("rb") as stream:
            return stream.read(MAX_TOKEN_BYTES).decode("ascii", errors="replace")
    except OSError as error:
        raise ConfigurationError(
            (f"{file}: cannot be read: {error.strerror}",), reason_code="token-file-unreadable"
        ) from error


class RemoteDesk:
    """The same questions and acts as at the local desk, asked of a daemon."""

    def __init__(self, where: Endpoint, token: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._where = where
        self._token = token
        self._clock = clock

    def status(self, image: str, wait: timedelta | None) -> Plain:
        """GET /v1/status, again and again until there is an answer or the wait ran out."""
        if wait is None:
            return self._checked(self._ask("GET", "/v1/status", {"image": image}))
        deadline = self._clock() + wait.total_seconds()
        while True:
            left = max(0.0, deadline - self._clock())
            slice_of_wait = min(left, WAIT_SLICE)
            answer = self._ask(
                "GET",
                "/v1/status",
                {"image": image, "wait": f"{slice_of_wait:.3f}"},
                timeout=slice_of_wait + TIMEOUT,
            )
            if self._checked(answer)["state"] not in UNSETTLED:
                return answer
            if self._clock() >= deadline:
                message = f"the wait ran out: {answer.get('message', '')}"
                return {**answer, "reason_code": "wait-ran-out", "message": message}

    def explain(self, image: str, wait: timedelta | None) -> Plain:
        """GET /v1/explain, after the wait for a status."""
        if wait is not None:
            self.status(image, wait)
        explanation = self._ask("GET", "/v1/explain", {"image": image})
        self._checked(explanation.get("answer"))
        return self._having(explanation, "rules")

    def promote(self, image: str, target: str, reason: str) -> Plain:
        """POST /v1/promotions."""
        body = {"image": image, "target": target, "reason": reason}
        promotion = self._ask("POST", "/v1/promotions", body=body, timeout=3600.0)
        if promotion.get("exit_code") == ExitCode.PASSED and promotion.get("state") != "confirmed":
            raise self._stranger()
        return self._having(
            promotion, "state", "reason_code", "exit_code", "repository", "target", "message", "answer"
        )

    def cases(self, states: tuple[str, ...], repository: str, limit: int, after: str | None) -> Plain:
        """GET /v1/quarantine."""
        query: list[tuple[str, str]] = [("state", state) for state in states]
        query += [("repository", repository), ("limit", str(limit))]
        if after is not None:
            query.append(("after", after))
        return self._having(self._ask("GET", "/v1/quarantine", query), "items", "next")

    def case(self, case: str) -> Plain:
        """GET /v1/quarantine/{case}."""
        row = self._ask("GET", f"/v1/quarantine/{quote(case, safe='')}")
        return self._having(row, "case", "verdict", "intents", "history")

    def review(self, case: str, decision: str, reason: str, expires_at: str | None = None) -> Plain:
        """POST /v1/quarantine/{case}/{decision}."""
        body = {"reason": reason} | ({} if expires_at is None else {"expires_at": expires_at})
        decided = self._ask("POST", f"/v1/quarantine/{quote(case, safe='')}/{decision}", body=body)
        return self._having(decided, "id", "state", "repository", "digest", "tags")

    def waivers(self, ended: bool) -> Plain:
        """GET /v1/waivers."""
        return self._having(self._ask("GET", "/v1/waivers", {"ended": str(ended).lower()}), "items", "next")

    def add_waiver(
        self,
        *,
        rule: str,
        digest: str | None,
        repositories: str | None,
        reason: str,
        owner: str | None,
        expires_at: str,
    ) -> Plain:
        """POST /v1/waivers."""
        given = {"rule": rule, "reason": reason, "expires_at": expires_at}
        named = {"digest": digest, "repositories": repositories, "owner": owner}
        body = given | {name: value for name, value in named.items() if value is not None}
        return self._having(self._ask("POST", "/v1/waivers", body=body), "id", "state", "expires_at")

    def revoke_waiver(self, waiver: str, reason: str) -> Plain:
        """POST /v1/waivers/{waiver}/revoke."""
        path = f"/v1/waivers/{quote(waiver, safe='')}/revoke"
        return self._having(self._ask("POST", path, body={"reason": reason}), "id", "state", "expires_at")

    def affected(self, vulnerability: str, repository: str, limit: int, verify: bool) -> Plain:
        """GET /v1/affected/{vulnerability}."""
        if verify:
            raise MalformedError(
                "--verify rebuilds the index where the database is; run it there, without --server",
                reason_code="verify-is-local",
            )
        query = [("repository", repository), ("limit", str(limit))]
        found = self._ask("GET", f"/v1/affected/{quote(vulnerability, safe='')}", query)
        return self._having(found, "state", "reason_code", "exit_code", "message", "answer")

    def brakes(self) -> Plain:
        """GET /v1/hold."""
        return self._having(self._ask("GET", "/v1/hold"), "hold", "breaker", "brakes", "caps")

    def hold_on(self, reason: str) -> Plain:
        """POST /v1/hold/on."""
        return self._having(self._ask("POST", "/v1/hold/on", body={"reason": reason}), "hold", "breaker")

    def hold_off(self, reason: str) -> Plain:
        """POST /v1/hold/off."""
        return self._having(self._ask("POST", "/v1/hold/off", body={"reason": reason}), "hold", "breaker")

    def close_breaker(self, reason: str) -> Plain:
        """POST /v1/breaker/close."""
        return self._having(
            self._ask("POST", "/v1/breaker/close", body={"reason": reason}), "hold", "breaker"
        )

    def events(self, after: int, limit: int) -> Plain:
        """GET /v1/events."""
        answer = self._ask("GET", "/v1/events", {"after": str(after), "limit": str(limit)})
        return self._having(answer, "items", "newest")

    def dead_letters(self) -> Plain:
        """GET /v1/dead-letters."""
        return self._having(self._ask("GET", "/v1/dead-letters"), "items", "next")

    def resend(self, ids: list[int] | None, reason: str) -> Plain:
        """POST /v1/dead-letters/resend."""
        body: dict[str, object] = {"reason": reason}
        if ids is not None:
            body["ids"] = ids
        return self._having(self._ask("POST", "/v1/dead-letters/resend", body=body), "resent")

    def policy_change(self) -> Plain:
        """GET /v1/policy."""
        return self._having(self._ask("GET", "/v1/policy"), "change")

    def registries(self) -> Plain:
        """GET /v1/registries."""
        return self._having(self._ask("GET", "/v1/registries"), "items", "next")

    def accept_registry(self, host: str, reason: str) -> Plain:
        """POST /v1/registries/{host}/accept."""
        path = f"/v1/registries/{quote(host, safe='')}/accept"
        return self._having(self._ask("POST", path, body={"reason": reason}), "items", "next")

    def accept_policy(self, revision: str, reason: str) -> Plain:
        """POST /v1/policy/{revision}/accept."""
        path = f"/v1/policy/{quote(revision, safe='')}/accept"
        return self._having(self._ask("POST", path, body={"reason": reason}), "change")

    def _checked(self, answer: Any) -> Plain:
        """An answer whose exit code is the one that its state means; anything else is no gatekeeper's."""
        if not isinstance(answer, dict) or not isinstance(answer.get("state"), str):
            raise self._stranger()
        exit_code = answer.get("exit_code")
        if type(exit_code) is not int or exit_code != EXIT_CODES.get(answer["state"]):
            raise self._stranger()
        return self._having(answer, "reason_code", "repository", "digest", "message", "verdict", "case")

    def _having(self, answer: Plain, *members: str) -> Plain:
        """The answer, which has these members."""
        if not all(member in answer for member in members):
            raise self._stranger()
        return answer

    def _stranger(self) -> UnavailableError:
        return self._unreachable("its answer is none that a gatekeeper of this version gives", Cause.PROTOCOL)

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | list[tuple[str, str]] | None = None,
        *,
        body: Mapping[str, object] | None = None,
        timeout: float = TIMEOUT,
    ) -> Plain:
        """One request. Raises the error family that the problem document names; redirects are not followed."""
        target = self._where.prefix + path + (f"?{urlencode(query)}" if query else "")
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/json",
            "User-Agent": f"gatekeeper/{__version__}",
        }
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        connection = self._connect(timeout)
        try:
            connection.request(method, target, body=content, headers=headers)
            response = connection.getresponse()
            raw = response.read(MAX_BODY + 1)
            if response.length and len(raw) <= MAX_BODY:
                raise http.client.IncompleteRead(raw, response.length)
        except ssl.SSLError as error:
            raise self._unreachable(f"TLS: {error.reason or error}", Cause.TLS) from error
        except TimeoutError as error:
            raise self._unreachable(f"no answer within {timeout:.0f} s", Cause.TIMEOUT) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(str(error) or type(error).__name__, Cause.CONNECT) from error
        finally:
            connection.close()
        answer = _json_object(raw) if len(raw) <= MAX_BODY else None
        if 200 <= response.status < 300 and answer is not None:
            return answer
        raise self._refusal(response.status, answer)

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        where = self._where
        if not where.tls:
            return http.client.HTTPConnection(where.host, where.port, timeout=timeout)
        try:
            context = ssl.create_default_context(cafile=str(where.ca_file) if where.ca_file else None)
        except OSError as error:
            raise ConfigurationError(
                (f"--ca-file {where.ca_file}: cannot be read: {error.strerror or error}",),
                reason_code="ca-file-unreadable",
            ) from error
        return http.client.HTTPSConnection(where.host, where.port, timeout=timeout, context=context)

    def _unreachable(self, why: str, cause: Cause) -> UnavailableError:
        where = self._where
        return UnavailableError(
            f"the daemon at {where.host}:{where.port} could not be asked: {why}",
            cause=cause,
            reason_code="server-unreachable",
        )

    def _refusal(self, status: int, answer: Plain | None) -> GatekeeperError:
        """The error that the problem document stands for; one without a document is no daemon of ours."""
        if answer is None or "reason_code" not in answer:
            return self._unreachable(
                f"it answered {status} without a problem document; is that a gatekeeper?", Cause.PROTOCOL
            )
        reason, detail = str(answer["reason_code"]), str(answer.get("detail", ""))
        message = detail or reason
        match answer.get("exit_code"):
            case ExitCode.USAGE:
                return MalformedError(message, reason_code=reason)
            case ExitCode.CONFIGURATION:
                return ConfigurationError((message,), reason_code=reason)
            case ExitCode.DENIED:
                return DeniedError(message, reason_code=reason)
            case ExitCode.INDETERMINATE:
                return NotKnownNowError(message, cause=Cause.STORE, reason_code=reason)
            case ExitCode.FAILED:
                return ConflictError(message, reason_code=reason)
        if status == 404:
            return NotFoundError(message, reason_code=reason)
        cause = Cause.RATE_LIMITED if status == 429 else Cause.SERVER_ERROR
        return UnavailableError(message, cause=cause, reason_code=reason)


def _json_object(raw: bytes) -> Plain | None:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def open_desk(url: str, *, token_file: Path | None, ca_file: Path | None, insecure_http: bool) -> RemoteDesk:
    """The desk of the daemon at ``url``."""
    where = endpoint(url, insecure_http=insecure_http, ca_file=ca_file)
    return RemoteDesk(where, find_token(token_file, os.environ))
