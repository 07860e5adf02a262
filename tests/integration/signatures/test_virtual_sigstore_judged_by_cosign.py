"""The real cosign 3 accepts what the virtual Sigstore mints, and refuses the same broken ones as we do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from gatekeeper.core.digest import Digest
from gatekeeper.core.trust import TrustMaterial, TrustRoot
from gatekeeper.demo.sigstore.authority import Authority, pem
from gatekeeper.demo.sigstore.fulcio import Fulcio, Unusual
from gatekeeper.demo.sigstore.instance import LOGGED, TILED, Recipe, VirtualSigstore
from gatekeeper.demo.sigstore.signing_keys import LogSigner
from gatekeeper.signatures import media_types
from gatekeeper.signatures.attaching import bundle_referrer
from gatekeeper.signatures.signing import tagged
from gatekeeper.signatures.verifier import Verifier
from tests.fakes.registry_dump import about
from tests.integration.signatures.cosign_bench import CosignBench, CosignVerdict
from tests.unit.signatures.keyless.minted import (
    ALICE,
    AT,
    BEGAN,
    ENTRY,
    LATER,
    ROBOT,
    SIGSTORE,
    STAMPS,
    STRANGE,
    Json,
    flipped,
    spoilt,
)

pytestmark = [pytest.mark.judge("cosign"), pytest.mark.slow]

_DAY = timedelta(days=1)
_PROVENANCE = "https://slsa.dev/provenance/v1"
_REFUSALS = ("no matching", "no signatures found", "no valid bundles", "none of the expected identities")

Windows = Mapping[str, tuple[datetime, datetime | None]]


def _statement(subject: Digest, predicate_type: str = media_types.SIGNATURE_PREDICATE) -> bytes:
    return json.dumps(
        {
            "_type": media_types.STATEMENT_V1,
            "subject": [{"digest": {"sha256": subject.encoded}}],
            "predicateType": predicate_type,
            "predicate": {},
        }
    ).encode()


def _ask(bench: CosignBench, reference: str, root: bytes, *options: str) -> CosignVerdict:
    file = bench.folder / "root.json"
    file.write_bytes(root)
    done = bench.run(
        "cosign",
        *(options or ("verify",)),
        "--trusted-root",
        file,
        "--certificate-identity",
        ROBOT.name,
        "--certificate-oidc-issuer",
        ROBOT.issuer,
        "--allow-http-registry",
        reference,
    )
    verdict = CosignVerdict(done.returncode == 0, done.stderr)
    assert verdict.accepts or any(sign in done.stderr for sign in _REFUSALS), done.stderr
    return verdict


def _ours(bench: CosignBench, subject: Digest, root: bytes) -> list[str]:
    trust = TrustMaterial(roots=(TrustRoot("virtual", root, "f"),))
    return [
        Verifier().verify(wanted, content, subject=about(subject), trust=trust).candidate.reason_code
        for wanted, content in bench.candidates("app", subject)
    ]


def _hang(bench: CosignBench, subject: Digest, bundle: Json, predicate_type: str | None = None) -> str:
    made = json.dumps(bundle).encode()
    kind = predicate_type or media_types.SIGNATURE_PREDICATE
    bench.attach("app", bundle_referrer(made, bench.descriptor("app", subject), kind, created=AT))
    return bench.reference("app", subject)


_GOOD = {
    "rekor-1": LOGGED,
    "rekor-1-and-timestamp": replace(LOGGED, timestamp=True),
    "rekor-2": TILED,
}


@pytest.mark.parametrize("name", _GOOD)
def test_a_bundle_it_accepts(bench: CosignBench, name: str) -> None:
    subject = bench.push("app")
    reference = _hang(
        bench, subject, SIGSTORE.bundle_of_statement(_statement(subject), ROBOT, AT, _GOOD[name])
    )
    verdict = _ask(bench, reference, SIGSTORE.trusted_root_json())
    assert verdict.accepts, verdict.said
    assert _ours(bench, subject, SIGSTORE.trusted_root_json()) == ["signature-verified"]


def test_an_attestation_it_accepts(bench: CosignBench) -> None:
    subject = bench.push("app")
    bundle = SIGSTORE.bundle_of_statement(_statement(subject, _PROVENANCE), ROBOT, AT)
    reference = _hang(bench, subject, bundle, _PROVENANCE)
    verdict = _ask(
        bench, reference, SIGSTORE.trusted_root_json(), "verify-attestation", "--type", _PROVENANCE
    )
    assert verdict.accepts, verdict.said
    assert _ours(bench, subject, SIGSTORE.trusted_root_json()) == ["attestation-verified"]


def _hang_legacy(bench: CosignBench, subject: Digest, recipe: Recipe) -> str:
    claims = {
        "critical": {
            "identity": {"docker-reference": f"{bench.registry.host}/app"},
            "image": {"docker-manifest-digest": str(subject)},
            "type": media_types.SIMPLE_SIGNING_CLAIM,
        },
        "optional": None,
    }
    signed = SIGSTORE.signature_layer(json.dumps(claims).encode(), ROBOT, AT, recipe)
    attested = SIGSTORE.attestation_layer(_statement(subject, _PROVENANCE), ROBOT, AT, recipe)
    bench.attach("app", tagged(subject, [signed]))
    bench.attach("app", tagged(subject, [attested], ".att"))
    return bench.reference("app", subject)


@pytest.mark.parametrize("timestamp", [False, True])
def test_legacy_layers_it_accepts(bench: CosignBench, timestamp: bool) -> None:
    subject, root = bench.push("app"), SIGSTORE.trusted_root_json()
    reference = _hang_legacy(bench, subject, replace(LOGGED, timestamp=timestamp))
    legacy = ["--new-bundle-format=false", *(["--use-signed-timestamps"] if timestamp else [])]
    signed = _ask(bench, reference, root, "verify", *legacy)
    assert signed.accepts, signed.said
    found = _ask(bench, reference, root, "verify-attestation", *legacy, "--type", _PROVENANCE)
    assert found.accepts, found.said
    assert sorted(_ours(bench, subject, root)) == ["attestation-verified", "signature-verified"]


@pytest.mark.judge("cosign2")
@pytest.mark.parametrize("timestamp", [False, True])
def test_legacy_layers_the_older_cosign_accepts(bench: CosignBench, timestamp: bool) -> None:
    """cosign 2 takes no trust root for them, only single files."""
    subject, folder = bench.push("app"), bench.folder
    reference = _hang_legacy(bench, subject, replace(LOGGED, timestamp=timestamp))
    issuing, top = SIGSTORE.fulcio.authority.chain
    (folder / "root.pem").write_bytes(pem(top))
    (folder / "issuing.pem").write_bytes(pem(issuing))
    (folder / "tsa.pem").write_bytes(b"".join(map(pem, SIGSTORE.tsa.chain)))
    for name, signer in (("rekor", SIGSTORE.rekor_1.signer), ("ct", SIGSTORE.fulcio.ct_log)):
        (folder / f"{name}.pub").write_bytes(
            signer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
    for command in (["verify"], ["verify-attestation", "--type", _PROVENANCE]):
        done = bench.run(
            "cosign2",
            *command,
            "--offline",
            *(["--timestamp-certificate-chain", str(folder / "tsa.pem")] if timestamp else []),
            "--ca-roots",
            folder / "root.pem",
            "--ca-intermediates",
            folder / "issuing.pem",
            "--certificate-identity",
            ROBOT.name,
            "--certificate-oidc-issuer",
            ROBOT.issuer,
            "--allow-http-registry",
            reference,
            settings={
                "SIGSTORE_REKOR_PUBLIC_KEY": str(folder / "rekor.pub"),
                "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE": str(folder / "ct.pub"),
            },
        )
        assert done.returncode == 0, done.stderr


@dataclass(frozen=True, slots=True)
class Broken:
    """One thing spoilt. ``cosign_accepts``: where it is unsafe, with the reason."""

    expected: str
    recipe: Recipe = LOGGED
    path: tuple[str | int, ...] = ()
    to: object = None
    sigstore: VirtualSigstore = SIGSTORE
    windows: Windows = field(default_factory=dict)
    root_of: VirtualSigstore = SIGSTORE
    cosign_accepts: str = ""


_OTHER_LOG = replace(SIGSTORE, rekor_1=STRANGE.rekor_1, rekor_2=STRANGE.rekor_2)
_OTHER_CT = replace(SIGSTORE, fulcio=replace(SIGSTORE.fulcio, ct_log=LogSigner()))
_OTHER_TSA = replace(SIGSTORE, tsa=STRANGE.tsa)


def _short_issuer() -> VirtualSigstore:
    top = Authority.root("short-root", begins=BEGAN, ends=AT + 365 * _DAY)
    issuing = top.intermediate(
        "short-intermediate", begins=BEGAN, ends=AT - _DAY, purpose=ExtendedKeyUsageOID.CODE_SIGNING
    )
    return replace(SIGSTORE, fulcio=Fulcio(issuing, SIGSTORE.fulcio.ct_log))


_SHORT = _short_issuer()
_OVER = (BEGAN, AT - _DAY)

_BROKEN = {
    "16-unknown-root": Broken("certificate-untrusted", sigstore=STRANGE),
    "18-logged-too-late": Broken("certificate-outside-validity", replace(LOGGED, logged_at=LATER)),
    "19-stamped-too-late": Broken("certificate-outside-validity", replace(TILED, timestamped_at=LATER)),
    "20-issuer-over": Broken("certificate-outside-validity", sigstore=_SHORT, root_of=_SHORT),
    "21-authority-window": Broken(
        "certificate-authority-outside-window", windows={"certificateAuthorities": _OVER}
    ),
    "22-no-sct": Broken("sct-missing", replace(LOGGED, unusual=Unusual(scts=0))),
    "22-unknown-ct-log": Broken("sct-log-unknown", sigstore=_OTHER_CT),
    "23-ct-window": Broken("sct-log-outside-window", windows={"ctlogs": _OVER}),
    "24-purpose": Broken(
        "certificate-unsuitable",
        replace(LOGGED, unusual=Unusual(purposes=(ExtendedKeyUsageOID.EMAIL_PROTECTION,))),
    ),
    "34-promise": Broken(
        "log-promise-wrong", path=(*ENTRY, "inclusionPromise", "signedEntryTimestamp"), to=flipped
    ),
    "34-time": Broken(
        "log-promise-wrong", path=(*ENTRY, "integratedTime"), to=lambda seconds: str(int(seconds) + 1)
    ),
    "35-unknown-log": Broken("log-unknown", sigstore=_OTHER_LOG),
    "35-unknown-log-2": Broken("log-unknown", TILED, sigstore=_OTHER_LOG),
    "36-log-window": Broken("log-outside-window", windows={"tlogs": _OVER}),
    "37-root-hash": Broken("log-proof-wrong", path=(*ENTRY, "inclusionProof", "rootHash"), to=flipped),
    "37-hashes": Broken(
        "log-proof-wrong", TILED, (*ENTRY, "inclusionProof", "hashes"), lambda some: some[:-1]
    ),
    "38-checkpoint": Broken(
        "log-checkpoint-wrong",
        TILED,
        (*ENTRY, "inclusionProof", "checkpoint", "envelope"),
        lambda note: note.replace("log2", "log3"),
    ),
    "39-no-entry": Broken("log-entry-missing", path=("verificationMaterial", "tlogEntries"), to=[]),
    "39-two-entries": Broken(
        "log-entry-too-many", path=("verificationMaterial", "tlogEntries"), to=lambda entries: entries * 2
    ),
    "40-no-timestamp": Broken("signing-time-unproven", replace(TILED, timestamp=False)),
    "42-untrusted-tsa": Broken("timestamp-untrusted", TILED, sigstore=_OTHER_TSA),
    "42-tsa-window": Broken("timestamp-outside-window", TILED, windows={"timestampAuthorities": _OVER}),
    "42-twice": Broken(
        "timestamp-too-many",
        TILED,
        STAMPS,
        lambda stamps: stamps * 2,
        cosign_accepts="it counts a repeated timestamp once; the specification refuses duplicates",
    ),
    "45-signature": Broken(
        "signature-not-by-certificate", path=("dsseEnvelope", "signatures", 0, "sig"), to=flipped
    ),
}


@pytest.mark.parametrize("name", _BROKEN)
def test_a_bundle_it_refuses_too(bench: CosignBench, name: str) -> None:
    broken = _BROKEN[name]
    for number in range(3):  # so that proofs have hashes
        SIGSTORE.rekor_2.tree.append(b"%d" % number)
    subject = bench.push("app")
    bundle = broken.sigstore.bundle_of_statement(_statement(subject), ROBOT, AT, broken.recipe)
    if broken.path:
        bundle = spoilt(bundle, *broken.path, to=broken.to)
    root = json.dumps(broken.root_of.trusted_root(broken.windows)).encode()
    reference = _hang(bench, subject, bundle)
    assert _ours(bench, subject, root) == [broken.expected]
    verdict = _ask(bench, reference, root)
    assert verdict.accepts is bool(broken.cosign_accepts), verdict.said


def test_another_person_is_refused(bench: CosignBench) -> None:
    subject = bench.push("app")
    reference = _hang(bench, subject, SIGSTORE.bundle_of_statement(_statement(subject), ALICE, AT))
    assert not _ask(bench, reference, SIGSTORE.trusted_root_json()).accepts
