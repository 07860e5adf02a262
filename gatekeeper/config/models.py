"""The shape of ``config.toml``. The descriptions are the reference manual (``docs/configuration.md``)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from gatekeeper.config.feed_models import FeedsModel
from gatekeeper.config.fields import AnyDuration, Count, Duration, Flag, Size, SomeTexts, Table, Text, Texts
from gatekeeper.config.quantities import parse_duration
from gatekeeper.config.scanner_models import ScannerModel
from gatekeeper.config.secret_models import SecretField, SecretModel
from gatekeeper.config.settings import LogFormat, LogLevel
from gatekeeper.core.attesting import AttachForm
from gatekeeper.core.verification_summary import UNEVALUATED


def _text_or_table(written: Any) -> str:
    return "table" if isinstance(written, dict | SecretModel) else "text"


def _flag_or_text(written: Any) -> Any:
    if not isinstance(written, bool | str):
        raise ValueError("must be true, or a path in quotes")
    return written


def _number(written: Any) -> Any:
    if isinstance(written, bool) or not isinstance(written, int | float):
        raise ValueError("must be a number")
    return written


TextOrSecret = Annotated[
    Annotated[Text, Tag("text")] | Annotated[SecretModel, Tag("table")], Discriminator(_text_or_table)
]


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
    per_second: Annotated[float, BeforeValidator(_number)] | None = Field(
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
    change_share: Annotated[float, BeforeValidator(_number)] = Field(
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


class KeylessModel(Table):
    """Signing with short-lived certificates of a Fulcio, logged in its Rekor, instead of a key."""

    trust_config: Text = Field(
        description="Sigstore's ClientTrustConfig as JSON: the trusted root, and where Fulcio, Rekor and timestamp "
        "authority are asked."
    )
    identity_token: SecretField = Field(
        description="The OIDC token that Fulcio is shown, read anew for every signature (a projected token's file)."
    )
    identity: Text = Field(
        description="What Fulcio writes into the certificate: our attestations are known again by it."
    )
    issuer: Text = Field(description="The token's issuer, as Fulcio writes it into the certificate.")


class SigningModel(Table):
    """Verdicts are attached to their images as signed SLSA verification summaries. Left out: nothing is attached."""

    verifier_id: Text = Field(
        description='`verifier.id` of the summaries: a URI that names this installation, `"https://gatekeeper.example.com"`.'
    )
    policy_uri: Text | None = Field(
        None, description="`policy.uri` of the summaries; left out: `verifier_id` and `/policy`."
    )
    key: SecretField | None = Field(
        None,
        description="The private key: PKCS#8 PEM, encrypted or not, or cosign's own encrypted key. A key of its own: "
        "what an image key signs would make images signed.",
    )
    password: SecretField | None = Field(None, description="Of an encrypted key.")
    keyless: KeylessModel | None = Field(None, description="Instead of `key`.")
    retired_keys: Texts = Field(
        (),
        description="PEM files of earlier public keys: still published, and their summaries are still ours.",
    )
    levels: SomeTexts = Field(
        (UNEVALUATED,), description="`verifiedLevels` of a passed summary: what the policy demands of images."
    )
    repositories: SomeTexts = Field(
        ("**",),
        description="Globs over `registry/path` whose images are attested (scopes in mode `enforce` only).",
    )
    exclude: Texts = Field((), description="Globs over `registry/path` that are not.")
    failed: Flag = Field(
        False,
        description="true: attach failed summaries too. cosign takes any attestation bundle by a trusted key for a "
        "signature, so trust this key for nothing else.",
    )
    unsigned: AttachForm = Field(
        AttachForm.NONE,
        description="Form for images without a cosign signature: `none` attaches nothing, `bundle` a referrer, `att` "
        "the tag. Where there are signatures, the form is chosen so that nobody's verification breaks.",
    )
    keep: Count = Field(0, ge=0, le=100, description="How many superseded summaries stay beside the newest.")
    per_hour: Count = Field(600, ge=0, description="Most attestations attached in one hour; more wait.")

    @model_validator(mode="after")
    def _one_way(self) -> SigningModel:
        if (self.key is None) == (self.keyless is None):
            raise ValueError("needs exactly one of key and keyless")
        if self.password is not None and self.key is None:
            raise ValueError("has a password but no key it could belong to")
        return self


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


class WebhookModel(Table):
    """One address that is told of events: CloudEvents 1.0, signed after the Standard Webhooks specification."""

    name: Text = Field(description="What logs, `gatekeeper notification` and metrics call it.")
    url: Text = Field(description="`https://…`; plain http only inside `networks`.")
    secret: SecretField = Field(
        description="Signs what is sent, so that the receiver knows it is ours: at least 24 bytes, or `whsec_` and "
        "base64."
    )
    previous_secret: SecretField | None = Field(
        None, description="Signs too, while receivers still know the old secret."
    )
    events: SomeTexts = Field(
        ("**",), description="Globs over the kinds of events it is told; docs/notifications.md lists them."
    )
    networks: Texts = Field(
        (),
        description='Inner networks in which it may lie, `"10.1.0.0/16"`; addresses on the internet need none. No '
        "other inner address is ever connected to, whatever its name resolves to.",
    )
    timeout: Duration = Field(parse_duration("10s"), description="For one message in all.")
    ca_file: Text | None = Field(None, description="PEM bundle trusted instead of the system's.")
    proxy: Text | None = Field(None, description="`http://host:port`; what it reaches is its own matter.")


class NotificationsModel(Table):
    """Who is told of verdicts, cases and trouble."""

    source: Text | None = Field(
        None,
        description="What events call this installation; `server.public_url`, or `gatekeeper`, when left out.",
    )
    keep: Duration = Field(parse_duration("30d"), description="How long events can be followed.")
    webhooks: tuple[WebhookModel, ...] = Field((), description="One `[[notifications.webhooks]]` table each.")


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
