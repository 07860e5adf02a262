"""``attestation-missing`` and ``provenance-missing``: the right type, by the right signer, saying the right thing."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from gatekeeper.core.evidence import Candidate, Outcome, Purpose, SignedTime, TimeSource
from gatekeeper.core.predicate import (
    OtherPredicate,
    Predicate,
    PredicateFacts,
    Provenance,
    Summary,
    TestReport,
    UnreadPredicate,
    VulnerabilityScan,
)
from gatekeeper.core.rules.attestation_missing import AttestationMissing
from gatekeeper.core.rules.provenance_missing import ProvenanceMissing
from gatekeeper.core.rules.rule import Rule
from gatekeeper.core.rules.signed import SignedVia
from gatekeeper.core.signer import ManagedKey, Signer
from gatekeeper.core.trust import PublicKey
from gatekeeper.core.verdict import Result
from tests.unit.core.builders import (
    NOW,
    OUTAGE,
    candidate,
    checks,
    evidence,
    index_node,
    node,
    signed,
)

DAY = timedelta(days=1)
V1 = "https://slsa.dev/provenance/v1"
BUILT = Provenance(
    version="v1",
    builder="https://ci.test/builder",
    build_type="https://ci.test/type",
    source="https://github.com/org/app",
    source_ref="refs/tags/v1",
    materials=2,
    said_at=NOW - DAY,
)
SCAN = VulnerabilityScan("pkg:trivy", "1", 0, NOW - DAY)


def attested(
    facts: PredicateFacts = BUILT,
    kind: str = V1,
    *,
    by: str | None = "k1",
    claims: dict[str, str] | None = None,
    **more: Any,
) -> Candidate:
    found = candidate(by, purpose=Purpose.ATTESTATION, reason_code="attestation-verified" if by else None)
    said = Predicate(facts, claims or {}) if by else None
    return dataclasses.replace(found, predicate_type=kind, predicate=said, **more)


RELEASE = ("release",)


@pytest.mark.parametrize(
    ("rule", "found", "result", "reason_code", "settles"),
    [
        (ProvenanceMissing(), [attested()], Result.SATISFIED, "provenance-verified", False),
        (ProvenanceMissing(), [], Result.VIOLATED, "provenance-missing", True),
        (ProvenanceMissing(), [candidate()], Result.VIOLATED, "provenance-missing", True),
        (ProvenanceMissing(), [attested(by=None)], Result.VIOLATED, "provenance-missing", True),
        (
            ProvenanceMissing(),
            [attested(by=None, reason_code="subject-mismatch")],
            Result.VIOLATED,
            "provenance-refused:subject-mismatch",
            False,
        ),
        (
            ProvenanceMissing(),
            [attested(SCAN, "https://in-toto.io/attestation/vulns")],
            Result.VIOLATED,
            "provenance-missing",
            True,
        ),
        (
            ProvenanceMissing(signers=RELEASE),
            [attested(by="k2")],
            Result.VIOLATED,
            "provenance-by-other-signer",
            True,
        ),
        (
            ProvenanceMissing(threshold=2),
            [attested()],
            Result.VIOLATED,
            "provenance-threshold-not-reached",
            True,
        ),
        (
            ProvenanceMissing(threshold=2),
            [attested(), attested(by="k2")],
            Result.SATISFIED,
            "provenance-verified",
            False,
        ),
        (
            ProvenanceMissing(builders=("https://ci.test/*",)),
            [attested()],
            Result.SATISFIED,
            "provenance-verified",
            False,
        ),
        (
            ProvenanceMissing(builders=("https://other.test/*",)),
            [attested()],
            Result.VIOLATED,
            "provenance-builder-differs",
            False,
        ),
        (
            ProvenanceMissing(sources=("https://github.com/org/*",), source_refs=("refs/tags/*",)),
            [attested()],
            Result.SATISFIED,
            "provenance-verified",
            False,
        ),
        (
            ProvenanceMissing(sources=("https://github.com/or/*",)),
            [attested()],
            Result.VIOLATED,
            "provenance-source-differs",
            False,
        ),
        (
            ProvenanceMissing(source_refs=("refs/heads/main",)),
            [attested()],
            Result.VIOLATED,
            "provenance-source-ref-differs",
            False,
        ),
        (
            ProvenanceMissing(build_types=("x",)),
            [attested()],
            Result.VIOLATED,
            "provenance-build-type-differs",
            False,
        ),
        (
            ProvenanceMissing(materials_pinned=True),
            [attested()],
            Result.SATISFIED,
            "provenance-verified",
            False,
        ),
        (
            ProvenanceMissing(materials_pinned=True),
            [attested(dataclasses.replace(BUILT, unpinned=("pkg:x",)))],
            Result.VIOLATED,
            "provenance-materials-unpinned",
            False,
        ),
        (
            ProvenanceMissing(materials_pinned=True),
            [attested(dataclasses.replace(BUILT, materials=0))],
            Result.VIOLATED,
            "provenance-materials-missing",
            False,
        ),
        (
            ProvenanceMissing(),
            [attested(UnreadPredicate("`id` is absent"))],
            Result.VIOLATED,
            "provenance-unreadable",
            False,
        ),
        (
            ProvenanceMissing(builders=("https://ci.test/*",)),
            [attested(dataclasses.replace(BUILT, builder="https://evil.test"), by="k2"), attested()],
            Result.SATISFIED,
            "provenance-verified",
            False,
        ),
        (
            AttestationMissing("fail", V1),  # type: ignore[arg-type]
            [attested()],
            Result.SATISFIED,
            "attestation-verified",
            False,
        ),
        (
            AttestationMissing(predicate="https://slsa.dev/provenance/v0.2"),
            [attested()],
            Result.VIOLATED,
            "attestation-missing",
            True,
        ),
        (
            AttestationMissing(predicate="slsa-vsa"),
            [
                attested(
                    Summary("v", "r", "p", False, ("FAILED",)), "https://slsa.dev/verification_summary/v1"
                )
            ],
            Result.VIOLATED,
            "attestation-says-failed",
            False,
        ),
        (
            AttestationMissing(predicate="test-result"),
            [attested(TestReport(False, "FAILED", 1), "https://in-toto.io/attestation/test-result/v0.1")],
            Result.VIOLATED,
            "attestation-says-failed",
            False,
        ),
        (
            AttestationMissing(predicate="x", claims={"/ok": "true"}),
            [attested(OtherPredicate(), "x", claims={"/ok": "true"})],
            Result.SATISFIED,
            "attestation-verified",
            False,
        ),
        (
            AttestationMissing(predicate="x", claims={"/ok": "true"}),
            [attested(OtherPredicate(), "x", claims={"/ok": "false"})],
            Result.VIOLATED,
            "attestation-claim-differs",
            False,
        ),
        (
            AttestationMissing(predicate="x", claims={"/ok": "true"}),
            [attested(OtherPredicate(), "x")],
            Result.VIOLATED,
            "attestation-claim-missing",
            False,
        ),
    ],
)
def test_answers(rule: Rule, found: list[Candidate], result: Result, reason_code: str, settles: bool) -> None:
    place = node(signatures=signed(*found)) if found else node()
    (check,) = checks(rule, evidence(place))
    assert (check.result, check.reason_code, check.settles) == (result, reason_code, settles)


def _aged(said_at: Any, **more: Any) -> Any:
    rule = AttestationMissing(predicate="vuln", max_age=7 * DAY)
    item = attested(
        VulnerabilityScan("s", "1", 0, said_at), "https://cosign.sigstore.dev/attestation/vuln/v1", **more
    )
    (check,) = checks(rule, evidence(node(signatures=signed(item))))
    return check


def test_age_is_told_by_the_predicate_or_by_a_proven_time() -> None:
    fresh = _aged(NOW - 6 * DAY)
    assert (fresh.reason_code, fresh.deadline) == ("attestation-verified", NOW + DAY)
    assert _aged(NOW - 8 * DAY).reason_code == "attestation-too-old"
    assert _aged(NOW + DAY).reason_code == "attestation-from-the-future"
    assert _aged(None).reason_code == "attestation-undated"
    claimed = (SignedTime(NOW - DAY, TimeSource.CLAIMED),)
    assert _aged(None, times=claimed).reason_code == "attestation-undated"
    proven = (SignedTime(NOW - DAY, TimeSource.TIMESTAMP),)
    assert _aged(None, times=proven).reason_code == "attestation-verified"


def test_a_compromised_key_attests_nothing() -> None:
    key = ManagedKey(PublicKey("k1", "", "release.pub"), compromised_at=NOW - DAY)
    signers = {"release": Signer("release", (key,))}
    (check,) = checks(ProvenanceMissing(), evidence(node(signatures=signed(attested()))), signers=signers)
    assert check.reason_code == "provenance-key-compromised"
    elsewhere = ProvenanceMissing(builders=("https://other.test/*",))
    (check,) = checks(elsewhere, evidence(node(signatures=signed(attested()))), signers=signers)
    assert check.reason_code == "provenance-key-compromised"


def test_what_could_not_be_read_is_undetermined_and_an_oversized_signature_says_nothing_of_attestations() -> (
    None
):
    beside = signed(attested(by=None), gap=OUTAGE)
    (check,) = checks(ProvenanceMissing(), evidence(node(signatures=beside)))
    assert check.result is Result.UNDETERMINED
    large = candidate(None, outcome=Outcome.INCONCLUSIVE, reason_code="candidate-too-large")
    (check,) = checks(ProvenanceMissing(), evidence(node(signatures=signed(large))))
    assert check.reason_code == "provenance-missing"


@pytest.mark.parametrize(
    ("via", "by_index", "by_child"),
    [(SignedVia.ANY, True, True), (SignedVia.SELF, False, True), (SignedVia.PARENT_INDEX, True, False)],
)
def test_whose_provenance_counts(via: SignedVia, by_index: bool, by_child: bool) -> None:
    rule = ProvenanceMissing(signed_via=via)
    for of, counts in [
        (evidence(index_node(signatures=signed(attested())), node("a")), by_index),
        (evidence(index_node(), node("a", signatures=signed(attested()))), by_child),
    ]:
        (check,) = checks(rule, of)
        assert (check.result is Result.SATISFIED) is counts


@pytest.mark.parametrize(
    "senseless",
    [
        lambda: AttestationMissing(claims={"builder.id": "x"}),
        lambda: AttestationMissing(threshold=0),
        lambda: ProvenanceMissing(threshold=2, signers=("a",)),
    ],
)
def test_senseless_parameters_are_refused(senseless: Any) -> None:
    with pytest.raises(ValueError, match=r"claims|threshold"):
        senseless()
