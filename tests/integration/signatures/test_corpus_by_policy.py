"""``gatekeeper check`` on images signed by real tools, by a policy file: every row of the corpus gets its answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import main
from tests.fakes.replay import REAL_TOOLS, replay
from tests.judges.registries import RegistryServer, registry_server

ROWS = json.loads((REAL_TOOLS / "manifest.json").read_text())["rows"]
CHECKS = [
    pytest.param(row, check, id=f"{row['name']}-{number}")
    for row in ROWS
    for number, check in enumerate(row["checks"])
    if check["type"] in ("signature", "attestation", "keyless-signature", "notation")
]


@pytest.fixture(scope="module")
def loaded() -> Iterator[RegistryServer]:
    with registry_server("embedded") as server:
        replay(server.host)
        yield server


def _policy(check: dict[str, Any]) -> str:
    rule = '{ rule = "signature-missing", signers = ["them"] }'
    match check["type"]:
        case "signature":
            who = f'[[signers.them.keys]]\nfile = "{REAL_TOOLS / "keys"}/{check["key"]}.pub"\n'
        case "attestation":
            who = f'[[signers.them.keys]]\nfile = "{REAL_TOOLS / "keys"}/{check["key"]}.pub"\n'
            kind = json.dumps(check["predicate_type"])
            rule = f'{{ rule = "attestation-missing", signers = ["them"], predicate = {kind} }}'
        case "notation":
            folder = REAL_TOOLS / "trust/notation"
            who = (
                f'[notation.theirs]\ntrust_policy = "{folder}/policies/{check["policy"]}.json"\n'
                f'trust_store = "{folder}/truststore"\n[signers.them]\nnotation = ["theirs"]\n'
            )
        case _:
            who = (
                f'[trust_roots.theirs]\nfile = "{REAL_TOOLS / check["trusted_root"]}"\n'
                f'[[signers.them.identities]]\nidentity = "{check["identity"]}"\nissuer = "{check["issuer"]}"\n'
            )
    return f"""{who}
[policies.p]
rules = [{rule}]
[[scopes]]
name = "all"
repositories = ["**"]
policy = "p"
"""


@pytest.mark.parametrize(("row", "check"), CHECKS)
def test_every_check_of_the_corpus(
    loaded: RegistryServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    row: dict[str, Any],
    check: dict[str, Any],
) -> None:
    (tmp_path / "policy.toml").write_text(_policy(check))
    config = tmp_path / "config.toml"
    config.write_text(
        f'policy = "policy.toml"\n[[registries]]\nhost = "{loaded.host}"\nplain_http = true\n'
        f'[database]\nurl = "sqlite:///{tmp_path}/gatekeeper.db"\n'
    )
    code = main(["check", f"{loaded.host}/{row['repo']}:{row['tag']}", "--config", str(config), "-o", "json"])
    said = json.loads(capsys.readouterr().out)
    passes = check["expect"] == "pass"
    assert code == (0 if passes else 1), said["answer"]
    assert said["answer"]["state"] == ("passed" if passes else "failed")
    assert any(one["signers"] == ["them"] for one in said["candidates"]) or not passes
    for one in said["candidates"]:
        assert one["form"]
        assert one["found_at"]
        assert one["reason_code"]
        assert (one["why_not"] == "") == bool(one["signers"])
        assert one["next"] or one["outcome"] == "verified"
    if passes and check["type"] == "keyless-signature":
        (found,) = [one for one in said["candidates"] if one["signers"]]
        assert (found["identity"], found["issuer"]) == (check["identity"], check["issuer"])
        assert isinstance(found["log_index"], int)
        assert found["logged_at"]
