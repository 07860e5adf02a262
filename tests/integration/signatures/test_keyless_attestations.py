"""Verdicts signed without a key, by a configured Fulcio and Rekor: verified by us and by both real cosigns."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gatekeeper.cli import main
from gatekeeper.core.attesting import AttestingTerms
from gatekeeper.core.errors import ConfigurationError, UnavailableError
from gatekeeper.core.lifecycle import IntentState
from gatekeeper.core.verification_summary import PREDICATE_TYPE
from gatekeeper.demo.sigstore.authority import pem
from gatekeeper.demo.sigstore.fulcio import Signer
from gatekeeper.demo.sigstore.signing_keys import LogSigner
from gatekeeper.signatures.keyless_attestor import KeylessAttestor, Oidc
from gatekeeper.workflow.workroom import Attesting
from tests.fakes.sigstore_server import SigstoreServer, sigstore_server
from tests.integration.signatures.cosign_bench import TOOLS, CosignBench
from tests.integration.workflow.world import World, a_world

WHO, ISSUER = "gatekeeper@example.test", "https://issuer.example.test"
VERIFIER = "https://gatekeeper.example.test"
TERMS = AttestingTerms(VERIFIER, f"{VERIFIER}/policy", "0")
STATEMENT = json.dumps({
    "_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "x", "digest": {"sha256": "0" * 64}}],
    "predicateType": PREDICATE_TYPE, "predicate": {},
}).encode()  # fmt: skip


def token(*, lasts: timedelta = timedelta(minutes=10), audience: str = "sigstore") -> str:
    """What an OIDC provider gives; nobody here checks its signature."""
    now = datetime.now(UTC)
    claims = {
        "aud": audience, "iss": ISSUER, "sub": WHO, "iat": int((now - timedelta(hours=1)).timestamp()),
        "exp": int((now + lasts).timestamp()),
    }  # fmt: skip
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
    return ".".join([*(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), "c2ln"])


@pytest.fixture
def server() -> Iterator[SigstoreServer]:
    with sigstore_server(Signer(WHO, ISSUER)) as running:
        yield running


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path) as made:
        yield made


def attesting(world: World, server: SigstoreServer) -> None:
    signer = KeylessAttestor(server.trust_config(), Oidc(WHO, ISSUER, token))
    world.app = replace(world.app, room=replace(world.app.room, attesting=Attesting(TERMS, signer)))


def parts_of(server: SigstoreServer, folder: Path) -> dict[str, str]:
    """The trusted root as single PEM files, named by cosign's variables."""
    fulcio, rekor = server.sigstore.fulcio, server.sigstore.rekor_1
    contents = {
        "SIGSTORE_ROOT_FILE": b"".join(pem(one) for one in fulcio.authority.chain),
        "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE": public_pem(fulcio.ct_log),
        "SIGSTORE_REKOR_PUBLIC_KEY": public_pem(rekor.signer),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: str(folder / name) for name in contents}


def public_pem(log: LogSigner) -> bytes:
    return log.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.judge("cosign")
@pytest.mark.parametrize("bundle", [False, True], ids=["legacy", "bundle"])
def test_attached_once_and_verified_by_everybody(
    world: World, server: SigstoreServer, tmp_path: Path, bundle: bool
) -> None:
    attesting(world, server)
    digest = world.push("app/web", "1.0")
    world.sign("app/web", digest, bundle=bundle)
    world.rounds(4)
    assert len(server.asked) == 2, "one certificate and one log entry, however often it is judged"
    reference = f"{world.registry.host}/app/web@{digest}"
    root = tmp_path / "root.json"
    root.write_bytes(server.sigstore.trusted_root_json())
    who = ("--identity", WHO, "--issuer", ISSUER, "--trusted-root", str(root))
    assert main(["verify-vsa", reference, "--verifier-id", VERIFIER, "--plain-http", *who]) == 0
    bench = CosignBench(tmp_path, world.registry)
    for tool in TOOLS:
        # For legacy attestations cosign 2 reads no trusted root; it takes each part of one from the environment.
        parts = tool == "cosign2" and not bundle
        done = bench.run(
            tool, "verify-attestation", f"--new-bundle-format={'true' if bundle else 'false'}",
            "--type", PREDICATE_TYPE, *(() if parts else ("--trusted-root", str(root))), "--allow-http-registry",
            "--certificate-identity", WHO, "--certificate-oidc-issuer", ISSUER, reference,
            settings=parts_of(server, tmp_path) if parts else None,
        )  # fmt: skip
        assert done.returncode == 0, (tool, done.stderr)


def test_an_outage_is_told_and_waited_for(world: World, server: SigstoreServer) -> None:
    attesting(world, server)
    server.refuses = True
    digest = world.good("app/web", "1.0")
    world.rounds(2)
    intent = world.app.room.store.newest_attestation(world.repository("app/web"), digest)
    assert intent is not None
    assert intent.state is IntentState.PLANNED
    assert "signing-unavailable: Fulcio or Rekor" in intent.note
    assert world.status("app/web:1.0").state == "passed"
    server.refuses = False
    world.rounds(1, every=timedelta(hours=1))
    intent = world.app.room.store.newest_attestation(world.repository("app/web"), digest)
    assert intent is not None
    assert intent.state is IntentState.CONFIRMED


@pytest.mark.parametrize("bad", [token(lasts=-timedelta(minutes=30)), token(audience="kubernetes"), "junk"])
def test_a_token_that_fulcio_would_not_take_is_told_before(server: SigstoreServer, bad: str) -> None:
    signer = KeylessAttestor(server.trust_config(), Oidc(WHO, ISSUER, lambda: bad))
    with pytest.raises(ConfigurationError, match=r"\[signing.keyless\] cannot be used"):
        signer.sign(STATEMENT, PREDICATE_TYPE)
    assert server.asked == []


def test_a_trust_configuration_that_is_none_is_told() -> None:
    signer = KeylessAttestor(b"{}", Oidc(WHO, ISSUER, token))
    with pytest.raises(ConfigurationError):
        signer.sign(STATEMENT, PREDICATE_TYPE)


def test_nobody_is_waited_for_for_ever(server: SigstoreServer) -> None:
    signer = KeylessAttestor(server.trust_config(), Oidc(WHO, ISSUER, token), seconds=0)
    with pytest.raises(UnavailableError, match="did not answer within 0 s"):
        signer.sign(STATEMENT, PREDICATE_TYPE)
