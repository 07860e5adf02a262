"""Real signatures by notation 2.0.0-alpha.1, under every trust policy that it was asked with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatekeeper.core.evidence import Candidate, Form, Outcome, TimeSource
from gatekeeper.core.trust import TrustMaterial
from gatekeeper.signatures.notation.trust import load_trust
from tests.fakes.registry_dump import FIXTURES, repository

_FOLDER = FIXTURES / "signed_by_real_tools"
_TRUST = _FOLDER / "trust" / "notation"
_ROWS: list[dict[str, Any]] = [
    row
    for row in json.loads((_FOLDER / "manifest.json").read_text())["rows"]
    if row["name"].startswith("notation-")
]
_CHECKS = [
    pytest.param(row, check["policy"], check["expect"] == "pass", id=f"{row['name']}-{check['policy']}")
    for row in _ROWS
    for check in row["checks"]
    if check["type"] == "notation"
]


def _judged(row: dict[str, Any], *policies: str) -> Candidate:
    trust = TrustMaterial(
        notation=tuple(
            load_trust(name, _TRUST / "policies" / f"{name}.json", _TRUST / "truststore") for name in policies
        )
    )
    dump = repository(_FOLDER, row["repo"])
    (found,) = [
        verified.candidate
        for verified in dump.verify_with(dump.subject(row["tag"]), trust)
        if verified.candidate.form is Form.NOTATION_SIGNATURE
    ]
    return found


@pytest.mark.parametrize(("row", "policy", "accepted"), _CHECKS)
def test_every_policy_ends_as_the_real_tool_ended(row: dict[str, Any], policy: str, accepted: bool) -> None:
    candidate = _judged(row, policy)
    assert (candidate.outcome is Outcome.VERIFIED) == accepted, candidate.detail
    (result,) = candidate.notation
    assert (result.trust, result.outcome) == (policy, candidate.outcome)


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row["name"])
@pytest.mark.parametrize(
    ("policy", "code"),
    [
        ("wrong-identity", "notation-identity-untrusted"),
        ("stranger", "notation-untrusted"),
        ("sa-only", "notation-untrusted"),
        ("other-scope", "notation-no-statement"),
        ("tsa", "notation-timestamp-missing"),
        ("self", "notation-untrusted"),
    ],
)
def test_each_refusal_says_why(row: dict[str, Any], policy: str, code: str) -> None:
    candidate = _judged(row, policy)
    assert (candidate.outcome, candidate.reason_code) == (Outcome.REFUSED, code)
    assert candidate.identity is None


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row["name"])
@pytest.mark.parametrize("policy", ["permissive", "tsa-after-expiry"])
def test_the_other_policies_accept(row: dict[str, Any], policy: str) -> None:
    assert _judged(row, policy).reason_code == "signature-verified"


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row["name"])
def test_a_believed_signature_keeps_what_it_says(row: dict[str, Any]) -> None:
    candidate = _judged(row, "ca-org", "stranger")
    assert candidate.outcome is Outcome.VERIFIED
    assert candidate.identity is not None
    assert "O=Held Out" in candidate.identity
    assert candidate.certificate is not None
    assert candidate.certificate.subject == candidate.identity
    assert candidate.signing_scheme == "notary.x509"
    assert [time.source for time in candidate.times] == [TimeSource.CLAIMED]
    assert candidate.anomalies == ()
    assert {result.trust: result.outcome for result in candidate.notation} == {
        "ca-org": Outcome.VERIFIED,
        "stranger": Outcome.REFUSED,
    }


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row["name"])
def test_without_a_trust_policy_it_is_seen_and_not_looked_at(row: dict[str, Any]) -> None:
    candidate = _judged(row)
    assert (candidate.outcome, candidate.reason_code) == (Outcome.SKIPPED, "notation-not-configured")
