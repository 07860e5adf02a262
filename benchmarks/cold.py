"""How long commands take from nothing: the interpreter's own start is in every figure."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks import configuration
from benchmarks.figures import Report, Target, interleaved, middle
from benchmarks.programs import run_all
from gatekeeper.config.reload import load_configuration
from gatekeeper.core.canonical import canonical_bytes
from gatekeeper.core.digest import Digest
from gatekeeper.core.reference import Repository
from gatekeeper.database.migrate import upgrade
from gatekeeper.demo.images import image
from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.wiring import build
from gatekeeper.workflow.answer import unseen
from tests.judges.servers import free_port, scratch

_SCRIPT = Path(sys.executable).with_name("gatekeeper")
GATEKEEPER: list[str | Path] = [_SCRIPT] if _SCRIPT.exists() else [sys.executable, "-m", "gatekeeper"]
DIGEST = "sha256:" + "a" * 64


@dataclass(frozen=True, slots=True)
class Sizes:
    """How often."""

    rounds: int = 15


QUICK = Sizes(2)


def measure(sizes: Sizes) -> Iterator[Report]:
    """Each command in turn, medians."""
    with scratch() as folder, _daemon_stub() as server, socket.create_server(("127.0.0.1", 0)) as registry:
        registry.settimeout(30)
        (folder / "check").mkdir()
        silent = f"127.0.0.1:{registry.getsockname()[1]}"
        silent_config = configuration.write(folder / "check", silent, free_port())
        config, known = _judged(folder)
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text("gk_0123456789ab_" + "a" * 43)
        remote: list[str | Path] = [
            *GATEKEEPER, "status", known, "--server", server, "--token-file", token, "--output", "json",
        ]  # fmt: skip
        local: list[str | Path] = [*GATEKEEPER, "status", known, "--config", config, "--output", "json"]
        check: list[str | Path] = [
            *GATEKEEPER, "check", f"{silent}/team/app@{DIGEST}", "--config", silent_config,
        ]  # fmt: skip
        runs: dict[str, Callable[[], float]] = {
            "python -c pass": _whole([sys.executable, "-c", "pass"], 0),
            "gatekeeper --help": _whole([*GATEKEEPER, "--help"], 0),
            "gatekeeper status --server": _whole(remote, 4),
            "gatekeeper status, local": _whole(local, 0),
            "gatekeeper check, to its first request": lambda: _first_request(check, registry),
        }
        for run in runs.values():
            run()
        yield _report(interleaved(sizes.rounds, runs))


def _judged(folder: Path) -> tuple[Path, str]:
    """A configuration whose database knows one image, and that image."""
    with EmbeddedRegistry() as registry:
        config = configuration.write(folder, registry.host, free_port())
        upgrade(f"sqlite:///{folder / 'gatekeeper.db'}")
        digest = image({"etc/motd": "hello"}).store_in(registry.store, "team/app", "v1")
        loaded = load_configuration(config)
        application = build(loaded.settings, lambda: loaded.policy)
        application.run_rounds(1)
        application.close()
    return config, f"{registry.host}/team/app@{digest}"


def _whole(command: list[str | Path], code: int) -> Callable[[], float]:
    def run() -> float:
        ended = run_all([command])
        if ended.code != code:
            raise RuntimeError(f"{command} ended with {ended.code}, not {code}")
        return ended.seconds

    return run


def _first_request(command: list[str | Path], registry: socket.socket) -> float:
    begin = time.perf_counter()
    running = subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        connection, _ = registry.accept()
        with connection:
            connection.settimeout(30)
            first = connection.recv(1)
        seconds = time.perf_counter() - begin
    finally:
        running.kill()
        running.wait()
    if not first:
        raise RuntimeError("the registry was connected to and not asked")
    return seconds


@contextmanager
def _daemon_stub() -> Iterator[str]:
    """A server with one answer, for an unseen image: what is measured is the client."""
    body = canonical_bytes(unseen(Repository("127.0.0.1", "team/app"), Digest.parse(DIGEST), None))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _report(found: dict[str, list[float]]) -> Report:
    report = Report("cold starts", ("command", "seconds", "x bare Python"))
    bare = middle(found["python -c pass"])
    for name, seconds in found.items():
        report.row(name, middle(seconds), middle(seconds) / bare)
    bounds = {
        "gatekeeper --help": 0.25,
        "gatekeeper status --server": 0.25,
        "gatekeeper check, to its first request": 0.6,
        "gatekeeper status, local": 0.7,
    }
    report.targets += [
        Target(name, middle(found[name]), bound, at_least=False, unit="s") for name, bound in bounds.items()
    ]
    return report
