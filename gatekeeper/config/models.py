"""The shape of ``config.toml``. The descriptions are the reference manual (``docs/configuration.md``)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from gatekeeper.config.feed_models import FeedsModel
from gatekeeper.config.fields import Count, Duration, Flag, Number, Size, Table, Text, Texts
from gatekeeper.config.notification_models import NotificationsModel
from gatekeeper.config.quantities import parse_duration
from gatekeeper.config.registry_models import RegistryModel
from gatekeeper.config.scanner_models import ScannerModel
from gatekeeper.config.secret_models import SecretField, TextOrSecret
from gatekeeper.config.settings import LogFormat, LogLevel
from gatekeeper.config.signing_models import SigningModel


class DatabaseModel(Table):
    """Where verdicts, cases, intents and the audit trail are kept: `path` (SQLite) or `url` (PostgreSQL)."""

    path: Text | None = Field(None, description='SQLite file; `"gatekeeper.db"` when neither is given.')
    url: Text | None = Field(
        None,
        description="`postgresql+psycopg://user@host:5432/name?sslmode=verify-full`, without the password.",
    )
    password: SecretField | None = Field(None, description="The password that belongs into `url`.")

    @model_validator(mode="after")
    def _one_of_both(self) -> DatabaseModel:
        if self.path is not None and self.url is not None:
            raise ValueError("has both path and url; keep one of them")
        if self.password is not None and self.url is None:
            raise ValueError("has a password but no url it could belong to")
        return self


class ServerModel(Table):
    """The HTTP server of `gatekeeper run`: /v1, /metrics, /healthz, /readyz."""

    enabled: Flag = Field(True, description="false: the daemon serves no HTTP at all.")
    listen: Text = Field("127.0.0.1:8080", description="`host:port`; `[::]:8080` for IPv6.")
    tls_certificate: Text | None = Field(None, description="PEM file with the server's certificate chain.")
    tls_key: Text | None = Field(None, description="PEM file with its key; not readable by everybody.")
    insecure_http: Flag = Field(
        False,
        description="Needed to listen on more than loopback without TLS: tokens then cross the network readable, "
        "unless a proxy in front speaks TLS.",
    )
    public_url: Text | None = Field(
        None, description="What others call this server; written on tombstones as the place to review."
    )
    first_token_file: Text = Field(
        "gatekeeper-first-token",
        description="Where the first start writes a one-use admin token (mode 0600).",
    )


class PollingModel(Table):
    """How often repositories are looked at. The interval adapts between the bounds: shorter where things change."""

    interval: Duration = Field(parse_duration("5m"), description="Of a repository seen for the first time.")
    min_interval: Duration = Field(parse_duration("1m"), description="Never more often than this.")
    max_interval: Duration = Field(parse_duration("30m"), description="Never less often than this.")
    catalog_interval: Duration = Field(
        parse_duration("15m"), description="How often new repositories are looked for."
    )
    max_blind: Duration = Field(
        parse_duration("6h"),
        description="A repository that could not be read for longer is told of by /readyz, metrics and "
        "`registry list`; and for so long after its `recheck_at` a recorded pass is still answered while nothing can "
        "be asked anew.",
    )
    change_share: Number = Field(
        0.3,
        gt=0,
        le=1,
        description="When more than this part of a registry's known tags vanish or move at once, nothing of it is "
        "recorded or planned until its next look disagrees or somebody runs `gatekeeper registry accept`.",
    )
    change_tags: Count = Field(
        10, ge=1, description="Fewer tags than this never make a registry unbelievable."
    )

    @model_validator(mode="after")
    def _in_order(self) -> PollingModel:
        if not self.min_interval <= self.interval <= self.max_interval:
            raise ValueError("needs min_interval <= interval <= max_interval")
        return self


class EvidenceModel(Table):
    """The most that is opened of what hangs on one image. More is junk: without a good signature among what was
    opened the image is indeterminate, never "unsigned".
    """

    referrers: Count = Field(256, ge=1, le=10_000, description="Referrers and tags of one manifest.")
    manifests: Count = Field(
        2_000, ge=1, le=100_000, description="Manifests and blobs on an index and all its images together."
    )
    total_size: Size = Field(512 << 20, ge=1 << 20, description="All those blobs together.")
    candidate_size: Size = Field(32 << 20, ge=64 << 10, description="One signature or attestation.")
    sbom_size: Size = Field(64 << 20, ge=64 << 10, description="One SBOM.")
    platforms: Count = Field(128, ge=1, le=1_000, description="Images of one index.")


class EngineModel(Table):
    """How much is done at once."""

    workers_per_registry: Count = Field(
        8, ge=1, le=256, description="Pieces of work at the same time per registry."
    )
    lease: Duration = Field(
        parse_duration("5m"),
        description="For how long a piece of work is reserved; after a crash it is free then.",
    )
    drain: Duration = Field(parse_duration("25s"), description="How long SIGTERM waits for work under way.")
    tick: Duration = Field(parse_duration("2s"), description="How often due work is looked for.")


class CapsModel(Table):
    """The ceiling of a bad day. Above a cap the breaker opens: proposals only, until a person closes it."""

    per_run: Count = Field(10, ge=0, description="Tags acted on in one scheduler run.")
    per_repository: Count = Field(3, ge=0, description="Tags acted on in one repository in one hour.")
    per_hour: Count = Field(30, ge=0, description="Tags acted on in one hour.")
    per_change: Count = Field(
        5,
        ge=0,
        description="Digests that a changed policy, another key set or another version may turn from passed to failed "
        "and that are acted on all the same; when it turns more, all of them wait for `gatekeeper policy accept`.",
    )


class WaiversModel(Table):
    """How long people may accept deviations, and how early their end is told."""

    longest: Duration = Field(
        parse_duration("90d"), description="A waiver that would hold longer is refused."
    )
    announce: Duration = Field(
        parse_duration("7d"), description="So long before its end a waiver or release is announced."
    )


class LoggingModel(Table):
    """What the daemon writes to stderr."""

    level: LogLevel = Field(LogLevel.INFO, description="`debug`, `info`, `warning` or `error`.")
    format: LogFormat = Field(LogFormat.TEXT, description="`text` for people, `json` for collectors.")


class TrustModel(Table):
    """Sigstore trust roots that `gatekeeper trust` keeps, and how keyless signatures are looked at."""

    directory: Text = Field(
        "trust",
        description="Where `gatekeeper trust update` and `import` keep trust roots; policies name them.",
    )
    proxy: TextOrSecret | None = Field(
        None,
        description='HTTP proxy of `trust update`: `"http://host:port"`; with a password in it `{ env = "..." }`.',
    )
    ca_file: Text | None = Field(
        None, description="PEM bundle trusted instead of the system's by `trust update`."
    )
    second_opinion: Flag = Field(
        True,
        description="Let sigstore's own client look at every new keyless bundle too; where the two disagree, the "
        "signature is inconclusive and an error is logged. Costs 0.5 s once and some milliseconds for each.",
    )


class RevocationModel(Table):
    """Whether certificates of Notary Project signatures were revoked. Left out: nobody is asked, and where a trust
    policy enforces revocation, a certificate that could have been revoked makes the verdict indeterminate.
    """

    folder: Text | None = Field(
        None, description="Folder with CRLs and OCSP responses, DER or PEM; read again when a file changes."
    )
    hosts: Texts = Field(
        (),
        description="`host` or `host:port` of CRLs and OCSP responders that may be asked over http when a certificate "
        "names them; no other is.",
    )


class ConfigModel(Table):
    """`config.toml`."""

    version: Literal[1] = Field(1, description="Of this format.")
    policy: Text = Field(
        "policy.toml", description="The policy file; relative paths start at this file's directory."
    )
    database: DatabaseModel = Field(DatabaseModel(), description="Where everything is kept.")
    server: ServerModel = Field(ServerModel(), description="The HTTP server.")
    polling: PollingModel = Field(PollingModel(), description="How often repositories are looked at.")
    evidence: EvidenceModel = Field(
        EvidenceModel(), description="The most that is opened of what hangs on one image."
    )
    engine: EngineModel = Field(EngineModel(), description="How much is done at once.")
    caps: CapsModel = Field(CapsModel(), description="The ceiling of a bad day.")
    waivers: WaiversModel = Field(WaiversModel(), description="How long deviations may be accepted.")
    feeds: FeedsModel = Field(FeedsModel(), description="Vulnerability feeds.")
    logging: LoggingModel = Field(LoggingModel(), description="What the daemon writes to stderr.")
    trust: TrustModel = Field(TrustModel(), description="Sigstore trust roots.")
    notifications: NotificationsModel = Field(NotificationsModel(), description="Who is told of events.")
    signing: SigningModel | None = Field(None, description="Verdicts as signed attestations; left out: none.")
    revocation: RevocationModel = Field(
        RevocationModel(), description="Where answers about revoked certificates come from."
    )
    scanners: tuple[ScannerModel, ...] = Field(
        (), description="Live scanners, one `[[scanners]]` table each, asked in this order."
    )
    registries: tuple[RegistryModel, ...] = Field(
        (), description="The registries, one `[[registries]]` table each."
    )
