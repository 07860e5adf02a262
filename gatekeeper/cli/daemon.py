"""``gatekeeper run``: scheduler, engine and HTTP server in one process, with reload and an orderly end."""

from __future__ import annotations

import logging
import os
import re
import signal
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Protocol

from gatekeeper.cli import logs
from gatekeeper.config.load import find_config
from gatekeeper.config.reload import Reloader
from gatekeeper.config.settings import ServerSettings, Settings
from gatekeeper.core.errors import ConfigurationError
from gatekeeper.ports import Store, TokenScope
from gatekeeper.scheduler import Daemon
from gatekeeper.wiring import Application, build, settle_memory
from gatekeeper.workflow import tokens

if TYPE_CHECKING:
    from gatekeeper.web.server import ServerSettings as WebSettings

_log = logging.getLogger(__name__)
FIRST_TOKEN_LIFE = timedelta(days=1)


def run_daemon(config: Path | None, *, migrate: bool) -> None:
    """Runs until SIGTERM or SIGINT. Raises ConfigurationError, UnavailableError when it cannot start."""
    reloader = Reloader(find_config(config))
    settings = reloader.current.settings
    logs.configure(settings.logging)
    for warning in reloader.current.warnings:
        _log.warning("%s", warning)
    if migrate:
        from gatekeeper.cli.schema import upgrade

        upgrade(settings)
    application = build(settings, lambda: reloader.current.policy, in_force=lambda: reloader.current.settings)
    try:
        _serve(application, reloader)
    finally:
        application.close()


def _serve(application: Application, reloader: Reloader) -> None:
    settings = application.settings
    daemon = application.daemon()
    _on_signals(daemon, reloader)
    server = None
    if settings.server.enabled:
        from gatekeeper.web.app import create_app
        from gatekeeper.web.server import Server

        write_first_token(application.room.store, settings.server)
        store = application.room.store
        server = Server(create_app(application.room, missing=lambda: _missing(store, daemon)), _web(settings))
        _log.info("listening on %s", server.start())
    settle_memory()
    try:
        daemon.start()
        daemon.wait()
        daemon.stop()
    finally:
        if server is not None:
            server.stop()


def _missing(store: Store, daemon: Daemon) -> tuple[str, ...]:
    """What keeps this process from its work. Raises UnavailableError when the database is away."""
    store.change_counter()
    return daemon.missing()


def _web(settings: Settings) -> WebSettings:
    from gatekeeper.web.server import ServerSettings as WebSettings

    server = settings.server
    return WebSettings(
        host=server.host,
        port=server.port,
        tls_certificate=server.tls.certificate if server.tls else None,
        tls_key=server.tls.key if server.tls else None,
    )


def write_first_token(store: Store, settings: ServerSettings) -> None:
    """Where there is no token yet: a one-use admin token in a file that only this user may read.

    Raises ConfigurationError when the file cannot be written.
    """
    if store.tokens():
        return
    place = settings.bootstrap_token_file
    now = datetime.now(UTC)
    if _is_ours(place):
        # A start that died before it was recorded, or a database that was lost: that token opens nothing.
        place.unlink()
    try:
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigurationError(
            (
                f"server.first_token_file: {place} holds something else than a token; name another file, or remove it",
            ),
            reason_code="first-token-exists",
        ) from None
    except OSError as error:
        raise ConfigurationError(
            (f"server.first_token_file: {place} cannot be written: {error.strerror}",),
            reason_code="first-token-unwritable",
        ) from error
    with os.fdopen(descriptor, "w") as stream:
        made = tokens.create(
            store,
            name="first",
            scopes=frozenset({TokenScope.ADMIN}),
            repositories=("**",),
            expires_at=now + FIRST_TOKEN_LIFE,
            now=now,
            one_use=True,
        )
        stream.write(made.text + "\n")
    _log.warning(
        "a one-use admin token was written to %s; use it once to make tokens, then remove the file", place
    )


def _is_ours(place: Path) -> bool:
    """True for a file that holds a token of ours or nothing yet. Nobody else's file is ever written over."""
    try:
        if not stat.S_ISREG(place.lstat().st_mode):
            return False
        with place.open("rb") as stream:
            content = stream.read(1024)
    except OSError:
        return False
    return not content or re.fullmatch(rb"gk_[A-Za-z0-9_-]+\n?", content) is not None


def _on_signals(daemon: Daemon, reloader: Reloader) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        daemon.ask_to_stop()

    def reload(_number: int, _frame: FrameType | None) -> None:
        # A handler may be interrupted by the next signal; a thread may not.
        threading.Thread(target=reload_now, args=(daemon, reloader), name="reload", daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGHUP, reload)


class PolicyListener(Protocol):
    """Who must know that another policy holds."""

    def policy_changed(self) -> None:
        """After a reload."""
        ...


def reload_now(daemon: PolicyListener, reloader: Reloader) -> None:
    """Reads both files again; a bad one is told in the log and changes nothing."""
    reloaded = reloader.reload()
    for problem in reloaded.problems:
        _log.error("not reloaded: %s", problem)
    if reloaded.problems:
        return
    logs.configure(reloader.current.settings.logging)
    if "policy" in reloaded.changed:
        daemon.policy_changed()
    _log.info("reloaded; changed: %s", ", ".join(reloaded.changed) or "nothing")
    for name in reloaded.needs_restart:
        _log.warning("%s was changed in the file; it takes effect at the next start", name)
