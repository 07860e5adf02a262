"""What real cosigns verified before a verdict was attached, they verify after; and they verify the attestation.

Every image that real tools signed is judged and attested by the daemon's own path, with and without the referrers API.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import main
from gatekeeper.core.attesting import AttestingTerms
from gatekeeper.core.digest import Digest
from gatekeeper.core.policy import Action, RuleSet
from gatekeeper.core.rules.tag_latest import TagLatest
from gatekeeper.core.verification_summary import PREDICATE_TYPE
from gatekeeper.demo.registry import Behaviour
from gatekeeper.signatures.attestor import KeyAttestor
from gatekeeper.signatures.signing import SigningKey
from gatekeeper.workflow.workroom import Attesting
from tests.fakes.replay import REAL_TOOLS, replay
from tests.integration.signatures.cosign_bench import TOOLS, CosignBench
from tests.integration.workflow.world import World, a_world, policy_of

VSA = SigningKey.generate("vsa.pub")
VERIFIER = "https://gatekeeper.example.test"
TERMS = AttestingTerms(VERIFIER, f"{VERIFIER}/policy", "0")
ROWS = json.loads((REAL_TOOLS / "manifest.json").read_text())["rows"]
FORMS = ("plain", "legacy", "bundle")
BEHAVIOURS = {"referrers": Behaviour(), "fallback": Behaviour.docker_registry_2()}
ATTACHED = {
    "c2-sig-ec": "legacy",
    "wrong-key-sig": "legacy",
    "c2-oci11-ec": "legacy",
    "c3-bundle-ec": "bundle",
    "dist-c3-bundle": "bundle",
    "c3-bundle-index-recursive": "bundle",
    "full-c2": "legacy",
    "full-c3": "bundle",
    "kl-c3-rekor1": "bundle",
}
"""The form that is chosen; nothing is attached to the others."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to one cosign."""

    tool: str
    form: str
    reference: str
    command: tuple[str, ...]
    keyless: tuple[str, ...] = ()
    """Options that say who must have signed without a key; empty: the key ``ec``."""


@pytest.fixture(params=BEHAVIOURS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with a_world(tmp_path, BEHAVIOURS[request.param]) as made:
        replay(made.registry.host)
        scope = replace(made.policy.scopes[0], action=Action.REPORT)
        made.policy = policy_of(scope, rules=RuleSet("default", (TagLatest(),)))
        yield made


def attest_everything(world: World) -> None:
    attesting = Attesting(TERMS, KeyAttestor(lambda: (VSA.to_pem(), None)))
    world.app = replace(world.app, room=replace(world.app.room, attesting=attesting))
    world.rounds(3)


def reference(world: World, row: dict[str, Any]) -> str:
    return f"{world.registry.host}/{row['repo']}@{row['digest']}"


def questions(world: World, row: dict[str, Any]) -> Iterator[Ask]:
    """Everything a person with the corpus' keys could ask about one image."""
    commands: list[tuple[str, ...]] = [("verify",)]
    commands += [
        ("verify-attestation", "--type", check["predicate_type"])
        for check in row["checks"]
        if check["type"] == "attestation"
    ]
    for tool in TOOLS:
        for form in FORMS:
            for command in commands:
                yield Ask(tool, form, reference(world, row), command)
            for check in row["checks"]:
                if check["type"] == "keyless-signature":
                    who = (
                        "--certificate-identity",
                        check["identity"],
                        "--certificate-oidc-issuer",
                        check["issuer"],
                    )
                    root = ("--trusted-root", str(REAL_TOOLS / check["trusted_root"]))
                    yield Ask(tool, form, reference(world, row), ("verify",), (*who, *root))


def accepts(bench: CosignBench, ask: Ask) -> bool:
    """Yes, or anything else: a cosign that gives up for whatever reason accepts nothing."""
    root = bench.folder / "no_trust.json"
    root.write_text(json.dumps({"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}))
    flags = {
        "plain": (),
        "legacy": ("--new-bundle-format=false",),
        "bundle": ("--new-bundle-format=true",),
    }[ask.form]
    who = ask.keyless
    if not who:
        trust = ("--trusted-root", str(root)) if ask.tool == "cosign2" and ask.form != "legacy" else ()
        who = ("--insecure-ignore-tlog=true", "--key", str(REAL_TOOLS / "keys" / "ec.pub"), *trust)
    done = bench.run(ask.tool, *ask.command, *flags, *who, "--allow-http-registry", ask.reference)
    return done.returncode == 0


@pytest.mark.slow
@pytest.mark.judge("cosign")
def test_what_verified_before_attaching_still_verifies(world: World, tmp_path: Path) -> None:
    bench = CosignBench(tmp_path, world.registry)
    before = [ask for row in ROWS for ask in questions(world, row) if accepts(bench, ask)]
    assert len(before) > 25
    assert {ask.tool for ask in before} == {ask.tool for ask in before if ask.keyless} == set(TOOLS)
    attest_everything(world)
    broken = [ask for ask in before if not accepts(bench, ask)]
    assert broken == []


@pytest.mark.slow
@pytest.mark.judge("cosign")
def test_both_cosigns_and_ours_verify_the_attestation_in_the_form_that_was_chosen(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = CosignBench(tmp_path, world.registry)
    public = tmp_path / "vsa.pub"
    public.write_text(VSA.public.spki_pem)
    attest_everything(world)
    for row in ROWS:
        digest = Digest.parse(row["digest"])
        intent = world.app.room.store.newest_attestation(world.repository(row["repo"]), digest)
        assert (intent is not None) is (row["name"] in ATTACHED), row["name"]
        code = main([
            "verify-vsa", reference(world, row), "--key", str(public), "--verifier-id", VERIFIER, "--plain-http",
        ])  # fmt: skip
        assert code == (0 if row["name"] in ATTACHED else 1), (row["name"], capsys.readouterr().out)
        if intent is None:
            continue
        assert intent.note == "attached and read back", row["name"]
        for tool in TOOLS:
            command = ("verify-attestation", "--type", PREDICATE_TYPE)
            judged = bench.ask(tool, ATTACHED[row["name"]], public, reference(world, row), command=command)
            assert judged.accepts, (tool, row["name"], judged.said)
