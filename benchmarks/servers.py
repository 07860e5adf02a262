"""Registries on this machine, quiet: what they log would be measured with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.programs import Child, child, go_program, judge
from tests.judges.servers import free_port, scratch, serve

KINDS = ("distribution3", "referrers")
_CONFIGURATION = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {root}, maxthreads: 100}}
http: {{addr: "{host}"}}
"""


@contextmanager
def registry(kind: str) -> Iterator[str]:
    """``127.0.0.1:PORT`` of a running, empty registry. Raises AbsentError."""
    starter = _distribution3 if kind == "distribution3" else _referrers
    with scratch() as folder, starter(folder) as host:
        yield host


@contextmanager
def _distribution3(folder: Path) -> Iterator[str]:
    program, host = judge("distribution3"), f"127.0.0.1:{free_port()}"
    configuration = folder / "registry.yml"
    configuration.write_text(_CONFIGURATION.format(root=folder / "storage", host=host))
    quiet = {"OTEL_TRACES_EXPORTER": "none"}
    with serve([program, "serve", configuration], folder, environment=quiet) as running:
        running.answering(host)
        yield host


@contextmanager
def _referrers(folder: Path) -> Iterator[str]:
    with serve([judge("referrers-registry")], folder) as running:
        host = running.listening_on()
        running.answering(host)
        yield host


@contextmanager
def counted(host: str, delay: str = "0s") -> Iterator[Child]:
    """A proxy before a registry, its address the greeting; it delays each way and answers with what it counted."""
    with child([go_program("latency"), host, delay]) as proxy:
        yield proxy
