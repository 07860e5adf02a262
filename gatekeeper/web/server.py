"""uvicorn, run in a thread beside the scheduler."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from gatekeeper.core.errors import Cause, ConfigurationError, UnavailableError


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the HTTP server listens. Port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 8080
    tls_certificate: Path | None = None
    tls_key: Path | None = None


class Server:
    """Serves one application until stopped."""

    def __init__(self, app: FastAPI, settings: ServerSettings) -> None:
        self._app = app
        self._settings = settings
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        tls = {}
        if settings.tls_certificate is not None and settings.tls_key is not None:
            tls = {"ssl_certfile": str(settings.tls_certificate), "ssl_keyfile": str(settings.tls_key)}
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=5,
                **tls,  # type: ignore[arg-type]
            )
        )

    def start(self) -> str:
        """Binds, serves in a thread and returns the base URL. Raises ConfigurationError when the address is taken."""
        host, port = self._settings.host, self._settings.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family, backlog=256)
        except OSError as error:
            raise ConfigurationError(
                (f"server.listen: cannot listen on {host}:{port}: {error.strerror}; choose another address",),
                reason_code="listen-failed",
            ) from error
        # Accepted connections inherit it. asyncio sets it only on sockets that were made with a protocol number;
        # without it each answer waits 40 ms for the client's delayed acknowledgement.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._load()
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="http", daemon=True
        )
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
            if not self._thread.is_alive():
                raise UnavailableError("the HTTP server did not start", cause=Cause.CONNECT)
        scheme = "https" if self._settings.tls_certificate is not None else "http"
        name = f"[{host}]" if ":" in host else host
        return f"{scheme}://{name}:{self._socket.getsockname()[1]}"

    def _load(self) -> None:
        """Reads certificate and key here: what is wrong with them must not be told by a dying thread."""
        try:
            self._server.config.load()
        except OSError as error:
            raise ConfigurationError(
                (f"server.tls_certificate, server.tls_key: cannot be used: {error.strerror or error}",),
                reason_code="tls-unusable",
            ) from error

    def stop(self) -> None:
        """Answers what is under way, then ends. Who waits for a verdict is answered with what there is."""
        end_waits = getattr(self._app.state, "end_waits", None)
        if end_waits is not None:
            end_waits()
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        if self._socket is not None:
            self._socket.close()
