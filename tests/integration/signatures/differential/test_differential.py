"""Our answer beside both real cosigns', on every changed signature: each disagreement is listed, with its reason.

Under GATEKEEPER_TEST_FULL=1 two thousand random changes are asked as well; otherwise a few. The Notary Project's beside
notation-go are in ``tests/integration/signatures/notation``.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

import pytest

from gatekeeper.cli import main
from gatekeeper.core.digest import Digest
from gatekeeper.demo.images import image
from tests.fakes.replay import REAL_TOOLS
from tests.integration.signatures.cosign_bench import TOOLS, CosignBench, KeyFiles
from tests.integration.signatures.differential.mutations import BUNDLE, LEGACY, Mutation, flipped

FULL = bool(os.environ.get("GATEKEEPER_TEST_FULL"))
FLIPS = 2000 if FULL else 24
SLICES = 20 if FULL else 1

BOTH = frozenset(TOOLS)
OURS = frozenset({"ours"})
EVERYBODY = BOTH | OURS
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Who alone accepts, what we say, and why we are right to differ."""

    accepted_by: frozenset[str]
    our_reason: str
    why: str


_GO_JSON = "Go's JSON takes what two programs read in two ways; we refuse it (strict JSON)"
_LENIENT = "harmless to the proof; the specification says to ignore it"

DISAGREEMENTS = {
    ("legacy", "type of something else"): Disagreement(
        BOTH, "claims-type-unknown", "containers-signature(5): an unknown type must be refused"
    ),
    ("legacy", "type absent"): Disagreement(BOTH, "claims-type-unknown", "the same"),
    ("legacy", "identity absent"): Disagreement(
        BOTH, "claims-malformed", "SIGNATURE_SPEC.md: `critical.identity` is required"
    ),
    ("legacy", "unknown member in critical"): Disagreement(
        BOTH, "claims-critical-unknown", "containers-signature(5): unknown critical members must be refused"
    ),
    ("legacy", "unknown member in image"): Disagreement(BOTH, "claims-critical-unknown", "the same"),
    ("legacy", "digest twice, the good one last"): Disagreement(BOTH, "claims-malformed", _GO_JSON),
    ("legacy", "digest in another spelling of its name"): Disagreement(
        BOTH, "claims-critical-unknown", _GO_JSON
    ),
    ("legacy", "critical in another spelling"): Disagreement(BOTH, "claims-malformed", _GO_JSON),
    ("legacy", "critical twice"): Disagreement(BOTH, "claims-malformed", _GO_JSON),
    ("legacy", "signature with white space in it"): Disagreement(
        BOTH, "signature-encoding", "one signature must not appear as many"
    ),
    ("legacy", "layer of another media type"): Disagreement(
        BOTH, "signature-missing", "SIGNATURE_SPEC.md: the layer's media type says what it is"
    ),
    ("bundle", "statement of another version"): Disagreement(
        BOTH, "statement-type-unknown", "in-toto: an unknown `_type` must be refused"
    ),
    ("bundle", "statement type absent"): Disagreement(BOTH, "statement-type-unknown", "the same"),
    ("bundle", "predicate type absent"): Disagreement(
        BOTH, "statement-malformed", "cosign takes any attestation for a signature"
    ),
    ("bundle", "predicate of an attestation"): Disagreement(
        BOTH, "signature-missing", "cosign takes any attestation for a signature"
    ),
    ("bundle", "subject in upper case"): Disagreement(
        frozenset({"cosign2"}),
        "statement-malformed",
        "in-toto: digests are lower-case hexadecimal; cosign 3 refuses it too",
    ),
    ("bundle", "snake case"): Disagreement(
        BOTH, "bundle-malformed", "two spellings of one member are two answers"
    ),
    ("bundle", "payload with white space"): Disagreement(
        BOTH, "signature-encoding", "one signature must not appear as many"
    ),
    ("bundle", "predicate is a text"): Disagreement(
        OURS, "verified", "nothing is read of a signature's predicate"
    ),
    ("bundle", "unknown member in the statement"): Disagreement(OURS, "verified", _LENIENT),
    ("bundle", "media type of version 0.1"): Disagreement(
        OURS, "verified", "cosign reads no bundle before 0.3; we do"
    ),
    ("bundle", "key id"): Disagreement(
        OURS, "verified", "key ids and hints are never trusted; kept as an anomaly"
    ),
}


@dataclass(frozen=True, slots=True)
class Answers:
    """Who takes it for a signature by the key, and what we say."""

    accepted_by: frozenset[str]
    our_reason: str


def ask(bench: CosignBench, capsys: pytest.CaptureFixture[str], key: KeyFiles, mutation: Mutation) -> Answers:
    path = f"m/{Digest.of((mutation.form + mutation.name).encode()).short}"
    digest = bench.push(path, image({"etc/motd": mutation.name + mutation.form}))
    bench.attach(path, mutation.make(key.signing, bench.descriptor(path, digest)))
    reference = bench.reference(path, digest)
    accepting = {tool for tool in TOOLS if _accepts(bench, tool, mutation.form, key, reference)}
    capsys.readouterr()
    code = main(["verify", reference, "--plain-http", "--key", str(key.public), "-o", "json"])
    answer = json.loads(capsys.readouterr().out)
    return Answers(frozenset(accepting | ({"ours"} if code == 0 else set())), answer["reason_code"])


def _accepts(bench: CosignBench, tool: str, form: str, key: KeyFiles, reference: str) -> bool:
    """Yes, or anything else: a cosign that gives up for whatever reason accepts nothing."""
    root = bench.folder / "no_trust.json"
    root.write_text(json.dumps({"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}))
    bundle = form == "bundle"
    done = bench.run(
        tool,
        "verify",
        f"--new-bundle-format={'true' if bundle else 'false'}",
        *(("--trusted-root", str(root)) if bundle and tool == "cosign2" else ()),
        "--insecure-ignore-tlog=true",
        "--allow-http-registry",
        "--key",
        key.public,
        reference,
    )
    return done.returncode == 0


@pytest.mark.slow
@pytest.mark.judge("cosign")
@pytest.mark.parametrize("mutations", [LEGACY, BUNDLE], ids=["legacy", "bundle"])
def test_every_disagreement_is_listed_with_its_reason(
    bench: CosignBench, capsys: pytest.CaptureFixture[str], mutations: tuple[Mutation, ...]
) -> None:
    key = bench.key("ecdsa-p256", "cosign")
    unexplained = {}
    for mutation in mutations:
        answers = ask(bench, capsys, key, mutation)
        listed = DISAGREEMENTS.get((mutation.form, mutation.name))
        expected = (listed.accepted_by, listed.our_reason) if listed else None
        agreed = answers.accepted_by in (EVERYBODY, NOBODY)
        if (answers.accepted_by, answers.our_reason) != expected if listed else not agreed:
            unexplained[mutation.name] = answers
    assert unexplained == {}
    names = {(mutation.form, mutation.name) for mutation in (*LEGACY, *BUNDLE)}
    assert set(DISAGREEMENTS) <= names


@pytest.mark.slow
@pytest.mark.judge("cosign")
@pytest.mark.parametrize("part", range(SLICES))
def test_a_random_change_is_taken_by_nobody_but_for_text_that_means_the_same(
    bench: CosignBench, capsys: pytest.CaptureFixture[str], part: int
) -> None:
    key = bench.key("ecdsa-p256", "cosign")
    unexplained = {}
    for seed in range(part, FLIPS, SLICES):
        answers = ask(bench, capsys, key, flipped(seed))
        agreed = answers.accepted_by in (EVERYBODY, NOBODY)
        # Spare bits and white space of base64 change no byte of a signature; cosign takes them, we do not.
        same_bytes = (answers.accepted_by, answers.our_reason) == (BOTH, "signature-encoding")
        if not agreed and not same_bytes:
            unexplained[seed] = answers
    assert unexplained == {}


RECORDED = (
    "trusted root is required when using new bundle format",
    "no signatures found",
    "no valid bundles exist in registry",
)
"""Why tools refuse images of the corpus that we verify: they looked for one form, or wanted more than a key."""


def test_where_tools_refused_images_of_the_corpus_that_we_verify_they_looked_for_another_form() -> None:
    found = set()
    for row in json.loads((REAL_TOOLS / "manifest.json").read_text())["rows"]:
        for check in row["checks"]:
            for tool in check.get("tools", ()):
                if tool["accepts"] == (check["expect"] == "pass"):
                    continue
                assert check["expect"] == "pass", ("we refuse what the tool accepts", row["name"], tool)
                reasons = [reason for reason in RECORDED if reason in tool["error"]]
                assert reasons, (row["name"], tool)
                found |= set(reasons)
    assert found == set(RECORDED)
