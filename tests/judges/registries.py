"""Real registries of other people, and ours, behind one description."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from tests.judges.servers import scratch, serve
from tests.judges.tools import find

_CONFIGURATION = """\
version: 0.1
log:
  level: info
storage:
  filesystem:
    rootdirectory: {root}
  delete:
    enabled: true
http:
  addr: 127.0.0.1:0
"""


@dataclass(frozen=True, slots=True)
class RegistryServer:
    """A running registry. What it offers is stated, so that tests need not guess by kind."""

    kind: str
    host: str
    """``127.0.0.1:PORT``, as it stands in a reference."""
    referrers: bool
    """It has the referrers API."""
    tag_delete: bool
    """It offers DELETE of a tag."""

    @property
    def url(self) -> str:
        """Base URL; plain http."""
        return f"http://{self.host}"


@contextmanager
def _distribution(kind: str, program: str, *, tag_delete: bool) -> Iterator[RegistryServer]:
    found = find(program)
    with scratch() as folder:
        configuration = folder / "registry.yml"
        configuration.write_text(_CONFIGURATION.format(root=folder / "storage"))
        quiet = {"OTEL_TRACES_EXPORTER": "none"}
        with serve([found, "serve", configuration], folder, environment=quiet) as running:
            host = running.listening_on()
            running.answering(host)
            yield RegistryServer(kind, host, referrers=False, tag_delete=tag_delete)


@contextmanager
def embedded_registry() -> Iterator[RegistryServer]:
    """Our own, in memory, as it behaves when nothing is switched off."""
    from gatekeeper.demo.registry import EmbeddedRegistry

    with EmbeddedRegistry() as running:
        yield RegistryServer("embedded", running.url.partition("://")[2], referrers=True, tag_delete=True)


def debian_registry() -> AbstractContextManager[RegistryServer]:
    """Debian's docker-registry 2.8.2: no referrers API, no tag delete, digest delete."""
    return _distribution("debian", "docker-registry", tag_delete=False)


def distribution3() -> AbstractContextManager[RegistryServer]:
    """CNCF Distribution 3: tag delete, no referrers API."""
    return _distribution("distribution3", "distribution3", tag_delete=True)


@contextmanager
def referrers_registry() -> Iterator[RegistryServer]:
    """go-containerregistry's registry in memory, with the referrers API."""
    found = find("referrers-registry")
    with scratch() as folder, serve([found], folder) as running:
        host = running.listening_on()
        running.answering(host)
        yield RegistryServer("referrers", host, referrers=True, tag_delete=True)


_STARTERS: Mapping[str, Callable[[], AbstractContextManager[RegistryServer]]] = {
    "embedded": embedded_registry,
    "debian": debian_registry,
    "distribution3": distribution3,
    "referrers": referrers_registry,
}

KINDS = tuple(_STARTERS)
"""Every registry the contract suites run on, ours first."""
REAL_KINDS = KINDS[1:]
"""The registries of other people."""


def registry_server(kind: str) -> AbstractContextManager[RegistryServer]:
    """A running, empty registry of one of ``KINDS``; skips when its program is absent."""
    return _STARTERS[kind]()
