"""``[notifications]`` -> the webhooks that are told of events."""

from __future__ import annotations

import ipaddress
import re

from gatekeeper.config.context import Assembly
from gatekeeper.config.models import ConfigModel
from gatekeeper.config.notification_models import WebhookModel
from gatekeeper.config.problems import Location
from gatekeeper.config.settings import NotificationSettings
from gatekeeper.core.errors import ConfigurationError
from gatekeeper.core.event import KINDS
from gatekeeper.core.policy import matches_any
from gatekeeper.notifications.endpoint import Endpoint
from gatekeeper.notifications.signature import key_of


def assemble_notifications(assembly: Assembly, model: ConfigModel) -> NotificationSettings:
    """Settings; only to be used when no problem was added."""
    written = model.notifications
    webhooks: list[Endpoint] = []
    for position, webhook in enumerate(written.webhooks):
        at: Location = ("notifications", "webhooks", position)
        if any(known.name == webhook.name for known in webhooks):
            assembly.wrong(
                (*at, "name"), f"{webhook.name} is listed twice; give each webhook a name of its own"
            )
        webhooks.append(_webhook(assembly, webhook, at))
    source = written.source or model.server.public_url or "gatekeeper"
    return NotificationSettings(source, written.keep, tuple(webhooks))


def _webhook(assembly: Assembly, model: WebhookModel, at: Location) -> Endpoint:
    _check_networks(assembly, model, at)
    _check_url(assembly, model, at)
    for position, glob in enumerate(model.events):
        if not any(matches_any((glob,), kind) for kind in KINDS):
            assembly.wrong(
                (*at, "events", position), f"matches no kind of event; there are: {', '.join(sorted(KINDS))}"
            )
    secrets = [assembly.secret((*at, "secret"), model.secret)]
    if model.previous_secret is not None:
        secrets.append(assembly.secret((*at, "previous_secret"), model.previous_secret))
    if assembly.check_secrets:
        for name, secret in zip(("secret", "previous_secret"), secrets, strict=False):
            if secret.trouble() is None and not secret.command:
                try:
                    key_of(secret())
                except (ValueError, ConfigurationError) as error:
                    assembly.wrong((*at, name), str(error))
    ca_file = assembly.existing((*at, "ca_file"), model.ca_file)
    return Endpoint(
        name=model.name,
        url=model.url,
        secrets=tuple(secrets),
        kinds=model.events,
        networks=model.networks,
        timeout=model.timeout.total_seconds(),
        ca_file=None if ca_file is None else str(ca_file),
        proxy=model.proxy,
    )


def _check_networks(assembly: Assembly, model: WebhookModel, at: Location) -> None:
    for position, network in enumerate(model.networks):
        try:
            ipaddress.ip_network(network)
        except ValueError:
            assembly.wrong((*at, "networks", position), "is no network; write 10.1.0.0/16 or fd00::/8")


def _check_url(assembly: Assembly, model: WebhookModel, at: Location) -> None:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s#]*)?", model.url):
        assembly.wrong((*at, "url"), "must be https://host[:port]/path, without a user or a fragment in it")
    elif model.url.startswith("http:") and not model.networks:
        assembly.wrong(
            (*at, "url"),
            "is plain http; write https, or name in `networks` the inner network in which it lies",
        )
