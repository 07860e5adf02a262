"""The composition root: the only place that builds adapters. Heavy imports wait until something is built."""

from __future__ import annotations

import dataclasses
import gc
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekeeper.core.errors import ConfigurationError, UnavailableError
from gatekeeper.core.reference import Repository

if TYPE_CHECKING:
    from gatekeeper.config.settings import KeySettings, ScannerSettings, Settings, TrustSettings
    from gatekeeper.core.feed import FeedSource
    from gatekeeper.core.lifecycle import Case, Decision
    from gatekeeper.core.policy import Policy
    from gatekeeper.core.reference import Reference
    from gatekeeper.core.scan import Scan
    from gatekeeper.ports import Clock, Notifier, Registries, RevocationAnswers, Store
    from gatekeeper.ports.engine import Engine
    from gatekeeper.ports.scanners import Scanner as LiveScanner
    from gatekeeper.scheduler import Daemon
    from gatekeeper.signatures.trust_store import KeptRoot
    from gatekeeper.signatures.verifier import Verifier
    from gatekeeper.transport.client import Transport
    from gatekeeper.transport.origin import Origin
    from gatekeeper.workflow.answer import Answer
    from gatekeeper.workflow.check import Scanner
    from gatekeeper.workflow.collect import Collected
    from gatekeeper.workflow.doctor import Patient
    from gatekeeper.workflow.explain import Explanation
    from gatekeeper.workflow.live_scans import LiveScans
    from gatekeeper.workflow.promote import Promotion
    from gatekeeper.workflow.recover import Found
    from gatekeeper.workflow.workroom import Attesting, Collector, FeedSupply, Limits, Workroom


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """The current moment."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Parts:
    """What may be replaced when an application is built: the demo and tests bring their own."""

    clock: Clock | None = None
    store: Store | None = None
    registries: Registries | None = None
    nonce: Callable[[], str] | None = None
    pause: Callable[[float], None] | None = None
    spread: Callable[[], float] | None = None
    notifier: Notifier | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """Every use case over one configuration. ``close`` ends its connections."""

    room: Workroom
    settings: Settings
    closers: tuple[Callable[[], None], ...]

    def close(self) -> None:
        """Closes what ``build`` opened, the registries before the database."""
        for close in self.closers:
            close()

    def check(self, reference: Reference) -> Answer:
        """One image judged now; nothing is recorded."""
        from gatekeeper.workflow.check import check

        return check(self.room.collector, self.room.policy(), reference)

    def status(self, reference: Reference, *, wait: timedelta | None = None) -> Answer:
        """The recorded answer."""
        from gatekeeper.workflow.status import status

        return status(self.room, reference, wait=wait)

    def explain(self, reference: Reference, *, wait: timedelta | None = None) -> Explanation:
        """The recorded answer with the tree below it."""
        from gatekeeper.workflow.explain import explain

        return explain(self.room, reference, wait=wait)

    def promote(self, reference: Reference, target: Reference, *, actor: str, reason: str) -> Promotion:
        """Copies if and only if passed."""
        from gatekeeper.workflow.promote import promote

        return promote(self.room, reference, target, actor=actor, reason=reason)

    def review(
        self,
        case_id: str,
        decision: Decision,
        *,
        actor: str,
        reason: str,
        expires_at: datetime | None = None,
    ) -> Case:
        """What a person decides about a case."""
        from gatekeeper.workflow.review import review

        return review(self.room, case_id, decision, actor=actor, reason=reason, expires_at=expires_at)

    def hold_on(self, *, actor: str, reason: str) -> None:
        """Stops every registry write."""
        from gatekeeper.workflow.hold import hold_on

        hold_on(self.room, actor=actor, reason=reason)

    def hold_off(self, *, actor: str, reason: str) -> None:
        """Lets registry writes go on."""
        from gatekeeper.workflow.hold import hold_off

        hold_off(self.room, actor=actor, reason=reason)

    def recover(self, *, actor: str, reason: str) -> Found:
        """Rebuilds what the registries tell of and the database does not know; returns everything that was found."""
        from gatekeeper.workflow.recover import find_cases, rebuild

        found = find_cases(self.room)
        rebuild(self.room, found.cases, actor=actor, reason=reason)
        return found

    def daemon(self, engine: Engine | None = None) -> Daemon:
        """The scheduler over this configuration, not yet started."""
        from gatekeeper.engine.local import LocalEngine
        from gatekeeper.scheduler import Daemon, Rhythm

        settings = self.settings
        rhythm = Rhythm(
            tick=settings.engine.tick,
            discover=settings.polling.catalog_interval,
            drain=settings.engine.drain,
        )
        return Daemon(self.room, engine or LocalEngine(settings.engine.workers_per_registry), rhythm)

    def run_rounds(self, count: int, *, between: Callable[[], None] | None = None) -> int:
        """The daemon's own code path for ``count`` rounds on this thread; returns how much work was done.

        ``between`` runs after each round but the last: the demo and tests move their clock there.
        """
        from gatekeeper.engine.local import InlineEngine

        daemon = self.daemon(InlineEngine())
        done = 0
        for number in range(count):
            done += daemon.run_round()
            if between is not None and number + 1 < count:
                between()
        return done


def build(
    settings: Settings,
    policy: Callable[[], Policy],
    parts: Parts | None = None,
    *,
    in_force: Callable[[], Settings] | None = None,
) -> Application:
    """Opens database and registries as ``settings`` says.

    ``policy`` and ``in_force`` (intervals and caps) are asked for every piece of work, so that a reload takes effect.
    Raises UnavailableError (no database), ConfigurationError (an outdated schema, a registry configured twice).
    """
    from gatekeeper.sbom.reader import Reader
    from gatekeeper.vulnerabilities.attestations import AttestationReader
    from gatekeeper.vulnerabilities.stored import StoredMatcher
    from gatekeeper.workflow.workroom import Workroom

    given = parts or Parts()
    now = in_force or (lambda: settings)
    closers: list[Callable[[], None]] = []
    registries = given.registries
    if registries is None:
        registries = _registries(settings, closers)
    store = given.store
    if store is None:
        store = _database(settings, closers)
    room = Workroom(
        registries=registries,
        store=store,
        signatures=_verifier(settings, closers),
        sboms=Reader(),
        scans=AttestationReader(),
        live=_live(settings, closers),
        matcher=StoredMatcher(),
        supply=_supply(settings, lambda: now().feeds.sources),
        clock=given.clock or SystemClock(),
        policy=policy,
        nonce=given.nonce or _nonce,
        pause=given.pause or time.sleep,
        spread=given.spread or secrets.SystemRandom().random,
        watches=lambda repository: _watches(settings, repository),
        named=lambda: _named(settings),
        review=settings.server.public_url or "gatekeeper quarantine list",
        notifier=given.notifier or _notifier(settings, closers),
        limits_in_force=lambda: dataclasses.replace(_limits(now()), lease=settings.engine.lease),
        caps_in_force=lambda: now().caps,
        attesting=attesting_of(settings),
        waiver_limits_in_force=lambda: now().waivers,
    )
    return Application(room, settings, tuple(closers))


@contextmanager
def checking(settings: Settings, parts: Parts | None = None) -> Iterator[Collector]:
    """What ``check IMAGE`` needs: registries and readers, no database."""
    from gatekeeper.sbom.reader import Reader
    from gatekeeper.vulnerabilities.attestations import AttestationReader
    from gatekeeper.workflow.workroom import Collector

    given = parts or Parts()
    closers: list[Callable[[], None]] = []
    registries = given.registries if given.registries is not None else _registries(settings, closers)
    try:
        yield Collector(
            registries,
            _verifier(settings, closers),
            Reader(),
            given.clock or SystemClock(),
            _limits(settings),
            attesting=attesting_of(settings),
            scans=AttestationReader(),
            live=_live(settings, closers),
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
    store = _database(settings, closers)
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
        from gatekeeper.core.scan import NOT_SCANNED
        from gatekeeper.vulnerabilities.stored import StoredMatcher
        from gatekeeper.workflow.scanning import carried

        url = settings.database.url
        if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).is_file():
            return NOT_SCANNED
        try:
            store = _database(settings, closers)
        except (UnavailableError, ConfigurationError):
            # The rules that need it say that no feed could be asked.
            return NOT_SCANNED
        nodes = carried(collected.evidence)
        max_age = settings.feeds.max_age
        return store.scan_unkept(collected.sboms, nodes, StoredMatcher(), max_age=max_age).scan

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


def settle_memory() -> None:
    """For a process that runs long, once everything is built: what exists now is not looked at by the collector again.

    Libraries leave hundreds of thousands of objects that live for ever; going through them again and again takes a
    sixth of the time of a verification.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def attesting_of(settings: Settings) -> Attesting | None:
    """What ``[signing]`` says, with what signs; None without it."""
    signing = settings.signing
    if signing is None:
        return None
    from gatekeeper.config.settings import KeySettings
    from gatekeeper.signatures.attestor import KeyAttestor
    from gatekeeper.workflow.workroom import Attesting

    by = signing.by
    if isinstance(by, KeySettings):
        return Attesting(signing.terms, KeyAttestor(lambda: _pem_and_password(by), signing.retired))
    from gatekeeper.signatures.keyless_attestor import KeylessAttestor, Oidc

    oidc = Oidc(by.identity, by.issuer, by.identity_token)
    return Attesting(signing.terms, KeylessAttestor(by.trust_config.read_bytes(), oidc))


def _pem_and_password(by: KeySettings) -> tuple[bytes, bytes | None]:
    return by.key().encode(), None if by.password is None else by.password().encode()


def _registries(settings: Settings, closers: list[Callable[[], None]]) -> Registries:
    from gatekeeper.registry.registries import ConfiguredRegistries

    registries = ConfiguredRegistries(entry.connection for entry in settings.registries)
    closers.append(registries.close)
    return registries


def _verifier(settings: Settings, closers: list[Callable[[], None]]) -> Verifier:
    from gatekeeper.signatures.second_opinion import SecondOpinion
    from gatekeeper.signatures.verifier import Verifier

    second = SecondOpinion() if settings.trust.second_opinion else None
    return Verifier(_revocation(settings, closers), second)


def _revocation(settings: Settings, closers: list[Callable[[], None]]) -> RevocationAnswers:
    from gatekeeper.signatures.notation.answers import ConfiguredAnswers

    answers = ConfiguredAnswers(settings.revocation, SystemClock().now)
    closers.append(answers.close)
    return answers


def _database(settings: Settings, closers: list[Callable[[], None]]) -> Store:
    from gatekeeper.database import Database

    database = Database.open(settings.database.url, password=settings.database.password)
    closers.append(database.close)
    return database


def _supply(settings: Settings, sources: Callable[[], tuple[FeedSource, ...]]) -> FeedSupply:
    from gatekeeper.transport.settings import TransportSettings
    from gatekeeper.vulnerabilities.feeds.fetching import Reader, open_transport
    from gatekeeper.workflow.workroom import FeedSupply

    feeds = settings.feeds
    connections = TransportSettings(
        ca_file=None if feeds.ca_file is None else str(feeds.ca_file), proxy=feeds.proxy
    )
    return FeedSupply(Reader(open_transport(connections)), sources)


def _live(settings: Settings, closers: list[Callable[[], None]]) -> LiveScans:
    from gatekeeper.workflow.live_scans import Installed, LiveScans

    return LiveScans(
        tuple(Installed(_scanner(entry, closers), entry.makes, entry.max_age) for entry in settings.scanners)
    )


def _scanner(entry: ScannerSettings, closers: list[Callable[[], None]]) -> LiveScanner:
    ca_file = None if entry.ca_file is None else str(entry.ca_file)
    timeout = entry.timeout.total_seconds()
    if entry.url is not None:
        from gatekeeper.transport.client import Transport
        from gatekeeper.transport.origin import origin_of
        from gatekeeper.transport.settings import TransportSettings
        from gatekeeper.vulnerabilities.scanner_client import ScannerClient

        transport = Transport(origin_of(entry.url), TransportSettings(ca_file=ca_file))
        closers.append(transport.close)
        return ScannerClient(entry.name, entry.url, transport, entry.authorization, timeout)
    if entry.program is None or entry.path is None:
        raise ConfigurationError((f"scanner {entry.name}: needs a url, or a program and its path",))
    from gatekeeper.vulnerabilities.scanner_program import Bounds, ScannerProgram

    bounds = Bounds(seconds=timeout, memory=entry.memory)
    return ScannerProgram(entry.name, entry.program, entry.path, bounds, entry.environment, ca_file)


def _limits(settings: Settings) -> Limits:
    from gatekeeper.workflow.workroom import Limits

    polling = settings.polling
    return Limits(
        interval=polling.interval,
        interval_min=polling.min_interval,
        interval_max=polling.max_interval,
        max_blind=polling.max_blind,
        change_share=polling.change_share,
        change_tags=polling.change_tags,
        lease=settings.engine.lease,
        referrers=settings.evidence.referrers,
        children=settings.evidence.platforms,
        candidate_bytes=settings.evidence.candidate_size,
        sbom_bytes=settings.evidence.sbom_size,
        attached=settings.evidence.manifests,
        attached_bytes=settings.evidence.total_size,
        feed_max_age=settings.feeds.max_age,
        feed_hold_share=settings.feeds.hold_share,
        feed_hold_minimum=settings.feeds.hold_minimum,
        events_kept=settings.notifications.keep,
    )


def _notifier(settings: Settings, closers: list[Callable[[], None]]) -> Notifier:
    from gatekeeper.workflow.workroom import Silence

    told = settings.notifications
    if not told.webhooks:
        return Silence()
    from gatekeeper.notifications.webhooks import Webhooks

    webhooks = Webhooks(told.webhooks, source=told.source)
    closers.append(webhooks.close)
    return webhooks


def _nonce() -> str:
    return secrets.token_hex(8)


def _watches(settings: Settings, repository: Repository) -> bool:
    entry = settings.registry(repository.registry)
    return entry is not None and entry.watches(repository.path)


def _named(settings: Settings) -> tuple[Repository, ...]:
    return tuple(
        Repository(entry.connection.host, path)
        for entry in settings.registries
        for path in entry.literal_repositories
    )
