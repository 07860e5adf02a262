"""Real servers for tests: started on 127.0.0.1, ready when they are yielded, stopped by their process id."""

from __future__ import annotations

import fcntl
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from tests.judges.tools import find

READY_SECONDS = 120
STOP_SECONDS = 15
POLL_SECONDS = 0.02
PORT_ATTEMPTS = 5

T = TypeVar("T")


class ServerError(Exception):
    """A server did not start; the text ends with what it said."""


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged user a server runs as, for servers that refuse root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Program:
    """A running server program and the file it writes to."""

    log: Path
    running: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.running.pid

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def listening_on(self) -> str:
        """``127.0.0.1:PORT`` once the log names it: the program chose the port, so nobody races for it."""
        return self.until(lambda: _first_group(r"listening on (127\.0\.0\.1:\d+)", self.said()))

    def answering(self, host: str) -> None:
        """Return once connections to ``host`` are accepted."""
        self.until(lambda: _accepts(host) or None)

    def saying(self, words: str) -> None:
        """Return once the log holds these words."""
        self.until(lambda: words in self.said() or None)

    def until(self, probe: Callable[[], T | None]) -> T:
        """Ask until the answer is not None. Raises ServerError when the program ends or takes too long."""
        deadline = time.monotonic() + READY_SECONDS
        while (found := probe()) is None:
            if self.running.poll() is not None:
                raise ServerError(
                    f"{self.running.args!r} ended with {self.running.returncode}: {self.said()}"
                )
            if time.monotonic() > deadline:
                raise ServerError(f"{self.running.args!r} not ready in {READY_SECONDS} s: {self.said()}")
            time.sleep(POLL_SECONDS)
        return found


def _first_group(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text)
    return match.group(1) if match else None


def _accepts(host: str) -> bool:
    address, _, port = host.rpartition(":")
    try:
        with socket.create_connection((address, int(port)), timeout=1):
            return True
    except OSError:
        return False


@contextmanager
def serve(
    command: Sequence[str | Path],
    folder: Path,
    *,
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[Program]:
    """Run a server until the block ends. Its output is ``folder/log``. Raises OSError when it cannot be run."""
    log = folder / "log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[account.gid] if account else None,
        )
    try:
        yield Program(log, running)
    finally:
        if running.poll() is None:
            running.send_signal(stop)
            try:
                running.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                running.kill()
        running.wait()


@contextmanager
def scratch(account: Account | None = None) -> Iterator[Path]:
    """An empty folder that the account owns and can reach, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="gatekeeper-judge-"))
    try:
        if account is not None:
            os.chown(folder, account.uid, account.gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago; a caller must be ready to lose the race for it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def unprivileged() -> Account | None:
    """Whom a server that refuses root shall run as: None when we are not root ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise ServerError("neither a user `postgres` nor `nobody` exists to run PostgreSQL as")


_Start = Callable[[], AbstractContextManager[Program]]


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running PostgreSQL of our own on 127.0.0.1, with a password."""

    user: str
    password: str
    host: str
    """``127.0.0.1:PORT``"""
    pid: int
    away: Callable[[], AbstractContextManager[None]]
    """Stopped while the block runs, and started again at the same place."""

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{self.user}:{self.password}@{self.host}/{database}"

    def statement(self, sql: str) -> None:
        """Run one statement outside any transaction, as CREATE DATABASE wants it."""
        import psycopg

        target = self.url().replace("postgresql+psycopg", "postgresql", 1)
        with psycopg.connect(target, autocommit=True) as connection:
            connection.execute(sql.encode())

    @contextmanager
    def database(self) -> Iterator[str]:
        """URL of a new empty database, dropped at the end even while somebody is connected."""
        name = f"gatekeeper_{secrets.token_hex(6)}"
        self.statement(f'CREATE DATABASE "{name}"')
        try:
            yield self.url(name)
        finally:
            self.statement(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of our own, never a system's: skips when it is not installed."""
    initdb, program = find("initdb"), find("postgres")
    account = unprivileged()
    with scratch(account) as folder:
        password = secrets.token_hex(16)
        password_file, data = folder / "password", folder / "data"
        password_file.touch(mode=0o600)
        password_file.write_text(password)
        if account is not None:
            os.chown(password_file, account.uid, account.gid)
        command: list[str | Path] = [
            initdb, "--pgdata", data, "--username", "gatekeeper", "--pwfile", password_file,
            "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync",
        ]  # fmt: skip
        with serve(command, folder, account=account) as making:
            if making.running.wait(READY_SECONDS * 2) != 0:
                raise ServerError(f"initdb: {making.said()}")
        for attempt in range(1, PORT_ATTEMPTS + 1):
            port = free_port()
            # Durability is of no use to a cluster that is thrown away; connections are what two daemons need.
            settings = {
                "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder,
                "fsync": "off", "max_connections": 60,
            }  # fmt: skip
            switches = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
            command = [program, "-D", data, *switches]
            with ExitStack() as up:
                start = partial(serve, command, folder, account=account, stop=signal.SIGINT)
                running = up.enter_context(start())
                try:
                    running.saying("ready to accept connections")
                except ServerError:
                    if "Address already in use" in running.said() and attempt < PORT_ATTEMPTS:
                        continue
                    raise

                @contextmanager
                def away(up: ExitStack = up, start: _Start = start) -> Iterator[None]:
                    up.close()
                    try:
                        yield
                    finally:
                        up.enter_context(start()).saying("ready to accept connections")

                yield PostgresServer("gatekeeper", password, f"127.0.0.1:{port}", running.pid, away)
                return


@contextmanager
def timestamp_authority() -> Iterator[str]:
    """``127.0.0.1:PORT`` of sigstore's own timestamp authority, with a key in memory.

    It serves metrics on a fixed port of its own: two at once are not possible, so each waits for the other.
    """
    program = find("timestamp-server")
    with (
        (Path(tempfile.gettempdir()) / "gatekeeper-timestamp-authority.lock").open("w") as turn,
        scratch() as folder,
    ):
        fcntl.flock(turn, fcntl.LOCK_EX)
        for attempt in range(PORT_ATTEMPTS):
            port = free_port()
            command: list[str | Path] = [program, "serve", "--host=127.0.0.1", f"--port={port}"]
            command += [
                "--timestamp-signer=memory",
                "--disable-ntp-monitoring",
                "--include-chain-in-response",
            ]
            with serve(command, folder) as running:
                try:
                    running.answering(f"127.0.0.1:{port}")
                except ServerError:
                    if attempt + 1 == PORT_ATTEMPTS:
                        raise
                    continue
                yield f"127.0.0.1:{port}"
                return
