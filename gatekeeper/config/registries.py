"""One ``[[registries]]`` entry -> what the registry client is told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from gatekeeper.config.context import Assembly
from gatekeeper.config.problems import Location
from gatekeeper.config.registry_models import CredentialsModel, LimitsModel, ProxiesModel, RegistryModel
from gatekeeper.config.secret_models import SecretModel
from gatekeeper.config.settings import WatchedRegistry
from gatekeeper.core.errors import ConfigurationError, MalformedError
from gatekeeper.core.globs import DOCKER_HUB_ALIASES
from gatekeeper.core.reference import canonical_host
from gatekeeper.registry.settings import (
    Anonymous,
    CredentialCommand,
    Credentials,
    DockerConfigFile,
    IdentityToken,
    Pace,
    Proxies,
    ReadCaps,
    RegistrySettings,
    Secret,
    SecretInEnvironment,
    SecretInFile,
    Timeouts,
    UsernamePassword,
)

HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9._-]*[a-z0-9])?)(:[0-9]{1,5})?", re.ASCII)
PATH = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*", re.ASCII)
REALM = re.compile(rf"(https?://)?{HOST.pattern}", re.ASCII)


def assemble_registry(assembly: Assembly, model: RegistryModel, at: Location) -> WatchedRegistry | None:
    """The entry, or None when its host alone makes it unusable; problems were added."""
    host = _host(assembly, model.host, (*at, "host"))
    if host is None:
        return None
    for name in ("repositories", "exclude"):
        for position, glob in enumerate(getattr(model, name)):
            if glob.startswith((host + "/", "/")):
                assembly.wrong(
                    (*at, name, position),
                    f"is matched against the path without the host; write '{glob.partition('/')[2]}'",
                )
    for position, realm in enumerate(model.auth_realms):
        if not REALM.fullmatch(realm):
            assembly.wrong((*at, "auth_realms", position), "must be host[:port], or http://host[:port]")
    if model.api_host is not None and not HOST.fullmatch(model.api_host):
        assembly.wrong((*at, "api_host"), "must be host[:port], in lower case")
    if model.client_key is not None and model.client_certificate is None:
        assembly.wrong((*at, "client_key"), "has no client_certificate it could belong to")
    files = {
        name: str(path)
        for name in ("ca_file", "client_certificate")
        if (path := assembly.existing((*at, name), getattr(model, name))) is not None
    }
    if model.client_key is not None:
        secret = assembly.secret(
            (*at, "client_key"), SecretModel(env=None, file=model.client_key, command=None)
        )
        files["client_key"] = str(secret.file)
    try:
        connection = RegistrySettings(
            host=host,
            api_host=model.api_host,
            plain_http=model.plain_http,
            credentials=_credentials(assembly, model.credentials, (*at, "credentials")),
            auth_realms=model.auth_realms,
            proxies=_proxies(assembly, model.proxies, (*at, "proxies")),
            timeouts=Timeouts(**{name: value.total_seconds() for name, value in model.timeouts}),
            caps=_caps(model.limits),
            pace=_pace(model),
            **files,
        )
    except ConfigurationError as error:
        assembly.wrong((*at, "host"), error.message)
        return None
    return WatchedRegistry(
        connection,
        model.repositories,
        model.exclude,
        _scratch(assembly, model, (*at, "scratch_repository")),
        _aliases(assembly, model, at),
    )


def _scratch(assembly: Assembly, model: RegistryModel, at: Location) -> str | None:
    path = model.scratch_repository
    if path is not None and not PATH.fullmatch(path):
        assembly.wrong(at, "must be a repository path without the host, for example 'scratch/gatekeeper'")
    return path


def _aliases(assembly: Assembly, model: RegistryModel, at: Location) -> tuple[str, ...]:
    found: list[str] = []
    for position, alias in enumerate(model.aliases):
        try:
            found.append(canonical_host(alias))
        except MalformedError as error:
            assembly.wrong((*at, "aliases", position), error.message)
    return tuple(found)


def check_aliases(assembly: Assembly, registries: Sequence[WatchedRegistry]) -> None:
    """Each name means one registry."""
    taken = Counter(name for entry in registries for name in {entry.connection.host, *entry.aliases})
    for position, entry in enumerate(registries):
        for alias in sorted(set(entry.aliases)):
            if taken[alias] > 1:
                assembly.wrong(("registries", position, "aliases"), f"{alias} names another registry too")


def _host(assembly: Assembly, written: str, at: Location) -> str | None:
    host = written.lower()
    if "://" in host or "/" in host:
        bare = host.partition("://")[2] or host
        assembly.wrong(at, f"must be host[:port] without scheme or path; write '{bare.partition('/')[0]}'")
        return None
    if not HOST.fullmatch(host):
        assembly.wrong(at, "must be host or host:port")
        return None
    if host in DOCKER_HUB_ALIASES:
        assembly.wrong(at, "is Docker Hub; write 'docker.io', which is what image references say")
        return None
    return host.removesuffix(":443")


def _caps(model: LimitsModel) -> ReadCaps:
    return replace(ReadCaps(), **dict(model))


def _pace(model: RegistryModel) -> Pace:
    pace = model.pace
    return Pace(
        concurrency=pace.concurrency,
        per_second=pace.per_second,
        burst=pace.burst,
        attempts=pace.attempts,
        ceiling=pace.ceiling.total_seconds(),
        backoff=pace.backoff.total_seconds(),
    )


def _secret(assembly: Assembly, model: SecretModel, at: Location) -> Secret:
    """The registry room reads environment and files itself, anew for every sign-in."""
    secret = assembly.secret(at, model)
    return (
        SecretInFile(str(secret.file)) if secret.file is not None else SecretInEnvironment(secret.env or "")
    )


def _credentials(assembly: Assembly, model: CredentialsModel | None, at: Location) -> Credentials:
    if model is None:
        return Anonymous()
    seconds = model.timeout.total_seconds()
    if model.username is not None and model.password is not None:
        return UsernamePassword(model.username, _secret(assembly, model.password, (*at, "password")))
    if model.identity_token is not None:
        return IdentityToken(_secret(assembly, model.identity_token, (*at, "identity_token")))
    if model.command is not None:
        return CredentialCommand(model.command, seconds)
    if isinstance(model.docker_config, str):
        path = assembly.existing((*at, "docker_config"), model.docker_config)
        return DockerConfigFile(str(path), seconds)
    return DockerConfigFile(None, seconds)


def _proxies(assembly: Assembly, model: ProxiesModel, at: Location) -> Proxies:
    urls: dict[str, str | None] = {}
    for name in ("http", "https"):
        written = getattr(model, name)
        url = written
        if isinstance(written, SecretModel):
            secret = assembly.secret((*at, name), written)
            try:
                url = secret() if assembly.check_secrets else None
            except ConfigurationError as error:
                assembly.wrong((*at, name), error.message)
                url = None
        elif written is not None and "@" in written:
            assembly.wrong(
                (*at, name), 'has a password in it; write { env = "NAME" } or { file = "/run/secrets/name" }'
            )
        if url is not None and not re.fullmatch(r"http://[^\s/]+/?", url):
            assembly.wrong((*at, name), "must be http://host:port")
        urls[name] = url
    return Proxies(http=urls["http"], https=urls["https"], exempt=model.exempt)
