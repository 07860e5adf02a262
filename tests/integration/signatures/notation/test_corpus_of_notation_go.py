"""The envelopes in notation-go's own test data, with tokens of a public authority: read from the module cache."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.evidence import Candidate, Outcome, TimeSource
from gatekeeper.core.manifest import Descriptor
from gatekeeper.core.trust import NotationTrust, StoreKind
from gatekeeper.signatures.notation import cose, envelope, jws
from gatekeeper.signatures.notation.payload import read_payload
from gatekeeper.signatures.notation.trust import load_trust
from gatekeeper.signatures.notation.trust_policy import StoreName
from gatekeeper.signatures.notation.trust_store import load_store, read_stores
from tests.fakes import notary
from tests.fakes.notary import judged, level, statement
from tests.judges.tools import absent

_MODULE = "github.com/notaryproject/notation-go@v1.3.2"
_PLUGIN = "notation-plugin-required"
_NOT_SIGNED = "notation-envelope-malformed"
_EXPECTED = {
    "internal/mock/testdata/ca_valid_sig_env.json": "signature-verified",
    "internal/mock/testdata/sa_valid_sig_env.json": "signature-verified",
    "internal/mock/testdata/ca_expired_sig_env.json": "notation-expired",
    "internal/mock/testdata/sa_expired_sig_env.json": "notation-expired",
    "internal/mock/testdata/ca_invalid_sig_env.json": _NOT_SIGNED,
    "internal/mock/testdata/sa_invalid_sig_env.json": _NOT_SIGNED,
    "internal/mock/testdata/ca_plugin_sig_env.json": _PLUGIN,
    "internal/mock/testdata/sa_plugin_sig_env.json": _PLUGIN,
    "internal/mock/testdata/ca_compatible_pluginver_sig_env_1.0.0.json": _PLUGIN,
    "internal/mock/testdata/sig_env_with_metadata.json": "notation-untrusted",
    "internal/testdata/jws_signature.sig": "notation-untrusted",
    "internal/testdata/cose_signature.sig": "notation-untrusted",
    "verifier/testdata/timestamp/sigEnv/withoutTimestamp.sig": "signature-verified",
    "verifier/testdata/timestamp/sigEnv/jwsWithTimestamp.sig": "signature-verified",
    "verifier/testdata/timestamp/sigEnv/coseWithTimestamp.sig": "signature-verified",
    "verifier/testdata/timestamp/sigEnv/timestampBeforeNotBefore.sig": "notation-not-in-force",
}
_STAMPED = "verifier/testdata/timestamp/sigEnv/{}WithTimestamp.sig"


@pytest.fixture(scope="module")
def module() -> Path:
    """Where Go keeps the module that the judge is built from."""
    try:
        found = subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        absent("go", "install Go 1.26 or later")
    path = Path(found.stdout.strip()) / _MODULE
    if not path.is_dir():
        absent("notation-go's test data", "python3 -m tests.judges.install notation")
    return path


def _trust(module: Path, *stores: str) -> NotationTrust:
    """The module's own trust store. Its authorities' revocation would be asked over the network: only logged."""
    named = [StoreName(StoreKind(kind), name) for kind, _, name in (text.partition(":") for text in stores)]
    files = [file for name in named for file in load_store(module / "verifier/testdata/truststore", name)]
    verification = level("strict", revocation="log")
    return notary.trust(statement(trustStores=list(stores), signatureVerification=verification), files)


def _judged(path: Path, trust: NotationTrust) -> Candidate:
    content = path.read_bytes()
    media_type = envelope.JWS if content.startswith(b"{") else envelope.COSE
    opened = (jws if media_type == envelope.JWS else cose).open_envelope
    try:
        target = read_payload(opened(content).payload)
        subject = Descriptor(target.media_type, Digest.parse(target.digest), target.size)
    except MalformedError:
        subject = notary.SUBJECT
    return judged(content, media_type, under=trust, subject=subject, now=datetime.now(UTC))


@pytest.mark.parametrize("file", _EXPECTED)
def test_an_envelope_ends_as_it_should(module: Path, file: str) -> None:
    trust = _trust(module, "ca:valid-trust-store", "signingAuthority:valid-trust-store")
    candidate = _judged(module / file, trust)
    assert candidate.reason_code == _EXPECTED[file], candidate.detail


@pytest.mark.parametrize("format_", ["jws", "cose"])
def test_a_token_of_a_public_authority(module: Path, format_: str) -> None:
    """Whose set of certificates is not in the order of DER. It names a responder that nobody may ask here."""
    path = module / _STAMPED.format(format_)
    candidate = _judged(path, _trust(module, "ca:valid-trust-store", "tsa:test-timestamp"))
    assert candidate.reason_code == "notation-revocation-not-configured"
    assert "Globalsign TSA" in candidate.detail
    stores = ["ca:valid-trust-store", "tsa:test-timestamp"]
    files = _trust(module, *stores).files
    lenient = level("strict", revocation="log", authenticTimestamp="log")
    noted = _judged(path, notary.trust(statement(trustStores=stores, signatureVerification=lenient), files))
    assert noted.outcome is Outcome.VERIFIED
    assert "logged:notation-revocation-not-configured" in noted.anomalies
    assert TimeSource.TIMESTAMP not in {time.source for time in noted.times}
    assert _judged(path, _trust(module, "ca:valid-trust-store", "tsa:test-mismatch")).reason_code == (
        "timestamp-untrusted"
    )


@pytest.mark.parametrize(
    ("store", "problem"),
    [
        ("ca:trust-store-with-invalid-certs", "neither PEM nor DER"),
        ("ca:trust-store-with-leaf-certs", "neither an authority nor self-signed"),
        ("ca:trust-store-with-leaf-certs-in-single-file", "neither an authority nor self-signed"),
        ("tsa:test-nonSelfIssued", "holds roots alone"),
        ("tsa:nowhere", "there is no such folder"),
    ],
)
def test_a_store_that_notation_refuses_too(module: Path, store: str, problem: str) -> None:
    kind, _, name = store.partition(":")
    folder = module / "verifier/testdata/truststore"
    with pytest.raises(MalformedError, match=problem):
        read_stores(load_store(folder, StoreName(StoreKind(kind), name)))


def test_its_stores_are_read_as_they_are(module: Path, tmp_path: Path) -> None:
    policy = tmp_path / "trustpolicy.json"
    stores = [
        "ca:valid-trust-store",
        "ca:valid-trust-store-self-signed",
        "signingAuthority:valid-trust-store-2",
    ]
    policy.write_bytes(notary.document(statement(trustStores=[*stores, "tsa:test-timestamp"])))
    trust = load_trust("site", policy, module / "verifier/testdata/truststore")
    assert len(trust.files) > len(stores)
