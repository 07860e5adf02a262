"""Everything a registry client is told. Filled by ``config``; no value is read from the environment by surprise."""

from __future__ import annotations

from dataclasses import dataclass, field

from gatekeeper.core.errors import ConfigurationError
from gatekeeper.registry.adapters import quirks_of

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SecretInEnvironment:
    """Read from this environment variable each time it is needed."""

    variable: str


@dataclass(frozen=True, slots=True)
class SecretInFile:
    """Read from this file each time it is needed, so that a rotated secret needs no restart. One line."""

    path: str


@dataclass(frozen=True, slots=True)
class SecretText:
    """The secret itself: for the demo and tests; ``config`` refuses literal secrets by default."""

    value: str = field(repr=False)


Secret = SecretInEnvironment | SecretInFile | SecretText


@dataclass(frozen=True, slots=True)
class Anonymous:
    """No credential: only what the registry gives to everybody."""


@dataclass(frozen=True, slots=True)
class UsernamePassword:
    """Basic authentication, with the registry or with its token service."""

    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class IdentityToken:
    """An OAuth2 refresh token (docker's ``identitytoken``)."""

    token: Secret


@dataclass(frozen=True, slots=True)
class DockerConfigFile:
    """docker's ``config.json``: ``auths``, ``credHelpers``, ``credsStore``. Only the entry of this host is read."""

    path: str | None = None
    """None: ``$DOCKER_CONFIG/config.json``, else ``~/.docker/config.json``."""
    helper_timeout: float = 10.0
    """Seconds a credential program may take."""


@dataclass(frozen=True, slots=True)
class CredentialCommand:
    """A program that prints docker's credential JSON (``Username``, ``Secret``). Run without a shell."""

    argv: tuple[str, ...]
    timeout: float = 10.0
    """Seconds."""


Credentials = Anonymous | UsernamePassword | IdentityToken | DockerConfigFile | CredentialCommand


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. ``total`` bounds one request whatever drips in; ``transfer`` does that for a streamed blob."""

    connect: float = 5.0
    read: float = 30.0
    total: float = 60.0
    transfer: float = 3600.0


@dataclass(frozen=True, slots=True)
class ReadCaps:
    """The most that is read before anything is parsed. Over a cap is Unavailable(OVER_CAP), never "absent"."""

    manifest: int = 4 * MEBIBYTE
    """Bytes of one manifest or image index."""
    referrers: int = 8 * MEBIBYTE
    """Bytes of one page of referrers, or of the fallback index."""
    page: int = 8 * MEBIBYTE
    """Bytes of one page of tags or repositories."""
    pages: int = 1000
    """Pages of one listing."""
    entries: int = 200_000
    """Tags of one repository, or repositories of one catalog."""
    referrer_count: int = 1000
    """Referrers of one subject."""
    closure: int = 2000
    """Manifests of one closure."""
    closure_depth: int = 6
    """Steps from the root of a closure to its farthest child or referrer."""
    layer: int = 32 * 1024 * MEBIBYTE
    """Bytes of one blob that is copied."""
    error_body: int = 64 * 1024
    """Bytes kept of an error answer."""
    token: int = MEBIBYTE
    """Bytes of a token service's answer."""
    headers: int = 100
    """Header fields of one answer."""
    header_bytes: int = 64 * 1024
    """Bytes of all header fields of one answer together."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How hard a registry may be asked."""

    concurrency: int = 8
    """Requests at the same time."""
    per_second: float | None = None
    """Requests a second on the long run; None has no limit of ours."""
    burst: int = 20
    """Requests that may go at once before ``per_second`` counts."""
    attempts: int = 4
    """How often an idempotent request is tried in all."""
    ceiling: float = 60.0
    """Seconds that waiting between attempts may take together; a longer Retry-After fails at once."""
    backoff: float = 0.5
    """Seconds before the second attempt when no Retry-After is given; doubles each time, with jitter."""


@dataclass(frozen=True, slots=True)
class Proxies:
    """HTTP proxies, ``http://[user:password@]host:port``. The environment's are never used."""

    http: str | None = field(default=None, repr=False)
    https: str | None = field(default=None, repr=False)
    exempt: tuple[str, ...] = ()
    """Hosts reached directly: ``host`` or ``.domain``."""


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """One registry host with one credential."""

    host: str
    """Canonical ``host[:port]`` as in ``Repository.registry``; Docker Hub is ``docker.io``."""
    api_host: str | None = None
    """``host[:port]`` that serves the API when it is another; Docker Hub's is known."""
    plain_http: bool = False
    """True: http. Never fallen back to."""
    credentials: Credentials = field(default_factory=Anonymous)
    auth_realms: tuple[str, ...] = ()
    """Further token services this registry may name: ``host[:port]``, or ``http://host[:port]``."""
    ca_file: str | None = None
    """PEM bundle trusted instead of the system's."""
    client_certificate: str | None = None
    """PEM file with our certificate (and key, unless ``client_key``)."""
    client_key: str | None = None
    proxies: Proxies = field(default_factory=Proxies)
    timeouts: Timeouts = field(default_factory=Timeouts)
    caps: ReadCaps = field(default_factory=ReadCaps)
    pace: Pace = field(default_factory=Pace)
    user_agent: str = "gatekeeper"

    def __post_init__(self) -> None:
        if not self.host or "/" in self.host or "@" in self.host:
            raise ConfigurationError((f"registry host {self.host!r} must be written host or host:port",))
        if self.pace.concurrency < 1 or self.pace.attempts < 1:
            raise ConfigurationError((f"registry {self.host}: concurrency and attempts must be at least 1",))

    @property
    def api_authority(self) -> str:
        """``host[:port]`` that requests are sent to."""
        return self.api_host or quirks_of(self.host).api_host or self.host

    @property
    def base_url(self) -> str:
        """``scheme://host[:port]`` that requests are sent to."""
        return f"{'http' if self.plain_http else 'https'}://{self.api_authority}"
