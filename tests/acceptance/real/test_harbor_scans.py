"""A daemon as Harbor's scanner, as an administrator sets it up: by files and commands, asked over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import UnavailableError
from gatekeeper.core.manifest import OCI_MANIFEST, Descriptor
from gatekeeper.core.reference import Repository
from gatekeeper.demo.registry_push import PushClient
from gatekeeper.demo.story_files import Stage
from gatekeeper.ports.scanners import ImageToScan, PullAccess
from gatekeeper.signatures.signing import attestation_bundle
from gatekeeper.transport.client import Transport
from gatekeeper.transport.origin import origin_of
from gatekeeper.transport.settings import TransportSettings
from gatekeeper.vulnerabilities.scanner_client import ScannerClient
from tests.acceptance.real.site import Site

pytestmark = pytest.mark.slow
paired = pytest.mark.parametrize(
    ("registry", "database_lines"), [("embedded", "sqlite"), ("referrers", "postgres")], indirect=True
)
ADVISORY = {
    "id": "PYSEC-2026-1",
    "aliases": ["CVE-2026-1"],
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "summary": "Something bad in a sample",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "sample"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
        }
    ],
}


def set_up(site: Site) -> str:
    """The configuration with Harbor's own name for the registry, a feed, and a token: its text."""
    config = site.stage.config
    config.write_text(config.read_text().replace("plain_http", 'aliases = ["core:8080"]\nplain_http', 1))
    assert site.run("migrate").code == 0
    feed = site.stage.directory / "pypi.json"
    feed.write_text(json.dumps([ADVISORY]))
    assert site.run("feed", "import", str(feed)).code == 0
    made = site.ask("token", "create", "harbor", "--scope", "read", "--repository", f"{site.stage.host}/**")
    assert made.code == 0, made
    return str(made.json["text"])


def attach_sbom(site: Site, repository: str, raw: bytes) -> None:
    """What ``cosign attest --type cyclonedx`` does, by the signer of the policy."""
    component = {"type": "library", "name": "sample", "version": "1.0", "purl": "pkg:pypi/sample@1.0"}
    made = attestation_bundle(
        site.key,
        Descriptor(OCI_MANIFEST, Digest.of(raw), len(raw)),
        "https://cyclonedx.org/bom",
        {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [component]},
        name=f"{site.stage.host}/{repository}",
        created=datetime.now(UTC),
    )
    with PushClient(site.stage.url) as client:
        for blob in made.blobs:
            client.push_blob(repository, blob, str(Digest.of(blob)))
        client.put_manifest(repository, str(made.digest), made.manifest, made.media_type)


@contextmanager
def scanner(url: str, token: str) -> Iterator[ScannerClient]:
    """Our client in Harbor's place."""
    with closing(Transport(origin_of(url), TransportSettings())) as transport:
        yield ScannerClient(
            "gatekeeper",
            f"{url}/scanner/api/v1",
            transport,
            authorization=lambda: f"Bearer {token}",
            timeout=90,
        )


@paired
def test_harbor_is_told_what_a_daemon_finds(stage: Stage) -> None:
    site = Site(stage)
    token = set_up(site)
    repository = f"{stage.project}/app"
    scanned = site.push("app", "1.0", signed=True)
    attach_sbom(site, repository, scanned.raw)
    bare = site.push("bare", "1.0", signed=True)
    # As Harbor calls its own registry when its registration says so.
    access = PullAccess("http://core:8080", "what-harbor-hands-over")

    def asked(path: str, digest: str) -> ImageToScan:
        return ImageToScan(Repository(stage.host, path), Digest.parse(digest), OCI_MANIFEST, access)

    with site.daemon() as program, scanner(site.server(program), token) as client:
        report = client.report(asked(repository, scanned.digest))
        (found,) = report.vulnerabilities
        assert (found.id, found.version, found.fixed) == ("CVE-2026-1", "1.0", ("2.0",))
        assert b"pkg:pypi/sample@1.0" in client.sbom(asked(repository, scanned.digest))
        with pytest.raises(UnavailableError, match="Attach a signed SBOM or scan report"):
            client.report(asked(f"{stage.project}/bare", bare.digest))
        assert "what-harbor-hands-over" not in program.said()
