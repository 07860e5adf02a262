"""The use cases on this machine: configuration, database and registries are opened here, and closed at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.cli.acting import Plain, actor, plain
from gatekeeper.config.load import find_config, load_settings
from gatekeeper.config.settings import Settings, TrustSettings
from gatekeeper.core.errors import ConfigurationError
from gatekeeper.core.policy import Policy
from gatekeeper.core.reference import Reference
from gatekeeper.core.trust import TrustRoot
from gatekeeper.ports import Registries, Registry, Store
from gatekeeper.wiring import Application, Parts, asking, build, checking, open_store

if TYPE_CHECKING:
    from gatekeeper.cli.local_desk import LocalDesk
    from gatekeeper.demo.story_clock import StoryClock
    from gatekeeper.workflow.show_sboms import ImageSboms


def trust_settings(config: Path | None, directory: Path | None) -> TrustSettings:
    """How trust roots are kept and fetched; no configuration is needed when the directory is given."""
    if directory is not None and config is None:
        return TrustSettings(directory=directory)
    settings = load_settings(find_config(config)).trust
    return settings if directory is None else replace(settings, directory=directory)


def policy_roots(config: Path | None) -> tuple[tuple[TrustRoot, ...], str | None]:
    """The trust roots that the policy names; none, with the first problem, where it cannot be read."""
    from gatekeeper.config.reload import load_configuration

    try:
        return load_configuration(find_config(config)).policy.trust_roots, None
    except ConfigurationError as error:
        return (), error.problems[0]


@contextmanager
def local_application(config: Path | None) -> Iterator[Application]:
    """Every use case. Raises ConfigurationError, UnavailableError."""
    from gatekeeper.config.reload import load_configuration

    configuration = load_configuration(find_config(config))
    with ExitStack() as stack:
        registries = LateRegistries(configuration.settings, stack)
        application = build(
            configuration.settings, lambda: configuration.policy, Parts(registries=registries)
        )
        stack.callback(application.close)
        yield application


class LateRegistries:
    """The configured registries, loaded when one is asked: a recorded answer about a digest needs none of them."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._opened: Registries | None = None

    def get(self, host: str) -> Registry:
        """Raises ConfigurationError for a host that is not configured."""
        if self._opened is None:
            self._opened = self._stack.enter_context(checking(self._settings)).registries
        return self._opened.get(host)

    def hosts(self) -> tuple[str, ...]:
        """Every configured host."""
        return tuple(entry.connection.host for entry in self._settings.registries)


@contextmanager
def local_store(config: Path | None) -> Iterator[Store]:
    """The database alone: neither policy nor registries are read."""
    settings = load_settings(find_config(config), check_secrets=False)
    with open_store(settings) as store:
        yield store


@contextmanager
def local_desk(config: Path | None, *, registries: bool) -> Iterator[LocalDesk]:
    """The desk of this machine. Without registries the policy is not read either: brakes work when it is broken."""
    from gatekeeper.cli.local_desk import LocalDesk

    if registries:
        with local_application(config) as application:
            yield LocalDesk(application)
        return
    settings = load_settings(find_config(config), check_secrets=False)
    application = build(settings, Policy, Parts(registries=NoRegistries(settings)))
    try:
        yield LocalDesk(application)
    finally:
        application.close()


class NoRegistries:
    """For commands that ask the database alone."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def get(self, host: str) -> Registry:
        """Never has one."""
        raise ConfigurationError(
            (f"{host}: this command asks no registry",), reason_code="registry-not-asked"
        )

    def hosts(self) -> tuple[str, ...]:
        """Every configured host: what is recorded about it may be told."""
        return tuple(entry.connection.host for entry in self._settings.registries)


def try_notification(config: Path | None, name: str) -> Plain:
    """One message to a webhook. Raises what it answers."""
    from gatekeeper.workflow.notify import try_out

    settings = load_settings(find_config(config))
    application = build(settings, Policy, Parts(registries=NoRegistries(settings)))
    try:
        try_out(application.room, name, actor=actor())
    finally:
        application.close()
    return {"webhook": name, "state": "taken"}


def preview_policy(config: Path | None, policy: Path | None) -> Plain:
    """What ``policy`` (else the configured one) would change. No registry is asked."""
    from gatekeeper.config.policy import load_policy
    from gatekeeper.workflow.preview import preview

    settings = load_settings(find_config(config), check_secrets=False)
    candidate = load_policy(policy if policy is not None else settings.policy)
    application = build(settings, lambda: candidate, Parts(registries=NoRegistries(settings)))
    try:
        return plain(preview(application.room, candidate))
    finally:
        application.close()


def key_impact(config: Path | None, key: str, at: datetime | None) -> Plain:
    """What rests on a key of the policy, from recorded evidence. No registry is asked."""
    from gatekeeper.config.policy import load_policy
    from gatekeeper.signatures.keys import MAX_PEM_BYTES, load_public_key
    from gatekeeper.workflow.trust_impact import trust_impact

    if Path(key).is_file():
        with Path(key).open("rb") as stream:
            key = load_public_key(stream.read(MAX_PEM_BYTES + 1), key).id
    settings = load_settings(find_config(config), check_secrets=False)
    policy = load_policy(settings.policy)
    application = build(settings, lambda: policy, Parts(registries=NoRegistries(settings)))
    try:
        room = application.room
        return plain(trust_impact(room, key, at=room.clock.now() if at is None else at))
    finally:
        application.close()


def check_image(config: Path | None, reference: Reference) -> Plain:
    """One image judged now, as ``explain`` shows it. Nothing is recorded; a database with feeds is asked."""
    from gatekeeper.config.reload import load_configuration
    from gatekeeper.wiring import scanning
    from gatekeeper.workflow.check import explained_check

    configuration = load_configuration(find_config(config))
    with checking(configuration.settings) as collector, scanning(configuration.settings) as scanner:
        return plain(explained_check(collector, configuration.policy, reference, scanner))


def image_sboms(
    reference: Reference, *, platform: str, os_only: bool, plain_http: bool, config: Path | None
) -> ImageSboms:
    """Every SBOM of one image, asked for now. Without a configuration the registry is reached as docker would."""
    from gatekeeper.config.reload import load_configuration
    from gatekeeper.core.platforms import of_machine
    from gatekeeper.workflow.show_sboms import show_sboms

    fallback = of_machine(os.uname().machine)
    if config is None:
        with asking((reference.repository.registry,), plain_http=plain_http) as collector:
            return show_sboms(collector, reference, platform=platform, fallback=fallback, os_only=os_only)
    configuration = load_configuration(find_config(config))
    with checking(configuration.settings) as collector:
        return show_sboms(
            collector,
            reference,
            platform=platform,
            fallback=fallback,
            policy=configuration.policy,
        )


def signing_keys(config: Path | None) -> list[Plain]:
    """The public keys of our attestations, the one in force first. Raises ConfigurationError."""
    from gatekeeper.wiring import attesting_of
    from gatekeeper.workflow.published import published_keys

    attesting = attesting_of(load_settings(find_config(config)))
    return [plain(key) for key in published_keys(attesting)]


def recover_cases(config: Path | None, reason: str | None) -> Plain:
    """What the registries tell of cases that the database may not know; rebuilt when a reason is given."""
    from gatekeeper.workflow.hold import end_recovery
    from gatekeeper.workflow.recover import find_cases, rebuild

    with local_application(config) as application:
        found = find_cases(application.room)
        accepted = found.cases if reason is not None else ()
        rebuilt = rebuild(application.room, accepted, actor=actor(), reason=reason or "")
        if reason is not None and not found.unavailable:
            end_recovery(application.room, actor=actor(), reason=reason)
    return {
        "cases": [{**plain(entry.case), "known": entry.known} for entry in found.cases],
        "rebuilt": [case.id for case in rebuilt],
        "unavailable": [plain(gap) for gap in found.unavailable],
    }


def decommission_registry(config: Path | None, host: str, *, dry_run: bool, reason: str) -> Plain:
    """Takes back everything that we wrote to a registry; a dry run only lists it."""
    from gatekeeper.cli.output import tell
    from gatekeeper.workflow.decommission import decommission

    with local_application(config) as application:
        done = decommission(application.room, host, dry_run=dry_run, actor=actor(), reason=reason, tell=tell)
    return plain(done)


def open_demo(config: Path, clock: StoryClock) -> Application:
    """The application of the demo's own configuration; the environment of whoever runs it has no say in it."""
    from gatekeeper.cli.schema import upgrade
    from gatekeeper.config.reload import load_configuration

    configuration = load_configuration(config, {})
    upgrade(configuration.settings)
    return build(configuration.settings, lambda: configuration.policy, Parts(clock=clock, pause=clock.pause))
