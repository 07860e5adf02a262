"""Connections to SQLite and PostgreSQL: how they are opened, how a transaction begins, how their errors are told.

Readers never wait for writers. Writers of SQLite queue (BEGIN IMMEDIATE); on PostgreSQL those that add to the audit
chain or check the caps queue on one advisory lock, taken before anything else so that they cannot deadlock.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select, update
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from gatekeeper.core.errors import Cause, ConfigurationError, UnavailableError
from gatekeeper.database import tables

SERIAL_LOCK = 0x6761746B
"""Key of the advisory lock that serialises audited transactions on PostgreSQL."""
BUSY_SECONDS = 15
IDLE_SECONDS = 60
"""PostgreSQL ends a transaction whose process stalled: it may hold the serial lock."""
POOL_SIZE = 12
POOL_OVERFLOW = 28
_WRITES = "gatekeeper_writes"


def make_engine(url: str, *, foreign_keys: bool = True, password: Callable[[], str] | None = None) -> Engine:
    """An engine for ``sqlite:///path`` or ``postgresql+psycopg://…``. Nothing is opened yet.

    ``password`` is asked for each new connection, so that one that was rotated needs no restart.

    Raises ConfigurationError for any other URL.
    """
    shared: dict[str, Any] = {
        "pool_size": POOL_SIZE,
        "max_overflow": POOL_OVERFLOW,
        "pool_timeout": BUSY_SECONDS,
    }
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if backend == "sqlite" and parsed.database not in (None, "", ":memory:"):
            engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS}, **shared)
            _set_up_sqlite(engine, foreign_keys=foreign_keys)
            return engine
        if backend == "postgresql":
            engine = create_engine(parsed, connect_args={"connect_timeout": 5}, pool_pre_ping=True, **shared)
            _set_up_postgresql(engine, password)
            return engine
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise _refused(f"the URL cannot be used ({type(error).__name__})") from error
    if backend == "sqlite":
        raise _refused("SQLite needs a file: threads and the command line share it")
    raise _refused(f"{backend} is not supported")


def _refused(why: str) -> ConfigurationError:
    return ConfigurationError(
        (f"database: {why}; use a file path or postgresql+psycopg://user@host/name",),
        reason_code="database-url",
    )


def _set_up_sqlite(engine: Engine, *, foreign_keys: bool) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: object) -> None:
        # The driver would begin transactions by guessing at statements; ``begin`` below does it on purpose.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        _write_ahead(connection)
        for pragma in (
            # An intent must outlive a power cut before its first registry write.
            "synchronous = FULL",
            f"foreign_keys = {'ON' if foreign_keys else 'OFF'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_WRITES):
            connection.exec_driver_sql("BEGIN IMMEDIATE")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """SQLite does not wait for the lock of this one change: two first starts at once would refuse each other."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _set_up_postgresql(engine: Engine, password: Callable[[], str] | None) -> None:
    @event.listens_for(engine, "do_connect")
    def sign_in(_dialect: object, _record: object, _arguments: object, named: dict[str, Any]) -> None:
        if password is None:
            return
        try:
            named["password"] = password()
        except ConfigurationError as error:
            raise UnavailableError(
                f"the database's password cannot be read: {error.message}",
                cause=Cause.STORE,
                reason_code="database-credential",
            ) from error

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: object) -> None:
        connection.autocommit = True
        connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
        connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
        connection.autocommit = False


@contextmanager
def relabelled() -> Iterator[None]:
    """What the driver says of an unreachable, stalled or foreign database becomes UnavailableError."""
    try:
        yield
    except (IntegrityError, DataError):
        raise
    except ProgrammingError as error:
        if type(error.orig).__name__ not in ("UndefinedTable", "UndefinedColumn"):
            raise
        raise _unavailable(error, "schema-outdated") from error
    except DBAPIError as error:
        raise _unavailable(error, "database-unavailable") from error
    except PoolTimeoutError as error:
        raise UnavailableError(
            "every database connection is in use", cause=Cause.STORE, reason_code="database-busy"
        ) from error


def _unavailable(error: DBAPIError, reason_code: str) -> UnavailableError:
    said = (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0]
    return UnavailableError(
        f"the database cannot be used: {said[:300]}", cause=Cause.STORE, reason_code=reason_code
    )


class Link:
    """The database as the nouns of this room see it. Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sqlite = engine.dialect.name == "sqlite"
        self._reader = engine if self.sqlite else engine.execution_options(isolation_level="AUTOCOMMIT")
        # SQLite's own queue is a lottery with sleeps; between threads of one program a lock is fair and free.
        self._queue = threading.Lock() if self.sqlite else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read from; each statement sees the newest committed state."""
        with relabelled(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, serial: bool = False) -> Iterator[Connection]:
        """One transaction: committed at the end, rolled back when anything is raised.

        ``serial``: no other such transaction runs meanwhile; a must for whatever adds to the audit chain.
        """
        with relabelled(), self._queue or nullcontext(), self.engine.connect() as connection:
            writer = connection.execution_options(**{_WRITES: True})
            with writer.begin():
                if serial and not self.sqlite:
                    writer.execute(select(func.pg_advisory_xact_lock(SERIAL_LOCK)))
                yield writer

    @contextmanager
    def trying(self) -> Iterator[Connection]:
        """One serial transaction that is rolled back at the end, whatever was done in it."""
        with relabelled(), self._queue or nullcontext(), self.engine.connect() as connection:
            writer = connection.execution_options(**{_WRITES: True})
            transaction = writer.begin()
            try:
                if not self.sqlite:
                    writer.execute(select(func.pg_advisory_xact_lock(SERIAL_LOCK)))
                yield writer
            finally:
                transaction.rollback()

    def close(self) -> None:
        """Closes every connection."""
        self.engine.dispose()


def touch(connection: Connection) -> None:
    """Raises the change counter. The last statement of a transaction: nobody waits while holding it."""
    connection.execute(
        update(tables.counter)
        .where(tables.counter.c.name == "change")
        .values(value=tables.counter.c.value + 1)
    )
