"""Each adapter as the configuration says. Heavy imports wait until one is built."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.core.errors import ConfigurationError
from gatekeeper.core.reference import Repository
from gatekeeper.wiring.parts import SystemClock

if TYPE_CHECKING:
    from gatekeeper.config.settings import KeySettings, ScannerSettings, Settings
    from gatekeeper.core.ending import Ending
    from gatekeeper.core.feed import FeedSource
    from gatekeeper.core.policy import Policy
    from gatekeeper.ports import Notifier, Registries, RevocationAnswers, Store
    from gatekeeper.ports.scanners import Scanner as LiveScanner
    from gatekeeper.signatures.verifier import Verifier
    from gatekeeper.workflow.live_scans import LiveScans
    from gatekeeper.workflow.workroom import Attesting, FeedSupply, Limits


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


def registries_of(settings: Settings, closers: list[Callable[[], None]]) -> Registries:
    """The configured registries."""
    from gatekeeper.registry.registries import ConfiguredRegistries

    registries = ConfiguredRegistries(entry.connection for entry in settings.registries)
    closers.append(registries.close)
    return registries


def verifier_of(settings: Settings, closers: list[Callable[[], None]]) -> Verifier:
    """The verifier of signatures, with a second opinion where one is wanted."""
    from gatekeeper.signatures.second_opinion import SecondOpinion
    from gatekeeper.signatures.verifier import Verifier

    second = SecondOpinion() if settings.trust.second_opinion else None
    return Verifier(revocation_of(settings, closers), second)


def revocation_of(settings: Settings, closers: list[Callable[[], None]]) -> RevocationAnswers:
    """Where answers about revoked certificates come from."""
    from gatekeeper.signatures.notation.answers import ConfiguredAnswers

    answers = ConfiguredAnswers(settings.revocation, SystemClock().now)
    closers.append(answers.close)
    return answers


def database_of(settings: Settings, closers: list[Callable[[], None]]) -> Store:
    """The store. Raises UnavailableError, ConfigurationError."""
    from gatekeeper.database import Database

    database = Database.open(settings.database.url, password=settings.database.password)
    closers.append(database.close)
    return database


def supply_of(settings: Settings, sources: Callable[[], tuple[FeedSource, ...]]) -> FeedSupply:
    """Where feeds come from."""
    from gatekeeper.transport.settings import TransportSettings
    from gatekeeper.vulnerabilities.feeds.fetching import Reader, open_transport
    from gatekeeper.workflow.workroom import FeedSupply

    feeds = settings.feeds
    connections = TransportSettings(
        ca_file=None if feeds.ca_file is None else str(feeds.ca_file), proxy=feeds.proxy
    )
    return FeedSupply(Reader(open_transport(connections)), sources)


def live_scans_of(settings: Settings, closers: list[Callable[[], None]]) -> LiveScans:
    """The configured scanners and what they answered."""
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


def limits_of(settings: Settings) -> Limits:
    """Ceilings and intervals, as configured."""
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
        stabilization_window=settings.feeds.stabilization_window,
        events_kept=settings.notifications.keep,
    )


def notifier_of(settings: Settings, closers: list[Callable[[], None]]) -> Notifier:
    """Who tells people; nobody where no webhook is configured."""
    from gatekeeper.workflow.workroom import Silence

    told = settings.notifications
    if not told.webhooks:
        return Silence()
    from gatekeeper.notifications.webhooks import Webhooks

    webhooks = Webhooks(told.webhooks, source=told.source)
    closers.append(webhooks.close)
    return webhooks


def new_nonce() -> str:
    """16 random hexadecimal digits."""
    return secrets.token_hex(8)


def watches(settings: Settings, repository: Repository) -> bool:
    """Whether the configuration leaves this repository in."""
    entry = settings.registry(repository.registry)
    return entry is not None and entry.watches(repository.path)


def named_repositories(settings: Settings) -> tuple[Repository, ...]:
    """Those that are named without a wildcard: they need no catalog."""
    return tuple(
        Repository(entry.connection.host, path)
        for entry in settings.registries
        for path in entry.literal_repositories
    )


def endings_of(settings: Settings, policy: Policy) -> tuple[Ending, ...]:
    """Everything of ours that ends at a known moment, from the files as they are now."""
    from gatekeeper.registry.endings import login_endings
    from gatekeeper.signatures.certificate_files import certificate_ending
    from gatekeeper.signatures.endings import endings_of as trust_endings

    found = list(trust_endings(policy))
    for entry in settings.registries:
        connection = entry.connection
        found.extend(login_endings(connection))
        if connection.client_certificate is not None:
            found.extend(
                certificate_ending(
                    Path(connection.client_certificate),
                    f"client certificate of {connection.host}",
                    "the registry refuses us from then on",
                    "Put a new certificate (and key) into the file, then restart.",
                )
            )
    if settings.server.tls is not None:
        found.extend(
            certificate_ending(
                settings.server.tls.certificate,
                "certificate of the server",
                "pipelines and webhooks refuse us from then on",
                "Put a new certificate (and key) into the file, then restart.",
            )
        )
    return tuple(found)
