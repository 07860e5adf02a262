"""The embedded OCI registry: distribution-spec 1.1 on the standard library, with switches and faults.

::

    with EmbeddedRegistry(Behaviour(referrers_api=False)) as registry:
        registry.url          # "http://127.0.0.1:PORT"
        registry.store        # direct access: tags, manifests, blobs; play the racing pusher
        registry.requests     # every request received, oldest first
        registry.faults.add(Match("GET", "/manifests/"), Truncate(10))
        registry.dump()       # everything, comparable with ==

``python -m gatekeeper.demo.registry --port 5000 --directory DIR`` runs one for other processes.
"""

from __future__ import annotations

import argparse
import signal
import ssl
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

from gatekeeper.demo.oci_registry.access import Clock
from gatekeeper.demo.oci_registry.behaviour import (
    BasicAuthentication,
    Behaviour,
    Catalog,
    Grant,
    RateLimit,
    TokenAuthentication,
)
from gatekeeper.demo.oci_registry.exchange import Exchange, LoggedRequest, RequestLog
from gatekeeper.demo.oci_registry.faults import Fault, Faults, Injection, Match, Moment
from gatekeeper.demo.oci_registry.http_server import RegistryServer
from gatekeeper.demo.oci_registry.router import Router
from gatekeeper.demo.oci_registry.store import Dump, Store
from gatekeeper.demo.oci_registry.wire import Answer, Request

__all__ = [
    "Answer",
    "BasicAuthentication",
    "Behaviour",
    "Catalog",
    "Dump",
    "EmbeddedRegistry",
    "Fault",
    "Faults",
    "Grant",
    "Injection",
    "LoggedRequest",
    "Match",
    "Moment",
    "RateLimit",
    "Request",
    "Store",
    "TokenAuthentication",
    "main",
]


class EmbeddedRegistry:
    """A registry on 127.0.0.1, at a free port unless told otherwise; a context manager, usable once."""

    def __init__(
        self,
        behaviour: Behaviour | None = None,
        *,
        directory: Path | None = None,
        address: str = "127.0.0.1",
        port: int = 0,
        clock: Clock = time.time,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Binds at once, serves after ``start``. Raises OSError when the port is taken."""
        self.behaviour = behaviour or Behaviour()
        self.store = Store(directory, forgets_untagged=self.behaviour.forgets_untagged)
        self.faults = Faults()
        self._log = RequestLog()
        self._router = Router(self.store, self.behaviour, clock)
        self._stopping = Event()
        self._exchange = Exchange(self._router, self._log, self.faults, self._stopping)
        self._server = RegistryServer(
            (address, port),
            self._exchange.answer,
            stopping=self._stopping,
            body_cap=self.behaviour.blob_cap + 1,
            tls=tls,
        )
        self._scheme = "http" if tls is None else "https"
        self._thread = Thread(
            target=self._server.serve_forever, args=(0.05,), name="embedded-registry", daemon=True
        )

    def start(self) -> Self:
        """Serve, in threads of our own."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close every connection and wait for every thread. Twice is harmless."""
        self._server.stop(serving=self._thread.is_alive())
        if self._thread.is_alive():
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def host(self) -> str:
        """``127.0.0.1:PORT``, as in an image reference."""
        return f"{self._server.server_name}:{self._server.server_port}"

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``"""
        return f"{self._scheme}://{self.host}"

    @property
    def requests(self) -> tuple[LoggedRequest, ...]:
        """Every request received since the start or the last ``clear_requests``, oldest first."""
        return self._log.snapshot()

    def clear_requests(self) -> None:
        """Forget the requests received so far."""
        self._log.clear()

    def wait_for_request(
        self, method: str | None = None, path: str = "", *, count: int = 1, timeout: float = 30.0
    ) -> bool:
        """True as soon as ``count`` matching requests have arrived (``path``: a pattern searched in the target)."""
        return self._log.wait_for(method, path, count, timeout)

    @property
    def open_uploads(self) -> int:
        """Upload sessions started and neither finished nor cancelled."""
        return self._router.uploads.open_sessions

    @property
    def internal_errors(self) -> tuple[BaseException, ...]:
        """Defects of the registry itself, each answered with 500; empty in a sound run."""
        return tuple(self._exchange.internal_errors)

    def issue_token(self, user: str, scopes: Iterable[str]) -> str:
        """A bearer token for what this user may do of these scopes. Raises ValueError without token authentication."""
        if self._router.tokens is None:
            raise ValueError(
                "this registry issues no tokens; give Behaviour(authentication=TokenAuthentication(...))"
            )
        return self._router.tokens.issue(user, scopes)

    def dump(self) -> Dump:
        """Everything there is, comparable with ``==``."""
        return self.store.dump()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a registry until SIGINT or SIGTERM. Prints its URL, alone on the first line of standard output."""
    presets = {
        "complete": Behaviour(),
        "docker-registry-2": Behaviour.docker_registry_2(),
        "distribution-3": Behaviour.distribution_3(),
        "ghcr": Behaviour.ghcr_like(),
        "read-only": Behaviour(read_only=True),
    }
    parser = argparse.ArgumentParser(
        prog="python -m gatekeeper.demo.registry", description="Run an OCI registry for tests."
    )
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--directory", type=Path, help="keep everything here; in memory without it")
    parser.add_argument("--behaviour", choices=sorted(presets), default="complete")
    given = parser.parse_args(arguments)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        registry = EmbeddedRegistry(
            presets[given.behaviour], directory=given.directory, address=given.address, port=given.port
        )
    except OSError as error:
        sys.stderr.write(f"cannot listen on {given.address}:{given.port}: {error}\n")
        return 5
    with registry:
        sys.stdout.write(f"{registry.url}\n")
        sys.stdout.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
