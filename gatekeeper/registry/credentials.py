"""Where the login for one registry comes from. Secrets are read again without a restart, and appear in no message."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.registry.adapters import ADAPTERS, quirks_of
from gatekeeper.registry.settings import (
    Anonymous,
    CredentialCommand,
    Credentials,
    DockerConfigFile,
    IdentityToken,
    Secret,
    SecretInEnvironment,
    SecretInFile,
    UsernamePassword,
)

_PROGRAM_SUFFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)
_TOKEN_USER = "<token>"  # noqa: S105 - docker's mark that the secret is an identity token
_CONFIG_CAP = 4 * 1024 * 1024
_FRESH = 30.0
_FRESH_FROM_PROGRAM = 300.0
_Stamp = tuple[int, int, int]
"""inode, time of the last change in nanoseconds, size"""


@dataclass(frozen=True, slots=True)
class Login:
    """What proves who we are. Exactly one of the three ways is set."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str | None:
        """The value of a Basic Authorization header."""
        if not self.username:
            return None
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    def shows_in(self, token: str) -> bool:
        """True when a token is, or wraps in base64, the password or identity token itself."""
        try:
            opened = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_")
        except (binascii.Error, ValueError):
            opened = b""
        return any(
            secret in token or secret.encode() in opened
            for secret in (self.password, self.identity_token)
            if secret
        )

    @property
    def fingerprint(self) -> str:
        """Tells logins apart without saying what they are."""
        text = repr((self.username, self.password, self.identity_token, self.registry_token))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class CredentialSource:
    """The login of one registry, read when it is needed and kept for at most half a minute (programs: five).

    A file is read again as soon as it is another.
    """

    def __init__(
        self, host: str, credentials: Credentials, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._host = host
        self._credentials = credentials
        self._monotonic = monotonic
        self._lock = Lock()
        self._held: tuple[Login | None, float] | None = None
        self._stamp: _Stamp | None = None

    def current(self) -> Login | None:
        """None: anonymous. Raises UnavailableError(NOT_CONFIGURED or TIMEOUT) when it cannot be read."""
        with self._lock:
            now, stamp = self._monotonic(), self._stamped()
            if self._held is not None and now < self._held[1] and stamp == self._stamp:
                return self._held[0]
            login, fresh = self._read()
            self._held, self._stamp = (login, now + fresh), stamp
            return login

    def changed(self) -> bool:
        """True when the file that the login was read from is another than it was: what rests on it is outdated."""
        with self._lock:
            return self._held is not None and self._stamped() != self._stamp

    def lasting(self) -> Login | None:
        """The login that a person keeps in a file or variable; None where a program gives a new one each time.

        Raises UnavailableError(NOT_CONFIGURED) when it cannot be read.
        """
        match self._credentials:
            case Anonymous() | CredentialCommand():
                return None
            case DockerConfigFile(path, _):
                return self._in_docker_file(path)
            case _:
                return self.current()

    def _stamped(self) -> _Stamp | None:
        """What tells a file from the one it replaces; None where the login comes from no file, or it is gone."""
        path: str | Path | None = None
        match self._credentials:
            case UsernamePassword(_, SecretInFile(file)) | IdentityToken(SecretInFile(file)):
                path = file
            case DockerConfigFile(file, _):
                path = file or docker_config_path()
        try:
            found = None if path is None else Path(path).stat()
        except OSError:
            return None
        return None if found is None else (found.st_ino, found.st_mtime_ns, found.st_size)

    def forget(self) -> None:
        """Read again next time: the registry did not take it."""
        with self._lock:
            self._held = None

    def _read(self) -> tuple[Login | None, float]:
        match self._credentials:
            case Anonymous():
                return None, float("inf")
            case UsernamePassword(username, password):
                return Login(username=username, password=self._secret(password)), _FRESH
            case IdentityToken(token):
                return Login(identity_token=self._secret(token)), _FRESH
            case CredentialCommand(argv, timeout):
                return _login(self._run(argv, b"", timeout)), _FRESH_FROM_PROGRAM
            case DockerConfigFile(path, timeout):
                return self._from_docker(path, timeout)

    def _secret(self, secret: Secret) -> str:
        match secret:
            case SecretInEnvironment(variable):
                text = os.environ.get(variable)
                if not text:
                    raise self._unusable(f"the environment variable {variable} is not set")
                return text
            case SecretInFile(path):
                try:
                    with Path(path).open(encoding="utf-8") as file:
                        text = file.read(64 * 1024).rstrip("\r\n")
                except (OSError, UnicodeDecodeError) as error:
                    raise self._unusable(f"{path} cannot be read ({type(error).__name__})") from error
                if not text:
                    raise self._unusable(f"{path} is empty")
                return text
        return secret.value

    def _in_docker_file(self, path: str | None) -> Login | None:
        found, content = self._docker_file(path)
        return None if self._program(content) is not None else self._from_auths(content.get("auths"), found)

    def _from_docker(self, path: str | None, timeout: float) -> tuple[Login | None, float]:
        found, content = self._docker_file(path)
        program = self._program(content)
        if program is not None:
            key = quirks_of(self._host).credential_key or self._host
            answer = self._run((f"docker-credential-{program}", "get"), key.encode(), timeout, may_lack=True)
            login = _login(answer) if answer is not None else None
            if login is not None:
                return login, _FRESH_FROM_PROGRAM
        return self._from_auths(content.get("auths"), found), _FRESH

    def _docker_file(self, path: str | None) -> tuple[Path, dict[str, Any]]:
        """Where it is and what it says; empty where nobody named one and there is none."""
        found = Path(path) if path is not None else docker_config_path()
        try:
            if found.stat().st_size > _CONFIG_CAP:
                raise self._unusable(f"{found} is too large")
            content = json.loads(found.read_bytes())
        except FileNotFoundError as error:
            if path is None:
                return found, {}
            raise self._unusable(f"{found} does not exist") from error
        except (OSError, ValueError, RecursionError) as error:
            raise self._unusable(f"{found} cannot be read ({type(error).__name__})") from error
        if not isinstance(content, dict):
            raise self._unusable(f"{found} is no docker configuration")
        return found, content

    def _program(self, content: dict[str, Any]) -> str | None:
        helpers = content.get("credHelpers")
        named = next(
            (value for key, value in _entries(helpers) if _host_of(key) == self._host),
            content.get("credsStore"),
        )
        if not named:
            return None
        if not isinstance(named, str) or _PROGRAM_SUFFIX.fullmatch(named) is None:
            raise self._unusable("the credential program in docker's configuration has an impossible name")
        return named

    def _from_auths(self, auths: object, path: Path) -> Login | None:
        entry = next((value for key, value in _entries(auths) if _host_of(key) == self._host), None)
        if not isinstance(entry, dict):
            return None
        if isinstance(token := entry.get("identitytoken"), str) and token:
            return Login(identity_token=token)
        if isinstance(token := entry.get("registrytoken"), str) and token:
            return Login(registry_token=token)
        encoded = entry.get("auth")
        if not isinstance(encoded, str) or not encoded:
            username, password = entry.get("username"), entry.get("password")
            if isinstance(username, str) and isinstance(password, str) and username:
                return Login(username=username, password=password)
            return None
        try:
            username, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise self._unusable(f"`auth` of {self._host} in {path} is not base64") from error
        if not colon or not username:
            raise self._unusable(f"`auth` of {self._host} in {path} is not user:password")
        return Login(username=username, password=password.rstrip("\0"))

    def _run(self, argv: tuple[str, ...], given: bytes, timeout: float, *, may_lack: bool = False) -> Any:
        """What the program printed, as JSON; None when it says that it has no credential."""
        try:
            done = subprocess.run(list(argv), input=given, capture_output=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(
                f"registry {self._host}: the credential program {argv[0]} took longer than {timeout:g} s",
                cause=Cause.TIMEOUT,
            ) from error
        except (OSError, IndexError) as error:
            raise self._unusable(f"the credential program cannot be run ({type(error).__name__})") from error
        if done.returncode != 0:
            if may_lack and b"credentials not found" in done.stdout + done.stderr:
                return None
            raise self._unusable(f"the credential program {argv[0]} ended with {done.returncode}")
        try:
            answer = json.loads(done.stdout[:_CONFIG_CAP])
        except (ValueError, RecursionError) as error:
            raise self._unusable(f"the credential program {argv[0]} did not print JSON") from error
        if not isinstance(answer, dict) or not isinstance(answer.get("Secret"), str):
            raise self._unusable(f"the credential program {argv[0]} printed no `Username` and `Secret`")
        return answer

    def _unusable(self, why: str) -> UnavailableError:
        return UnavailableError(
            f"registry {self._host}: the credential cannot be used: {why}", cause=Cause.NOT_CONFIGURED
        )


def docker_config_path() -> Path:
    """Docker's own configuration: ``$DOCKER_CONFIG/config.json``, else ``~/.docker/config.json``."""
    folder = os.environ.get("DOCKER_CONFIG")
    return (Path(folder) if folder else Path.home() / ".docker") / "config.json"


def _login(answer: dict[str, Any]) -> Login:
    username = answer.get("Username")
    secret = str(answer["Secret"])
    if not isinstance(username, str) or username in ("", _TOKEN_USER):
        return Login(identity_token=secret)
    return Login(username=username, password=secret)


def _entries(value: object) -> list[tuple[str, object]]:
    return list(value.items()) if isinstance(value, dict) else []


def _host_of(key: str) -> str:
    """The canonical host of a key of docker's configuration, which may be a URL."""
    host = key.partition("://")[2] or key
    host = host.partition("/")[0].lower()
    return next((quirks.hosts[0] for quirks in ADAPTERS if host in quirks.aliases), host)
