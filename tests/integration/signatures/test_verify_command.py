"""``gatekeeper verify`` on images signed by real tools, in every registry: the answer that a verifier must give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import main
from tests.fakes.replay import REAL_TOOLS, replay
from tests.judges.registries import RegistryServer, registry_server

KINDS = ("embedded", "distribution3", "referrers")
ROWS = json.loads((REAL_TOOLS / "manifest.json").read_text())["rows"]
CHECKS = [
    pytest.param(row, check, id=f"{row['name']}-{number}")
    for row in ROWS
    for number, check in enumerate(row["checks"])
    if check["type"] in ("signature", "attestation", "keyless-signature", "notation")
]


@pytest.fixture(scope="module", params=KINDS)
def loaded(request: pytest.FixtureRequest) -> Iterator[RegistryServer]:
    with registry_server(request.param) as server:
        replay(server.host)
        yield server


@dataclass(frozen=True, slots=True)
class Asked:
    """One run of the command."""

    exit_code: int
    answer: dict[str, Any]


def verify(capsys: pytest.CaptureFixture[str], image: str, *options: str) -> Asked:
    code = main(["verify", image, "--plain-http", "-o", "json", *options])
    return Asked(code, json.loads(capsys.readouterr().out))


def options_of(check: dict[str, Any]) -> list[str]:
    """What a person would type for a check of the corpus."""
    key = ["--key", str(REAL_TOOLS / "keys" / f"{check.get('key')}.pub")]
    match check["type"]:
        case "signature":
            return [*key, *(["--platform", check["platform"]] if "platform" in check else [])]
        case "attestation":
            return [*key, "--type", check["predicate_type"]]
        case "notation":
            trust = REAL_TOOLS / "trust/notation"
            policy = trust / "policies" / f"{check['policy']}.json"
            return ["--notation-policy", str(policy), "--notation-trust-store", str(trust / "truststore")]
    root = REAL_TOOLS / check["trusted_root"]
    return ["--identity", check["identity"], "--issuer", check["issuer"], "--trusted-root", str(root)]


@pytest.mark.parametrize(("row", "check"), CHECKS)
def test_every_check_of_the_corpus(
    loaded: RegistryServer, capsys: pytest.CaptureFixture[str], row: dict[str, Any], check: dict[str, Any]
) -> None:
    asked = verify(capsys, f"{loaded.host}/{row['repo']}:{row['tag']}", *options_of(check))
    passes = check["expect"] == "pass"
    assert asked.exit_code == (0 if passes else 1), asked.answer
    assert asked.answer["state"] == ("verified" if passes else asked.answer["state"])
    assert asked.answer["exit_code"] == asked.exit_code
    assert any(one["counts"] for one in asked.answer["candidates"]) is passes


def test_a_trust_policy_that_skips_verifies_nothing(
    loaded: RegistryServer, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    policy = tmp_path / "trustpolicy.json"
    statement = {"name": "skip", "registryScopes": [f"{loaded.host}/corpus/notation-jws-rsa2048"]}
    level = {"signatureVerification": {"level": "skip"}}
    policy.write_text(json.dumps({"version": "1.0", "trustPolicies": [{**statement, **level}]}))
    store = REAL_TOOLS / "trust/notation/truststore"
    options = ("--notation-policy", str(policy), "--notation-trust-store", str(store))
    asked = verify(capsys, f"{loaded.host}/corpus/notation-jws-rsa2048:v1", *options)
    assert (asked.exit_code, asked.answer["state"]) == (1, "skipped")
    asked = verify(capsys, f"{loaded.host}/corpus/notation-cose-ec256:v1", *options)
    assert (asked.exit_code, asked.answer["state"]) == (1, "refused"), "no statement is for this repository"
