"""Verification summaries: made of verdicts, read back, and anybody's read strictly."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gatekeeper.core.attesting import AttachForm, AttestingTerms, Neighbour, chosen_form
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.evidence import Form
from gatekeeper.core.reference import Repository
from gatekeeper.core.verdict import State, Subject, Verdict
from gatekeeper.core.verification_summary import (
    PREDICATE_TYPE,
    InputAttestation,
    SummaryResult,
    read_summary,
    resource_uri,
    statement_of,
    summary_in,
    summary_of,
)
from tests.unit.core.builders import NOW

DIGEST = Digest.of(b"image")
REPOSITORY = Repository("registry.example.com:5000", "team/Web.App")
VERDICT = Verdict(
    state=State.PASSED, reason_code="passed", subject=Subject(REPOSITORY, DIGEST, ("1",), NOW), scope="all",
    policy_revision=str(Digest.of(b"policy")), evidence=Digest.of(b"evidence"), evaluator=1, findings=(),
    decided_at=NOW, recheck_at=NOW + timedelta(hours=1),
)  # fmt: skip
URI = "https://gatekeeper.example.com"
INPUTS = (InputAttestation("registry.example.com/x@sha256:0", Digest.of(b"signature")),)


def made(verdict: Verdict = VERDICT) -> Any:
    return summary_of(
        verdict, verifier=URI, policy=f"{URI}/policy", levels=("SLSA_BUILD_LEVEL_2",), inputs=INPUTS
    )


def test_a_passed_verdict_says_so_in_the_words_of_the_specification() -> None:
    statement = json.loads(statement_of(made(), DIGEST, name=str(REPOSITORY), version="1.2"))
    assert statement == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": str(REPOSITORY), "digest": {"sha256": DIGEST.encoded}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "verifier": {"id": URI, "version": {"gatekeeper": "1.2"}},
            "timeVerified": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "resourceUri": resource_uri(REPOSITORY, DIGEST),
            "policy": {"uri": f"{URI}/policy", "digest": {"sha256": Digest.of(b"policy").encoded}},
            "inputAttestations": [
                {"uri": INPUTS[0].uri, "digest": {"sha256": INPUTS[0].digest.encoded}},
            ],
            "verificationResult": "PASSED",
            "verifiedLevels": ["SLSA_BUILD_LEVEL_2"],
            "slsaVersion": "1.1",
        },
    }  # fmt: skip


def test_a_failed_one_claims_no_level_and_an_open_question_says_nothing() -> None:
    failed = made(replace(VERDICT, state=State.FAILED))
    assert (failed.result, failed.levels) == (SummaryResult.FAILED, ("FAILED",))
    assert made(replace(VERDICT, state=State.INDETERMINATE)) is None


def test_the_resource_is_a_package_url() -> None:
    assert resource_uri(REPOSITORY, DIGEST) == (
        f"pkg:oci/web.app@sha256%3A{DIGEST.encoded}?repository_url=registry.example.com:5000/team/Web.App"
    )


def test_what_is_written_is_read_back_and_claims_the_same() -> None:
    summary = made()
    again = summary_in(statement_of(summary, DIGEST, name="x", version="0"))
    assert replace(again, inputs=INPUTS) == replace(summary, verified_at=again.verified_at)
    assert again.claim == summary.claim
    later = replace(VERDICT, decided_at=NOW + timedelta(days=1), evidence=Digest.of(b"more"))
    assert made(later).claim == summary.claim
    for other in (
        replace(VERDICT, policy_revision=str(Digest.of(b"another"))),
        replace(VERDICT, state=State.FAILED),
        replace(VERDICT, subject=Subject(Repository("other", "x"), DIGEST, (), NOW)),
    ):
        assert made(other).claim != summary.claim


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verifier": None}, "`verifier` is no object"),
        ({"verifier": {"id": ""}}, "`id` is absent or no text"),
        ({"timeVerified": "yesterday"}, "no RFC 3339 time"),
        ({"timeVerified": "2026-01-01T00:00:00"}, "no time zone"),
        ({"verificationResult": "passed"}, "neither PASSED nor FAILED"),
        ({"verifiedLevels": "SLSA_BUILD_LEVEL_3"}, "no list of strings"),
        ({"policy": []}, "`policy` is no object"),
        ({"policy": {"digest": {"sha256": "XYZ"}}}, "is no sha256"),
        ({"resourceUri": 7}, "`resourceUri` is absent"),
    ],
)
def test_anything_else_is_refused(change: dict[str, Any], said: str) -> None:
    predicate = {**made().predicate("0"), **change}
    with pytest.raises(MalformedError, match=said):
        read_summary(json.dumps(predicate).encode())


@pytest.mark.parametrize(
    "missing", ["verifier", "timeVerified", "resourceUri", "policy", "verificationResult"]
)
def test_each_required_member_is_required(missing: str) -> None:
    predicate = dict(made().predicate("0"))
    del predicate[missing]
    with pytest.raises(MalformedError, match=f"`{missing}` is absent"):
        read_summary(json.dumps(predicate).encode())


V03 = "application/vnd.dev.sigstore.bundle.v0.3+json"
V02 = "application/vnd.dev.sigstore.bundle+json;version=0.2"
SIG = Neighbour(Form.COSIGN_SIGNATURE_TAG, "simple", readable=True)
REFERRER = Neighbour(Form.COSIGN_SIGNATURE_REFERRER, "simple", readable=True)
ATT = Neighbour(Form.COSIGN_ATTESTATION_TAG, "dsse", readable=True)
NOTATION = Neighbour(Form.NOTATION_SIGNATURE, "application/jose+json", readable=True)
BUNDLE = Neighbour(Form.SIGSTORE_BUNDLE, V03, readable=True)
JUNK = Neighbour(Form.SIGSTORE_BUNDLE, V03, readable=False)
OLD = Neighbour(Form.SIGSTORE_BUNDLE, V02, readable=True)


@pytest.mark.parametrize(
    ("others", "form"),
    [
        ((), AttachForm.NONE),
        ((ATT,), AttachForm.NONE),
        ((NOTATION,), AttachForm.NONE),
        ((SIG,), AttachForm.TAG),
        ((REFERRER, ATT), AttachForm.TAG),
        ((BUNDLE,), AttachForm.BUNDLE),
        ((SIG, BUNDLE), AttachForm.BUNDLE),
        ((SIG, JUNK), AttachForm.TAG),
        ((SIG, OLD), AttachForm.TAG),
        ((OLD,), AttachForm.BUNDLE),
        ((NOTATION, BUNDLE), AttachForm.BUNDLE),
    ],
)
def test_the_form_hides_nothing_that_was_not_hidden(others: tuple[Neighbour, ...], form: AttachForm) -> None:
    assert chosen_form(others, AttachForm.NONE) is form
    if form is AttachForm.NONE:
        assert chosen_form(others, AttachForm.BUNDLE) is AttachForm.BUNDLE


def test_the_terms_cover_by_globs() -> None:
    terms = AttestingTerms(URI, URI, "0", repositories=("a/**",), exclude=("a/tmp/*",))
    assert terms.cover(Repository("a", "x/y"))
    assert not terms.cover(Repository("b", "x"))
    assert not terms.cover(Repository("a", "tmp/x"))
