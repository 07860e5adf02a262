"""The two files of the demo, as a person would write them, and where its registry is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gatekeeper.demo.sigstore.fulcio import Signer
from gatekeeper.demo.sigstore.instance import VirtualSigstore
from gatekeeper.signatures.signing import SigningKey


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story plays. Only the configuration knows which registry and which database it is."""

    host: str
    """``HOST:PORT`` of a registry that speaks plain http and takes pushes without credentials."""
    directory: Path
    """An empty directory for configuration, keys and database."""
    database: tuple[str, ...] = ('path = "gatekeeper.db"',)
    """The lines of ``[database]``."""
    project: str = "shop"
    """First segment of every repository of the story."""

    @property
    def url(self) -> str:
        """Where images are pushed to."""
        return f"http://{self.host}"

    @property
    def config(self) -> Path:
        """``config.toml``."""
        return self.directory / "config.toml"

    def write(self, trusted: SigningKey, sigstore: VirtualSigstore) -> None:
        """Writes ``config.toml``, ``policy.toml``, and the public key and trust root they name."""
        keys = self.directory / "keys"
        keys.mkdir()
        (keys / "release.pub").write_text(trusted.public.spki_pem)
        (keys / "sigstore.json").write_bytes(sigstore.trusted_root_json())
        database = "\n".join(self.database)
        self.config.write_text(_CONFIG.format(host=self.host, project=self.project, database=database))
        (self.directory / "policy.toml").write_text(_POLICY.format(host=self.host, project=self.project))


def workflow(project: str) -> Signer:
    """Who signs without a key: the release workflow of a project, as its certificates name it."""
    return Signer(
        f"https://github.com/{project}/worker/.github/workflows/release.yml@refs/tags/v1.0",
        "https://token.actions.githubusercontent.com",
        {12: f"https://github.com/{project}/worker", 14: "refs/tags/v1.0", 20: "push"},
    )


_CONFIG = """\
version = 1
policy = "policy.toml"

[[registries]]
host = "{host}"
repositories = ["{project}/**"]
plain_http = true                 # a registry on this machine

[database]
{database}

[server]
listen = "127.0.0.1:0"

[polling]
interval = "1m"
min_interval = "30s"
max_interval = "2m"
"""

_POLICY = """\
version = 1

[signers.release]
keys = [{{ file = "keys/release.pub" }}]

[[signers.workflow.identities]]   # no key: whoever is vouched for, under the trust root below
identity = {{ glob = "https://github.com/{project}/*/.github/workflows/release.yml@refs/tags/*" }}
issuer = "https://token.actions.githubusercontent.com"

[trust_roots.sigstore]
file = "keys/sigstore.json"

[policies.production]
rules = [
    {{ rule = "signature-missing", signers = ["release", "workflow"] }},
    "user-root",
    {{ rule = "sbom-missing", level = "warn" }},
]

[defaults]
mode = "enforce"                  # the built-in default is observe: nothing is ever written
settle = "10m"                    # so long may a signature follow its image

[[scopes]]
name = "carts"
repositories = ["{host}/{project}/cart"]
policy = "production"
action = "rollback"               # a failing tag goes back to the newest digest that passed there

[[scopes]]
name = "{project}"
repositories = ["{host}/{project}/**"]
policy = "production"
action = "quarantine"             # a failing image is moved away; a tombstone takes its tag
empty_tags = true                 # also where no earlier image passed
promote_to = ["{host}/release/{project}/**"]
"""
