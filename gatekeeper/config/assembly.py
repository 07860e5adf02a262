"""The model of ``config.toml`` -> frozen settings, with the checks that look at more than one key or at a file."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gatekeeper.config.context import Assembly
from gatekeeper.config.feeds import assemble_feeds
from gatekeeper.config.models import ConfigModel, DatabaseModel, RevocationModel, ServerModel, TrustModel
from gatekeeper.config.notifications import assemble_notifications
from gatekeeper.config.problems import Location, ProblemList
from gatekeeper.config.registries import assemble_registry, check_aliases
from gatekeeper.config.registry_models import RegistryModel
from gatekeeper.config.scanners import assemble_scanners
from gatekeeper.config.secret_models import SecretModel
from gatekeeper.config.settings import (
    DatabaseSettings,
    EngineSettings,
    EvidenceSettings,
    LoggingSettings,
    PollingSettings,
    ServerSettings,
    Settings,
    TlsSettings,
    TrustSettings,
    WatchedRegistry,
)
from gatekeeper.config.signing import assemble_signing
from gatekeeper.config.source import TomlSource
from gatekeeper.core.lifecycle import Caps
from gatekeeper.core.waiver import WaiverLimits
from gatekeeper.signatures.notation.settings import RevocationSettings

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Written:
    """What could be read. ``registries``: position in the file and entry; those of ``model`` are not used."""

    model: ConfigModel
    registries: tuple[tuple[int, RegistryModel], ...]


def assemble(
    written: Written, source: TomlSource, path: Path, problems: ProblemList, *, check_secrets: bool
) -> Settings:
    """Settings; only to be used when no problem was added."""
    model = written.model
    assembly = Assembly(source, path.parent, problems, check_secrets=check_secrets)
    registries: list[WatchedRegistry] = []
    for position, entry in written.registries:
        registry = assemble_registry(assembly, entry, ("registries", position))
        if registry is None:
            continue
        if any(known.connection.host == registry.connection.host for known in registries):
            assembly.wrong(
                ("registries", position, "host"),
                f"{registry.connection.host} is listed twice; keep one entry per host",
            )
        registries.append(registry)
    check_aliases(assembly, registries)
    return Settings(
        source=path,
        policy=assembly.path(model.policy),
        registries=tuple(registries),
        database=_database(assembly, model.database),
        server=_server(assembly, model.server),
        polling=PollingSettings(**dict(model.polling)),
        evidence=EvidenceSettings(**dict(model.evidence)),
        engine=EngineSettings(**dict(model.engine)),
        caps=Caps(**dict(model.caps)),
        waivers=WaiverLimits(**dict(model.waivers)),
        feeds=assemble_feeds(assembly, model.feeds),
        logging=LoggingSettings(**dict(model.logging)),
        trust=_trust(assembly, model.trust),
        notifications=assemble_notifications(assembly, model),
        signing=None if model.signing is None else assemble_signing(assembly, model.signing),
        revocation=_revocation(assembly, model.revocation),
        scanners=assemble_scanners(assembly, model.scanners),
    )


def _revocation(assembly: Assembly, model: RevocationModel) -> RevocationSettings:
    folder = None if model.folder is None else assembly.path(model.folder)
    if folder is not None and not folder.is_dir():
        assembly.wrong(("revocation", "folder"), f"there is no folder {folder}")
    for position, host in enumerate(model.hosts):
        if _HOST.fullmatch(host) is None:
            assembly.wrong(("revocation", "hosts", position), f"'{host}' is no host or host:port")
    return RevocationSettings(folder, model.hosts)


def _database(assembly: Assembly, model: DatabaseModel) -> DatabaseSettings:
    if model.url is None:
        return DatabaseSettings(f"sqlite:///{assembly.path(model.path or 'gatekeeper.db')}")
    at: Location = ("database", "url")
    try:
        parts = urlsplit(model.url)
        password = parts.password
    except ValueError:
        assembly.wrong(at, "is no URL; write postgresql+psycopg://user@host:5432/name")
        return DatabaseSettings(model.url)
    scheme = "postgresql+psycopg" if parts.scheme in ("postgresql", "postgres") else parts.scheme
    if scheme not in ("postgresql+psycopg", "sqlite"):
        assembly.wrong(at, "must begin with postgresql+psycopg:// (for SQLite use path)")
    if password is not None or "password=" in parts.query:
        assembly.wrong(
            at, "has a password in it; take it out and add password = { env = ... } or { file = ... }"
        )
    secret = None
    if model.password is not None:
        secret = assembly.secret(("database", "password"), model.password)
        if not parts.username:
            assembly.wrong(
                at, "names no user that the password could belong to: postgresql+psycopg://USER@host/name"
            )
    return DatabaseSettings(f"{scheme}{model.url[len(parts.scheme) :]}", secret)


def _server(assembly: Assembly, model: ServerModel) -> ServerSettings:
    host, port = _listen(assembly, model.listen)
    tls = None
    if (model.tls_certificate is None) != (model.tls_key is None):
        assembly.wrong(("server",), "tls_certificate and tls_key go together; the other one is missing")
    elif model.tls_certificate is not None and model.tls_key is not None:
        certificate = assembly.existing(("server", "tls_certificate"), model.tls_certificate)
        key = assembly.secret(
            ("server", "tls_key"), SecretModel(env=None, file=model.tls_key, command=None)
        ).file
        if certificate is not None and key is not None:
            tls = TlsSettings(certificate, key)
    if model.enabled and tls is None and not model.insecure_http and not loopback(host):
        assembly.wrong(
            ("server", "listen"),
            f"{host} is more than loopback and there is no TLS; set tls_certificate and tls_key, "
            "or insecure_http = true when a proxy in front speaks TLS",
        )
    public_url = model.public_url
    if public_url is not None and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", public_url):
        assembly.wrong(("server", "public_url"), "must be http(s)://host[:port][/path]")
    return ServerSettings(
        enabled=model.enabled,
        host=host,
        port=port,
        tls=tls,
        public_url=public_url,
        bootstrap_token_file=assembly.path(model.first_token_file),
    )


def _trust(assembly: Assembly, model: TrustModel) -> TrustSettings:
    proxy = model.proxy
    return TrustSettings(
        directory=assembly.path(model.directory),
        proxy=assembly.secret(("trust", "proxy"), proxy) if isinstance(proxy, SecretModel) else proxy,
        ca_file=assembly.existing(("trust", "ca_file"), model.ca_file),
        second_opinion=model.second_opinion,
    )


def _listen(assembly: Assembly, text: str) -> tuple[str, int]:
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]\s]+):([0-9]{1,5})", text)
    if found is None or int(found[2]) > 65535:
        assembly.wrong(("server", "listen"), "must be host:port, for example 127.0.0.1:8080 or [::]:8080")
        return "127.0.0.1", 0
    return found[1].strip("[]"), int(found[2])


def loopback(host: str) -> bool:
    """True for ``localhost`` and loopback addresses."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
