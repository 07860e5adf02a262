"""What single commands need: parts of an application, without the rest of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekeeper.core.errors import ConfigurationError, UnavailableError
from gatekeeper.wiring.adapters import (
    attesting_of,
    database_of,
    limits_of,
    live_scans_of,
    registries_of,
    verifier_of,
)

if TYPE_CHECKING:
    from gatekeeper.config.settings import Settings, TrustSettings
    from gatekeeper.core.scan import Scan
    from gatekeeper.ports import Store
    from gatekeeper.signatures.trust_store import KeptRoot
    from gatekeeper.transport.client import Transport
    from gatekeeper.transport.origin import Origin
    from gatekeeper.workflow.check import Scanner
    from gatekeeper.workflow.collect import Collected
    from gatekeeper.workflow.doctor import Patient
    from gatekeeper.workflow.workroom import Collector
from gatekeeper.wiring.parts import Parts, SystemClock


@contextmanager
def checking(settings: Settings, parts: Parts | None = None) -> Iterator[Collector]:
    """What ``check IMAGE`` needs: registries and readers, no database."""
    from gatekeeper.sbom.reader import Reader
    from gatekeeper.vulnerabilities.attestations import AttestationReader
    from gatekeeper.workflow.workroom import Collector

    given = parts or Parts()
    closers: list[Callable[[], None]] = []
    registries = given.registries if given.registries is not None else registries_of(settings, closers)
    try:
        yield Collector(
            registries,
            verifier_of(settings, closers),
            Reader(),
            given.clock or SystemClock(),
            limits_of(settings),
            attesting=attesting_of(settings),
            scans=AttestationReader(),
            live=live_scans_of(settings, closers),
        )
    finally:
        for close in closers:
            close()


def update_trust_root(
    settings: TrustSettings, name: str, *, url: str | None, first_root: bytes | None, now: datetime
) -> KeptRoot:
    """Fetches a trust root by TUF and keeps it in the directory of the settings.

    Raises UnavailableError (not reachable), MalformedError (refused), NotFoundError (no address, no first root).
    """
    from gatekeeper.signatures import known_instances, trust_store, tuf_repository
    from gatekeeper.transport.origin import origin_of

    trust_store.check_name(name)
    address = url or known_instances.address_of(name)
    root = first_root if first_root is not None else known_instances.shipped(name, known_instances.FIRST_ROOT)
    transport = _transport_of(settings, origin_of(address))
    try:
        fetched = tuf_repository.fetch_trusted_root(
            address, root, settings.directory / "tuf" / name, _getter(transport)
        )
    finally:
        transport.close()
    kept = trust_store.KeptRoot(
        name, fetched.content, address, fetched.version, now.replace(microsecond=0), fetched.expires_at
    )
    trust_store.keep(settings.directory, kept)
    return kept


def _transport_of(settings: TrustSettings, origin: Origin) -> Transport:
    from gatekeeper.transport.client import Transport
    from gatekeeper.transport.settings import TransportSettings

    proxy = settings.proxy
    return Transport(
        origin,
        TransportSettings(
            ca_file=None if settings.ca_file is None else str(settings.ca_file),
            proxy=proxy if proxy is None or isinstance(proxy, str) else proxy(),
        ),
    )


def _getter(transport: Transport) -> Callable[[str, int], bytes]:
    """GET of what must be there: 404 is NotFoundError, any other status but 200 UnavailableError."""
    from gatekeeper.core.errors import Cause, NotFoundError, UnavailableError
    from gatekeeper.transport.message import Request

    def get(url: str, most: int) -> bytes:
        answer = transport.send(Request("GET", url, {}, cap=most))
        if answer.status_code == 404:
            raise NotFoundError(f"GET {url}: 404", reason_code="not-found")
        if answer.status_code != 200:
            raise UnavailableError(f"GET {url}: {answer.status_code}", cause=Cause.SERVER_ERROR)
        return answer.content

    return get


@contextmanager
def asking(hosts: Iterable[str], *, plain_http: bool = False, **connection: Any) -> Iterator[Collector]:
    """What one-shot commands need: these registries without a configuration; docker's own credentials sign in there.

    ``connection``: further fields of RegistrySettings, the same for each.
    """
    from gatekeeper.registry.registries import ConfiguredRegistries
    from gatekeeper.registry.settings import DockerConfigFile, RegistrySettings
    from gatekeeper.sbom.reader import Reader
    from gatekeeper.signatures.verifier import Verifier
    from gatekeeper.workflow.workroom import Collector, Limits

    settings = (
        RegistrySettings(host, plain_http=plain_http, credentials=DockerConfigFile(), **connection)
        for host in sorted(set(hosts))
    )
    registries = ConfiguredRegistries(settings)
    try:
        yield Collector(registries, Verifier(), Reader(), SystemClock(), Limits())
    finally:
        registries.close()


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """The database alone: the audit trail and tokens need neither policy nor registries."""
    closers: list[Callable[[], None]] = []
    store = database_of(settings, closers)
    try:
        yield store
    finally:
        for close in closers:
            close()


@contextmanager
def scanning(settings: Settings) -> Iterator[Scanner]:
    """Who knows vulnerabilities, for ``check``. The database is opened when it is asked; without one: nobody."""
    closers: list[Callable[[], None]] = []

    def scan(collected: Collected) -> Scan:
        from gatekeeper.core.scan import NOT_SCANNED, cves_reported
        from gatekeeper.vulnerabilities.stored import StoredMatcher
        from gatekeeper.workflow.scanning import carried

        url = settings.database.url
        if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).is_file():
            return NOT_SCANNED
        try:
            store = database_of(settings, closers)
        except (UnavailableError, ConfigurationError):
            # The rules that need it say that no feed could be asked.
            return NOT_SCANNED
        nodes = carried(collected.evidence)
        max_age = settings.feeds.max_age
        reported = cves_reported(collected.evidence)
        return store.scan_unkept(
            collected.sboms, nodes, StoredMatcher(), max_age=max_age, reported=reported
        ).scan

    try:
        yield scan
    finally:
        for close in closers:
            close()


def patients(settings: Settings, closers: list[Callable[[], None]]) -> tuple[Patient, ...]:
    """The configured registries as ``doctor`` examines them, each beside a client that signs in nowhere."""
    from gatekeeper.registry.registries import ConfiguredRegistries
    from gatekeeper.registry.settings import Anonymous
    from gatekeeper.workflow.doctor import Patient

    nobody = ConfiguredRegistries(
        dataclasses.replace(entry.connection, credentials=Anonymous()) for entry in settings.registries
    )
    closers.append(nobody.close)
    return tuple(
        Patient(
            entry.connection.host,
            entry.repositories,
            entry.watches,
            partial(nobody.get, entry.connection.host),
        )
        for entry in settings.registries
    )
