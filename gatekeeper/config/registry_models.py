"""The shape of ``[[registries]]``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from gatekeeper.config.fields import (
    AnyDuration,
    Count,
    Duration,
    Flag,
    Number,
    Size,
    SomeTexts,
    Table,
    Text,
    Texts,
)
from gatekeeper.config.quantities import parse_duration
from gatekeeper.config.secret_models import SecretField, TextOrSecret


def _flag_or_text(written: Any) -> Any:
    if not isinstance(written, bool | str):
        raise ValueError("must be true, or a path in quotes")
    return written


class CredentialsModel(Table):
    """How we sign in to a registry: exactly one way."""

    username: Text | None = Field(None, description="User name, together with `password`.")
    password: SecretField | None = Field(None, description="Its password or access token.")
    identity_token: SecretField | None = Field(
        None, description="An OAuth2 refresh token (docker's identitytoken)."
    )
    docker_config: Annotated[bool | str, BeforeValidator(_flag_or_text)] | None = Field(
        None,
        description="true: docker's own config.json; a path: that file. `auths`, `credHelpers` and `credsStore` are "
        "read, and only the entry of this host.",
    )
    command: SomeTexts | None = Field(
        None,
        description='Program that prints `{"Username": ..., "Secret": ...}` (docker credential helper JSON).',
    )
    timeout: Duration = Field(parse_duration("10s"), description="How long a credential program may take.")

    @model_validator(mode="after")
    def _exactly_one(self) -> CredentialsModel:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together; the other one is missing")
        ways = (self.username, self.identity_token, self.docker_config or None, self.command)
        if sum(way is not None for way in ways) != 1:
            raise ValueError(
                "needs exactly one of: username with password, identity_token, docker_config, command; "
                "leave `credentials` out for an anonymous registry"
            )
        for name in ("password", "identity_token"):
            secret = getattr(self, name)
            if secret is not None and secret.command is not None:
                raise ValueError(
                    f"{name} comes from env or file; a program gives both: credentials = {{ command = [...] }}"
                )
        return self


class TimeoutsModel(Table):
    """Deadlines of one request."""

    connect: Duration = Field(parse_duration("5s"), description="Until the connection stands.")
    read: Duration = Field(parse_duration("30s"), description="Between two pieces of an answer.")
    total: Duration = Field(parse_duration("60s"), description="One request in all, whatever drips in.")
    transfer: Duration = Field(parse_duration("1h"), description="One streamed blob in all.")


class LimitsModel(Table):
    """The most that is read from a registry before anything is parsed. Over a limit is indeterminate, never absent."""

    manifest: Size = Field(4 << 20, description="One manifest or image index.")
    referrers: Size = Field(8 << 20, description="One page of referrers, or the fallback index.")
    page: Size = Field(8 << 20, description="One page of tags or repositories.")
    pages: Count = Field(1000, ge=1, description="Pages of one listing.")
    entries: Count = Field(
        200_000, ge=1, description="Tags of one repository, or repositories of one catalog."
    )
    referrer_count: Count = Field(1000, ge=1, description="Referrers of one subject.")
    closure: Count = Field(2000, ge=1, description="Manifests of one image with everything that hangs on it.")
    closure_depth: Count = Field(
        6, ge=1, description="Steps from an image to its farthest child or referrer."
    )
    layer: Size = Field(32 << 30, description="One blob that is copied.")


class PaceModel(Table):
    """How hard a registry may be asked."""

    concurrency: Count = Field(8, ge=1, le=256, description="Requests at the same time.")
    per_second: Number | None = Field(
        None, gt=0, description="Requests a second on the long run; left out: no limit of ours."
    )
    burst: Count = Field(20, ge=1, description="Requests that may go at once before `per_second` counts.")
    attempts: Count = Field(4, ge=1, le=20, description="How often an idempotent request is tried in all.")
    ceiling: Duration = Field(
        parse_duration("60s"),
        description="All waiting between attempts together; a longer Retry-After fails at once.",
    )
    backoff: AnyDuration = Field(
        parse_duration("500ms"),
        description="Before the second attempt where no Retry-After is given; doubles each time.",
    )


class ProxiesModel(Table):
    """HTTP proxies. The environment's are never used."""

    http: TextOrSecret | None = Field(
        None,
        description='`"http://host:port"`; with a password in it: `{ env = "..." }` or `{ file = "..." }`.',
    )
    https: TextOrSecret | None = Field(None, description="The same for https registries.")
    exempt: Texts = Field((), description="Hosts reached directly: `host` or `.domain`.")


class RegistryModel(Table):
    """One registry. No host that is not listed here is ever contacted."""

    host: Text = Field(description="`host` or `host:port` as in image references; Docker Hub is `docker.io`.")
    repositories: SomeTexts = Field(
        ("**",),
        description="Globs over repository paths (without the host) that are watched. Where the registry offers no "
        "catalog, only names without a wildcard are found.",
    )
    exclude: Texts = Field((), description="Globs over repository paths that are not watched.")
    aliases: Texts = Field(
        (),
        description="Other `host[:port]` by which Harbor calls this registry when it asks Gatekeeper to scan "
        "(`core:8080` where its registration uses the internal address). Never contacted.",
    )
    scratch_repository: Text | None = Field(
        None,
        description="Path of a repository in which `gatekeeper doctor --write-probe` may write and delete; nothing "
        "else ever writes there.",
    )
    credentials: CredentialsModel | None = Field(None, description="How we sign in; left out: anonymously.")
    plain_http: Flag = Field(False, description="Speak http. Never fallen back to by itself.")
    api_host: Text | None = Field(None, description="`host[:port]` that serves the API, when it is another.")
    auth_realms: Texts = Field(
        (),
        description="Further token services this registry may send us to: `host[:port]` or `http://host[:port]`.",
    )
    ca_file: Text | None = Field(None, description="PEM bundle trusted instead of the system's.")
    client_certificate: Text | None = Field(None, description="PEM file with our certificate (and key).")
    client_key: Text | None = Field(
        None, description="PEM file with our key, when it is not in the certificate's file."
    )
    proxies: ProxiesModel = Field(ProxiesModel(), description="HTTP proxies for this registry.")
    timeouts: TimeoutsModel = Field(TimeoutsModel(), description="Deadlines of one request.")
    limits: LimitsModel = Field(LimitsModel(), description="The most that is read.")
    pace: PaceModel = Field(PaceModel(), description="How hard it may be asked.")
