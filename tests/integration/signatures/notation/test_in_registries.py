"""What notation signs in registries, verified by ``gatekeeper verify`` and ``check``, beside notation itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from gatekeeper.core.trust import NotationTrust, StoreFile, StoreKind
from gatekeeper.demo.images import image
from gatekeeper.demo.registry_push import push
from gatekeeper.signatures.notation import envelope
from tests.fakes import notary, notary_revocation
from tests.fakes.notary import CHAIN, DAY, Party, level, statement
from tests.integration.signatures.notation.notation_go import NotationGo
from tests.judges.registries import RegistryServer
from tests.judges.servers import timestamp_authority

_ROOT = Path(__file__).parents[4]


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A command; nothing of this machine's own settings reaches it."""
    return subprocess.run(
        [sys.executable, "-m", "gatekeeper", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT), "HOME": "/nonexistent"},
        check=False,
    )


def _gatekeeper(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of a command."""
    done = _run(*arguments, "--output", "json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


class _Image:
    """An image in a registry, notation's files, and the questions asked of both."""

    def __init__(self, go: NotationGo, registry: RegistryServer, name: str) -> None:
        self.go = go
        self.host = registry.host
        built = image({"etc/motd": name})
        self.repository = f"notation/{name}"
        self.digest = push(registry.url, self.repository, built, ["1"])
        self.reference = f"{registry.host}/{self.repository}@{self.digest}"

    def sign(self, *options: str, chain: tuple[Party, ...] = CHAIN) -> None:
        key, certificates = self.go.files(chain)
        done = self.go.run("sign", "-key", key, "-chain", certificates, *options, self.reference)
        assert done.returncode == 0, done.stderr

    def notation(self, trust: NotationTrust, *options: str) -> bool:
        done = self.go.run("verify", "-config", self.go.config(trust), *options, self.reference)
        return done.returncode == 0

    def verify(self, trust: NotationTrust, *options: str) -> tuple[int, dict[str, Any]]:
        return _gatekeeper(*self._question(trust), *options)

    def verify_as_text(self, trust: NotationTrust) -> str:
        return _run(*self._question(trust)).stdout

    def _question(self, trust: NotationTrust) -> tuple[str | Path, ...]:
        config = self.go.config(trust)
        policy = ("--notation-policy", config / "trustpolicy.json")
        return (
            "verify",
            self.reference,
            "--plain-http",
            *policy,
            "--notation-trust-store",
            config / "truststore",
        )


@pytest.mark.parametrize("media_type", [envelope.JWS, envelope.COSE])
def test_what_notation_signs_in_any_registry(
    go: NotationGo, any_registry: RegistryServer, media_type: str
) -> None:
    made = _Image(go, any_registry, "any-" + media_type.rpartition("/")[2].replace("+", "-"))
    trust = notary.trust()
    assert not made.notation(trust)
    assert made.verify(trust)[0] == 1
    made.sign("-media-type", media_type, "-metadata", "build=7", "-expiry", "24h")
    assert made.notation(trust, "-metadata", "build=7")
    code, answer = made.verify(trust, "--metadata", "build=7")
    assert code == 0, answer
    assert not made.notation(trust, "-metadata", "build=8")
    assert made.verify(trust, "--metadata", "build=8")[0] == 1
    stranger = notary.trust(files=notary.store(StoreKind.CA, "acme", notary.STRANGER))
    assert not made.notation(stranger)
    assert made.verify(stranger)[0] == 1


def test_scopes_and_skip(go: NotationGo, referrers_registry_server: RegistryServer) -> None:
    made = _Image(go, referrers_registry_server, "scopes")
    made.sign()
    named = f"{made.host}/{made.repository}"
    narrow = notary.trust(statement(registryScopes=[named]))
    assert (made.notation(narrow), made.verify(narrow)[0]) == (True, 0)
    elsewhere = notary.trust(statement(registryScopes=[f"{made.host}/other"]))
    assert (made.notation(elsewhere), made.verify(elsewhere)[0]) == (False, 1)
    skipping = notary.trust({"name": "s", "registryScopes": [named], "signatureVerification": level("skip")})
    # notation passes what it skips; we do not.
    code, answer = made.verify(skipping)
    assert (made.notation(skipping), code) == (True, 1)
    assert [candidate["outcome"] for candidate in answer["candidates"]] == ["skipped"]


def test_a_bad_signature_hides_no_good_one(go: NotationGo, referrers_registry_server: RegistryServer) -> None:
    made = _Image(go, referrers_registry_server, "mixed")
    leaf = notary.issue("stranger", notary.key("p256", "stranger-leaf"), notary.STRANGER)
    made.sign(chain=(leaf, notary.STRANGER))
    made.sign("-media-type", envelope.COSE)
    code, answer = made.verify(notary.trust())
    assert code == 0, answer
    assert sorted(candidate["outcome"] for candidate in answer["candidates"]) == ["refused", "verified"]


_OPENSSL_TSA = """\
[tsa]
signer_digest = sha256
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.5
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
certs = {folder}/tsa.pem
"""


def test_what_a_level_only_logs_is_shown(go: NotationGo, referrers_registry_server: RegistryServer) -> None:
    made = _Image(go, referrers_registry_server, "audited")
    leaf = notary.issue("stranger", notary.key("p256", "stranger-leaf"), notary.STRANGER)
    made.sign(chain=(leaf, notary.STRANGER))
    auditing = notary.trust(statement(signatureVerification=level("audit")))
    code, answer = made.verify(auditing)
    assert (made.notation(auditing), code) == (True, 0)
    (candidate,) = answer["candidates"]
    assert candidate["anomalies"] == ["logged:notation-untrusted"]
    assert "logged:notation-untrusted" in made.verify_as_text(auditing)


class _Clock(ThreadingHTTPServer):
    """An RFC 3161 authority over HTTP whose answers OpenSSL makes."""

    daemon_threads = True

    def __init__(self, folder: Path, root: Party) -> None:
        super().__init__(("127.0.0.1", 0), _ClockHandler)
        self.folder = folder
        self.configuration = folder / "tsa.cnf"
        self.configuration.write_text(_OPENSSL_TSA.format(folder=folder))
        purposes = [ExtendedKeyUsageOID.TIME_STAMPING]
        authority = notary.issue("clock", notary.key("rsa2048", "clock"), root, purposes=purposes)
        (folder / "tsa.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
        (folder / "tsa.key").write_bytes(
            authority.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )

    def stamp(self, request: bytes) -> bytes:
        (self.folder / "request").write_bytes(request)
        command: list[str | Path] = [
            "openssl",
            "ts",
            "-reply",
            "-config",
            self.configuration,
            "-section",
            "tsa",
        ]
        command += ["-queryfile", self.folder / "request", "-out", self.folder / "response"]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        return (self.folder / "response").read_bytes()


class _ClockHandler(BaseHTTPRequestHandler):
    server: _Clock

    def do_POST(self) -> None:
        response = self.server.stamp(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(response)))
        self.end_headers()
        self.wfile.write(response)

    def log_message(self, *_: object) -> None:
        """Nothing."""


_CLOCK_ROOT = notary.issue("clock-root", notary.key("p384", "clock-root"), authority=True)


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[str]:
    """The address of a time-stamping authority."""
    folder = tmp_path / "clock"
    folder.mkdir()
    with _Clock(folder, _CLOCK_ROOT) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("media_type", [envelope.JWS, envelope.COSE])
def test_a_time_stamp_of_openssl_in_a_signature_of_notation(
    go: NotationGo, referrers_registry_server: RegistryServer, clock: str, media_type: str
) -> None:
    made = _Image(go, referrers_registry_server, "stamped-" + media_type.rpartition("/")[2].replace("+", "-"))
    root = go.folder / "clock-root.pem"
    root.write_bytes(_CLOCK_ROOT.certificate.public_bytes(Encoding.PEM))
    made.sign("-media-type", media_type, "-timestamp-url", clock, "-timestamp-root", str(root))
    stores = {"trustStores": ["ca:acme", "tsa:clock"]}
    files = (*notary.STORES, *notary.store(StoreKind.TSA, "clock", _CLOCK_ROOT))
    trust = notary.trust(statement(**stores), files)
    code, answer = made.verify(trust)
    assert (made.notation(trust), code) == (True, 0), answer
    (candidate,) = answer["candidates"]
    assert "timestamp-authority" in json.dumps(candidate)
    other = notary.trust(
        statement(**stores), (*notary.STORES, *notary.store(StoreKind.TSA, "clock", notary.STRANGER))
    )
    assert (made.notation(other), made.verify(other)[0]) == (False, 1)


@pytest.fixture(scope="module")
def sigstore_clock() -> Iterator[tuple[str, x509.Certificate]]:
    """The address and the root of sigstore's own timestamp authority."""
    with timestamp_authority() as host:
        address = f"http://{host}/api/v1/timestamp"
        with urllib.request.urlopen(f"{address}/certchain", timeout=30) as answer:
            yield address, x509.load_pem_x509_certificates(answer.read())[-1]


@pytest.mark.parametrize("media_type", [envelope.JWS, envelope.COSE])
def test_a_time_stamp_of_sigstores_authority(
    go: NotationGo,
    referrers_registry_server: RegistryServer,
    sigstore_clock: tuple[str, x509.Certificate],
    media_type: str,
) -> None:
    address, anchor = sigstore_clock
    made = _Image(
        go, referrers_registry_server, "sigstore-" + media_type.rpartition("/")[2].replace("+", "-")
    )
    root = go.folder / "clock-root.pem"
    root.write_bytes(anchor.public_bytes(Encoding.PEM))
    made.sign("-media-type", media_type, "-timestamp-url", address, "-timestamp-root", str(root))
    stamp = StoreFile(StoreKind.TSA, "stamp", "stamp.crt", root.read_bytes())
    trust = notary.trust(statement(trustStores=["ca:acme", "tsa:stamp"]), (*notary.STORES, stamp))
    code, answer = made.verify(trust)
    assert (made.notation(trust), code) == (True, 0), answer


_POLICY = """\
version = 1
[notation.site]
trust_policy = "config/trustpolicy.json"
trust_store = "config/truststore"
[signers.platform]
notation = ["site"]
[policies.signed]
rules = [{ rule = "signature-missing", signers = ["platform"] }]
[[scopes]]
name = "all"
repositories = ["**"]
policy = "signed"
"""


def test_check_judges_by_a_trust_policy(go: NotationGo, referrers_registry_server: RegistryServer) -> None:
    made = _Image(go, referrers_registry_server, "checked")
    host = f'[[registries]]\nhost = "{made.host}"\nplain_http = true\n'
    configuration = go.folder / "config.toml"
    configuration.write_text(f'version = 1\npolicy = "policy.toml"\n{host}')
    (go.folder / "policy.toml").write_text(_POLICY)
    go.config(notary.trust(statement(trustedIdentities=[notary.IDENTITY])))
    assert _gatekeeper("check", made.reference, "--config", configuration)[0] == 1
    made.sign("-metadata", "build=7")
    code, answer = _gatekeeper("check", made.reference, "--config", configuration)
    assert code == 0, answer
    go.config(notary.trust(statement(trustedIdentities=["x509.subject: C=US, ST=WA, O=Other"])))
    code, answer = _gatekeeper("check", made.reference, "--config", configuration)
    assert code == 1
    assert "notation-identity-untrusted" in json.dumps(answer)


def test_a_certificate_that_may_have_been_revoked(
    go: NotationGo, referrers_registry_server: RegistryServer
) -> None:
    made = _Image(go, referrers_registry_server, "revocable")
    leaf = notary.issue(
        "signer",
        notary.key("p256", "leaf"),
        notary.ISSUING,
        points=[notary.point("http://127.0.0.1:9/ca.crl")],
    )
    made.sign(chain=(leaf, *CHAIN[1:]))
    host = f'[[registries]]\nhost = "{made.host}"\nplain_http = true\n'
    revocation = go.folder / "revocation"
    revocation.mkdir()
    configuration = go.folder / "config.toml"
    configuration.write_text(
        f'version = 1\npolicy = "policy.toml"\n[revocation]\nfolder = "revocation"\n{host}'
    )
    (go.folder / "policy.toml").write_text(_POLICY)
    go.config(notary.trust())

    def judged(content: bytes | None) -> int:
        if content is not None:
            (revocation / "ca.crl").write_bytes(content)
        return _gatekeeper("check", made.reference, "--config", configuration)[0]

    now = datetime.now(UTC)
    fresh: dict[str, Any] = {"updated": now - DAY, "next_update": now + DAY}
    assert judged(None) == 4
    assert judged(notary_revocation.revocation_list(**fresh)) == 0
    assert judged(notary_revocation.revocation_list(notary_revocation.entry(leaf), **fresh)) == 1
    assert judged(notary_revocation.revocation_list(updated=now - 9 * DAY, next_update=now - DAY)) == 4
