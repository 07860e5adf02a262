"""Everything ``config.toml`` says, as frozen values. Paths are absolute, defaults are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from gatekeeper.config.secrets import Secret
from gatekeeper.core.attesting import AttestingTerms
from gatekeeper.core.feed import FeedSource
from gatekeeper.core.lifecycle import Caps
from gatekeeper.core.policy import matches_any
from gatekeeper.core.trust import PublicKey
from gatekeeper.core.waiver import WaiverLimits
from gatekeeper.notifications.endpoint import Endpoint
from gatekeeper.ports.scanners import Makes, Program
from gatekeeper.registry.settings import RegistrySettings
from gatekeeper.signatures.notation.settings import RevocationSettings


@dataclass(frozen=True, slots=True)
class WatchedRegistry:
    """One ``[[registries]]`` entry: how it is reached, and which of its repositories are watched."""

    connection: RegistrySettings
    repositories: tuple[str, ...] = ("**",)
    """Globs over the path (without the host); the policy's scopes narrow further."""
    exclude: tuple[str, ...] = ()
    scratch_repository: str | None = None
    """Where ``doctor --write-probe`` may write."""
    aliases: tuple[str, ...] = ()
    """Other ``host[:port]`` by which whoever asks us to scan may call it; never contacted."""

    def watches(self, path: str) -> bool:
        """True when this repository path is to be looked at."""
        return matches_any(self.repositories, path) and not matches_any(self.exclude, path)

    @property
    def literal_repositories(self) -> tuple[str, ...]:
        """The paths that are written without a wildcard: all there is where no catalog is offered."""
        return tuple(glob for glob in self.repositories if not set("*?") & set(glob))


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where verdicts are kept. The URL never holds a password."""

    url: str
    password: Secret | None = None

    def connect_url(self) -> str:
        """The URL with the password in it, for the driver only. Raises ConfigurationError when it cannot be had."""
        if self.password is None:
            return self.url
        scheme, _, rest = self.url.partition("://")
        user, at, host = rest.partition("@")
        return f"{scheme}://{user}:{quote(self.password(), safe='')}{at}{host}"


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """The server's own certificate (PEM files)."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The HTTP server of ``gatekeeper run``."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = 8080
    tls: TlsSettings | None = None
    public_url: str | None = None
    """What others call it; named on tombstones as the place of review."""
    bootstrap_token_file: Path = Path("gatekeeper-first-token")
    """Where the first start writes a one-use admin token (mode 0600)."""


@dataclass(frozen=True, slots=True)
class PollingSettings:
    """How often a repository is looked at. The interval adapts between the two bounds."""

    interval: timedelta = timedelta(minutes=5)
    min_interval: timedelta = timedelta(minutes=1)
    max_interval: timedelta = timedelta(minutes=30)
    catalog_interval: timedelta = timedelta(minutes=15)
    """How often new repositories are looked for."""
    max_blind: timedelta = timedelta(hours=6)
    """How long a repository may go unread, and a pass be answered past its recheck."""
    change_share: float = 0.3
    """When more than this part of a registry's tags vanish or move at once, it is not believed."""
    change_tags: int = 10


@dataclass(frozen=True, slots=True)
class EvidenceSettings:
    """The most that is opened of what hangs on one image. Sizes in bytes."""

    referrers: int = 256
    manifests: int = 2_000
    total_size: int = 512 << 20
    candidate_size: int = 32 << 20
    sbom_size: int = 64 << 20
    platforms: int = 128


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How much is done at once, and for how long a piece of work is reserved."""

    workers_per_registry: int = 8
    lease: timedelta = timedelta(minutes=5)
    drain: timedelta = timedelta(seconds=25)
    """How long SIGTERM waits for work under way."""
    tick: timedelta = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """``[feeds]``."""

    sources: tuple[FeedSource, ...] = ()
    max_age: timedelta = timedelta(hours=72)
    hold_share: float = 0.2
    hold_minimum: int = 10
    stabilization_window: timedelta = timedelta(hours=2)
    ca_file: Path | None = None
    proxy: str | None = None
    bundle_keys: tuple[PublicKey, ...] = ()


@dataclass(frozen=True, slots=True)
class ScannerSettings:
    """One of ``[[scanners]]``: either ``url``, or ``program`` and ``path``."""

    name: str
    url: str | None = None
    program: Program | None = None
    path: Path | None = None
    makes: tuple[Makes, ...] = (Makes.SBOM,)
    timeout: timedelta = timedelta(minutes=5)
    max_age: timedelta = timedelta(hours=24)
    authorization: Secret | None = None
    ca_file: Path | None = None
    memory: int = 8 * 1024**3
    environment: Mapping[str, str] = field(default_factory=dict)


class LogFormat(StrEnum):
    """How a log line looks."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """From which weight on a line is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class LoggingSettings:
    """What the daemon writes to stderr."""

    level: LogLevel = LogLevel.INFO
    format: LogFormat = LogFormat.TEXT


@dataclass(frozen=True, slots=True)
class TrustSettings:
    """Where Sigstore trust roots are kept, how they are fetched, and whether a second verifier looks too."""

    directory: Path = Path("trust")
    proxy: str | Secret | None = None
    ca_file: Path | None = None
    second_opinion: bool = True


@dataclass(frozen=True, slots=True)
class KeySettings:
    """A managed signing key. Both are read anew for every signature."""

    key: Secret
    password: Secret | None = None


@dataclass(frozen=True, slots=True)
class KeylessSettings:
    """Signing with certificates of a Fulcio."""

    trust_config: Path
    identity_token: Secret
    identity: str
    issuer: str


@dataclass(frozen=True, slots=True)
class SigningSettings:
    """``[signing]``: what is attached, and with what it is signed."""

    terms: AttestingTerms
    by: KeySettings | KeylessSettings
    retired: tuple[PublicKey, ...] = ()


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """Who is told of events, and how."""

    source: str = "gatekeeper"
    """What our events call this installation (CloudEvents ``source``)."""
    keep: timedelta = timedelta(days=30)
    webhooks: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole of ``config.toml``."""

    source: Path
    """The file it was read from."""
    policy: Path
    """The policy file."""
    registries: tuple[WatchedRegistry, ...] = ()
    database: DatabaseSettings = field(default_factory=lambda: DatabaseSettings("sqlite:///gatekeeper.db"))
    server: ServerSettings = field(default_factory=ServerSettings)
    polling: PollingSettings = field(default_factory=PollingSettings)
    evidence: EvidenceSettings = field(default_factory=EvidenceSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    caps: Caps = field(default_factory=Caps)
    waivers: WaiverLimits = field(default_factory=WaiverLimits)
    feeds: FeedSettings = field(default_factory=FeedSettings)
    logging: LoggingSettings = field(default_factory=LoggingSettings)
    trust: TrustSettings = field(default_factory=TrustSettings)
    notifications: NotificationSettings = field(default_factory=NotificationSettings)
    signing: SigningSettings | None = None
    revocation: RevocationSettings = field(default_factory=RevocationSettings)
    scanners: tuple[ScannerSettings, ...] = ()

    @property
    def aliases(self) -> Mapping[str, str]:
        """Other names of registries: alias to host."""
        return {alias: entry.connection.host for entry in self.registries for alias in entry.aliases}

    def registry(self, host: str) -> WatchedRegistry | None:
        """The entry of this host."""
        return next((entry for entry in self.registries if entry.connection.host == host), None)
