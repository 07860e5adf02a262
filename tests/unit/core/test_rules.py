"""Each rule's answers, beyond its two fixtures; and that every rule has docs and fixtures."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.errors import Cause
from gatekeeper.core.evidence import Absent, Candidates, Outcome, Platform, Purpose, Sboms, Trust, Unavailable
from gatekeeper.core.rules.catalogue import RULES
from gatekeeper.core.rules.image_too_old import ImageTooOld
from gatekeeper.core.rules.required_label_missing import RequiredLabelMissing
from gatekeeper.core.rules.rule import Rule
from gatekeeper.core.rules.sbom_missing import SbomMissing
from gatekeeper.core.rules.sboms import SbomTrust
from gatekeeper.core.rules.signature_missing import SignatureMissing
from gatekeeper.core.rules.tag_latest import TagLatest
from gatekeeper.core.rules.user_root import UserRoot
from gatekeeper.core.verdict import Level, Result
from tests.golden.reading import RULE_FIXTURES, load, run_fixture
from tests.unit.core.builders import (
    ARM,
    JUNK,
    NOW,
    OUTAGE,
    candidate,
    checks,
    config,
    digest,
    evidence,
    index_node,
    node,
    sbom,
    signed,
    signer,
)

DOCS = Path(__file__).parents[3] / "docs" / "rules.md"


def reasons(rule: Rule, *nodes: object, **more: object) -> list[tuple[Result, str]]:
    found = checks(rule, evidence(*nodes), **more)  # type: ignore[arg-type]
    return [(check.result, check.reason_code) for check in found]


# --- every rule ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule_id", sorted(RULES))
@pytest.mark.parametrize(("name", "wanted"), [("pass", Result.SATISFIED), ("fail", Result.VIOLATED)])
def test_every_rule_has_a_fixture_that_passes_and_one_that_fails(
    rule_id: str, name: str, wanted: Result
) -> None:
    fixture = load(RULE_FIXTURES / rule_id / f"{name}.json")
    found = run_fixture(fixture)
    assert found == fixture["checks"], "python -m tests.golden.regenerate, then read the difference"
    assert fixture["rule"]["rule"] == rule_id
    results = {check["result"] for check in found}
    assert wanted in results
    if wanted is Result.SATISFIED:
        assert results == {Result.SATISFIED}


def test_the_documented_rules_are_the_rules_of_the_catalogue() -> None:
    headings = re.findall(r"^## `?([a-z-]+)`?$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == sorted(RULES)


@pytest.mark.parametrize("rule_id", sorted(RULES))
def test_every_parameter_and_its_default_is_documented(rule_id: str) -> None:
    section = DOCS.read_text(encoding="utf-8").split(f"## `{rule_id}`\n")[1].split("\n## ")[0]
    for field in dataclasses.fields(cast("type", RULES[rule_id])):
        if field.name != "level":
            assert f"| `{field.name}` |" in section


@pytest.mark.parametrize("rule_id", sorted(RULES))
def test_a_rule_fails_by_default_and_its_parameters_have_defaults(rule_id: str) -> None:
    rule = cast("type", RULES[rule_id])()
    assert rule.level is Level.FAIL
    assert rule.id == rule_id
    assert set(get_type_hints(type(rule))) >= {"id", "level"}


@pytest.mark.parametrize("rule_id", sorted(RULES))
def test_every_violation_tells_what_to_do_and_no_rule_is_silent(rule_id: str) -> None:
    rule = cast("type", RULES[rule_id])()
    for nodes in ([node()], [node(user="0")], [index_node(), node("a"), node("b", platform=ARM)]):
        found = checks(rule, evidence(*nodes), tags=("latest",))
        assert found
        assert all(check.remedy for check in found if check.result is not Result.SATISFIED)


@pytest.mark.parametrize("rule_id", sorted(set(RULES) - {"tag-latest"}))
@pytest.mark.parametrize("gap", [OUTAGE, JUNK])
def test_what_could_not_be_asked_is_undetermined_never_violated(rule_id: str, gap: Unavailable) -> None:
    rule = cast("type", RULES[rule_id])()
    found = checks(rule, evidence(node(facts=gap, signatures=gap, sboms=gap)))
    assert [check.result for check in found] == [Result.UNDETERMINED]
    assert found[0].basis == gap


# --- signature-missing --------------------------------------------------------------------------------------------

BOTH = SignatureMissing(signers=("release", "security"), threshold=2)
RELEASE = SignatureMissing(signers=("release",))


@pytest.mark.parametrize(
    ("found", "result", "reason_code", "settles"),
    [
        (signed(), Result.SATISFIED, "signature-verified", False),
        (signed(gap=OUTAGE), Result.SATISFIED, "signature-verified", False),
        (
            signed(candidate(None), candidate("k1", carrier="b")),
            Result.SATISFIED,
            "signature-verified",
            False,
        ),
        (Absent("signature"), Result.VIOLATED, "signature-missing", True),
        (Candidates(()), Result.VIOLATED, "signature-missing", True),
        (signed(candidate("k2")), Result.VIOLATED, "signature-by-other-signer", True),
        (signed(candidate(None)), Result.VIOLATED, "signature-by-unknown-key", True),
        (
            signed(candidate(None, reason_code="subject-mismatch")),
            Result.VIOLATED,
            "signature-refused:subject-mismatch",
            False,
        ),
        (
            signed(candidate(purpose=Purpose.ATTESTATION)),
            Result.VIOLATED,
            "attestation-is-no-signature",
            True,
        ),
        (signed(candidate(purpose=Purpose.UNKNOWN)), Result.VIOLATED, "attestation-is-no-signature", True),
        (
            signed(candidate(None, outcome=Outcome.SKIPPED, reason_code="notation-not-configured")),
            Result.VIOLATED,
            "signature-missing",
            True,
        ),
        (
            signed(candidate(None, outcome=Outcome.REFUSED, reason_code="notation-untrusted")),
            Result.VIOLATED,
            "signature-refused:notation-untrusted",
            True,
        ),
        (
            signed(candidate(None, outcome=Outcome.REFUSED, reason_code="notation-expired")),
            Result.VIOLATED,
            "signature-refused:notation-expired",
            False,
        ),
        (signed(candidate(None), gap=OUTAGE), Result.UNDETERMINED, "referrers-unavailable", False),
        (
            signed(candidate(None, outcome=Outcome.INCONCLUSIVE, reason_code="candidate-too-large")),
            Result.UNDETERMINED,
            "candidate-unavailable",
            False,
        ),
    ],
)
def test_signature_answers(
    found: Candidates | Absent | Unavailable, result: Result, reason_code: str, settles: bool
) -> None:
    (check,) = checks(RELEASE, evidence(node(signatures=found)))
    assert (check.result, check.reason_code, check.settles) == (result, reason_code, settles)


def test_an_oversized_candidate_blames_the_content_and_an_outage_beside_it_comes_first() -> None:
    large = candidate(None, outcome=Outcome.INCONCLUSIVE, reason_code="candidate-too-large")
    (check,) = checks(RELEASE, evidence(node(signatures=signed(large))))
    assert isinstance(check.basis, Unavailable)
    assert check.basis.cause is Cause.OVER_CAP
    (check,) = checks(RELEASE, evidence(node(signatures=signed(large, gap=OUTAGE))))
    assert check.basis == OUTAGE


def test_an_oversized_attestation_says_nothing_about_signatures() -> None:
    large = candidate(
        None, outcome=Outcome.INCONCLUSIVE, reason_code="candidate-too-large", purpose=Purpose.ATTESTATION
    )
    assert reasons(RELEASE, node(signatures=signed(large))) == [
        (Result.VIOLATED, "attestation-is-no-signature")
    ]


def test_the_threshold_counts_different_signers() -> None:
    one = signed(candidate("k1"), candidate("k1", carrier="again"))
    assert reasons(BOTH, node(signatures=one)) == [(Result.VIOLATED, "signature-threshold-not-reached")]
    two = signed(candidate("k1"), candidate("k2", carrier="other"))
    assert reasons(BOTH, node(signatures=two)) == [(Result.SATISFIED, "signature-verified")]


def test_one_key_of_two_signers_does_not_speak_for_both() -> None:
    shared = {"release": signer("release", "k1", "k9"), "security": signer("security", "k1")}

    def told(*key_ids: str) -> Result:
        found = signed(*(candidate(key_id, carrier=key_id) for key_id in key_ids))
        (check,) = checks(BOTH, evidence(node(signatures=found)), signers=shared)
        return check.result

    assert told("k1") is Result.VIOLATED
    assert told("k1", "k9") is Result.SATISFIED


def test_without_trusted_keys_nothing_is_signed_and_waiting_does_not_help() -> None:
    for rule in (
        SignatureMissing(signers=("nobody",)),
        SignatureMissing(signers=("nobody", "release"), threshold=2),
    ):
        (check,) = checks(rule, evidence(node(signatures=signed())))
        assert (check.result, check.reason_code, check.settles) == (Result.VIOLATED, "no-trusted-keys", False)


def test_an_index_signature_covers_its_children_and_a_childs_signature_only_itself() -> None:
    amd, arm = node("amd"), node("arm", platform=ARM)
    assert {result for result, _ in reasons(RELEASE, index_node(signatures=signed()), amd, arm)} == {
        Result.SATISFIED
    }
    signed_amd = dataclasses.replace(amd, signatures=signed())
    found = checks(RELEASE, evidence(index_node(), signed_amd, arm))
    assert [(check.result, check.digest) for check in found] == [
        (Result.SATISFIED, digest("amd")),
        (Result.VIOLATED, digest("arm")),
    ]
    both = reasons(RELEASE, index_node(), signed_amd, dataclasses.replace(arm, signatures=signed()))
    assert {result for result, _ in both} == {Result.SATISFIED}


def test_a_gap_at_the_index_leaves_its_unsigned_children_undetermined() -> None:
    found = reasons(RELEASE, index_node(signatures=OUTAGE), node("amd", signatures=signed()), node("arm"))
    assert [result for result, _ in found] == [Result.SATISFIED, Result.UNDETERMINED]


@pytest.mark.parametrize("parameters", [{"threshold": 0}, {"signers": ("a",), "threshold": 2}])
def test_a_senseless_threshold_is_refused(parameters: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="threshold"):
        SignatureMissing(**parameters)  # type: ignore[arg-type]


# --- sbom-missing -------------------------------------------------------------------------------------------------

SIGNED_SBOM = SbomMissing(trust=SbomTrust.SIGNED, signers=("release",))


@pytest.mark.parametrize(
    ("rule", "found", "result", "reason_code"),
    [
        (SbomMissing(), Sboms((sbom(),)), Result.SATISFIED, "sbom-present"),
        (SbomMissing(), Sboms((sbom(trust=Trust.UNSIGNED, by=()),)), Result.SATISFIED, "sbom-present"),
        (SbomMissing(), Sboms((sbom(),), OUTAGE), Result.SATISFIED, "sbom-present"),
        (SbomMissing(), Absent("sbom"), Result.VIOLATED, "sbom-missing"),
        (SbomMissing(), Sboms((), OUTAGE), Result.UNDETERMINED, "referrers-unavailable"),
        (SbomMissing(), Sboms((sbom(format="text/spdx"),)), Result.VIOLATED, "sbom-unreadable"),
        (SbomMissing(), Sboms((sbom(components=0),)), Result.VIOLATED, "sbom-empty"),
        (SbomMissing(minimum_components=0), Sboms((sbom(components=0),)), Result.SATISFIED, "sbom-present"),
        (SIGNED_SBOM, Sboms((sbom(),)), Result.SATISFIED, "sbom-present"),
        (SIGNED_SBOM, Sboms((sbom(trust=Trust.SIGNED_INDEX),)), Result.SATISFIED, "sbom-present"),
        (SIGNED_SBOM, Sboms((sbom(trust=Trust.UNSIGNED, by=()),)), Result.VIOLATED, "sbom-unsigned"),
        (SIGNED_SBOM, Sboms((sbom(trust=Trust.UNSIGNED),)), Result.VIOLATED, "sbom-unsigned"),
        (SIGNED_SBOM, Sboms((sbom(by=("k2",)),)), Result.VIOLATED, "sbom-by-other-signer"),
        (
            SbomMissing(trust=SbomTrust.SIGNED),
            Sboms((sbom(by=("k2",)),)),
            Result.SATISFIED,
            "sbom-present",
        ),
    ],
)
def test_sbom_answers(rule: SbomMissing, found: Sboms | Absent, result: Result, reason_code: str) -> None:
    attested = signed(*(candidate(key_id, purpose=Purpose.ATTESTATION) for key_id in ("k1", "k2")))
    assert reasons(rule, node(sboms=found, signatures=attested)) == [(result, reason_code)]


def test_an_sbom_of_the_index_counts_for_its_children_never_the_reverse() -> None:
    whole = Sboms((sbom(),))
    assert {
        result for result, _ in reasons(SbomMissing(), index_node(sboms=whole), node("a"), node("b"))
    } == {Result.SATISFIED}
    found = reasons(SbomMissing(), index_node(), node("a", sboms=whole), node("b"))
    assert [result for result, _ in found] == [Result.SATISFIED, Result.VIOLATED]


# --- user-root ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "reason_code"),
    [
        ("", "user-not-set"),
        (":0", "user-not-set"),
        ("root", "user-root"),
        ("ROOT", "user-root"),
        ("root:root", "user-root"),
        ("root:1000", "user-root"),
        ("0", "user-root"),
        ("0:0", "user-root"),
        ("0:1000", "user-root"),
        ("000", "user-root"),
        ("+0", "user-root"),
        ("-0", "user-root"),
        ("+1000", "user-malformed"),
        ("-1", "user-malformed"),
        ("2147483648", "user-malformed"),
        ("9" * 5000, "user-malformed"),
        (" 0", "user-malformed"),
        (" ", "user-malformed"),
        ("0 ", "user-malformed"),
        ("0\n", "user-malformed"),
        ("\u0660", "user-malformed"),
        ("a/b", "user-malformed"),
        ("$(id)", "user-malformed"),
        ("1000", None),
        ("01000", None),
        ("1000:0", None),
        ("2147483647", None),
        ("nobody", None),
        ("app.user_1-x", None),
        ("rooty", None),
    ],
)
def test_user_answers(user: str, reason_code: str | None) -> None:
    wanted = (Result.SATISFIED, "user-not-root") if reason_code is None else (Result.VIOLATED, reason_code)
    assert reasons(UserRoot(), node(user=user)) == [wanted]


def test_a_numeric_user_can_be_demanded() -> None:
    rule = UserRoot(require_numeric=True)
    assert reasons(rule, node(user="nobody")) == [(Result.VIOLATED, "user-not-numeric")]
    assert reasons(rule, node(user="1000")) == [(Result.SATISFIED, "user-not-root")]


def test_windows_administrators_are_root_and_its_names_may_have_a_domain() -> None:
    windows = Platform("windows", "amd64")
    for user, result in [
        ("ContainerUser", Result.SATISFIED),
        ("CORP\\service", Result.SATISFIED),
        ("ContainerAdministrator", Result.VIOLATED),
        ("NT AUTHORITY\\SYSTEM", Result.VIOLATED),
        ("root", Result.VIOLATED),
        ("", Result.VIOLATED),
    ]:
        assert [found for found, _ in reasons(UserRoot(), node(user=user, platform=windows))] == [result]


@given(
    st.integers(0, 10**12),
    st.integers(0, 12),
    st.sampled_from(["", "+", "-"]),
    st.sampled_from(["", ":0", ":app"]),
)
def test_no_spelling_of_uid_zero_passes(uid: int, zeros: int, sign: str, group: str) -> None:
    (check,) = checks(UserRoot(), evidence(node(user=f"{sign}{'0' * zeros}{uid}{group}")))
    assert (check.result is Result.SATISFIED) == (not sign and 0 < uid < 2**31)


def test_a_judged_artifact_starts_nothing() -> None:
    assert reasons(UserRoot(), node(facts=Absent("config"))) == [(Result.SATISFIED, "no-configuration")]


# --- tag-latest ---------------------------------------------------------------------------------------------------


def test_a_tag_is_found_fault_with_alone() -> None:
    found = checks(TagLatest(), evidence(), tags=("latest", "v1"))
    assert [(check.tag, check.result) for check in found] == [
        ("latest", Result.VIOLATED),
        ("v1", Result.SATISFIED),
    ]
    assert reasons(TagLatest(), tags=()) == [(Result.SATISFIED, "no-tag")]
    assert reasons(TagLatest(tags=("edge",)), tags=("latest",)) == [(Result.SATISFIED, "tag-accepted")]


# --- required-label-missing ---------------------------------------------------------------------------------------


def test_label_answers() -> None:
    facts = config(labels={"team": "core", "empty": "", "url": "https://x?a=b"})
    rule = RequiredLabelMissing(
        labels=("team", "team=core", "team=web", "empty", "other", "url=https://x?a=b")
    )
    assert [result for result, _ in reasons(rule, node(facts=facts))] == [
        Result.SATISFIED,
        Result.SATISFIED,
        Result.VIOLATED,
        Result.VIOLATED,
        Result.VIOLATED,
        Result.SATISFIED,
    ]
    told = [reason for _, reason in reasons(rule, node(facts=facts))]
    assert told[2:5] == ["label-has-other-value:team", "label-missing:empty", "label-missing:other"]


def test_a_rule_that_demands_no_label_fails_and_an_artifact_has_none() -> None:
    assert reasons(RequiredLabelMissing(), node()) == [(Result.VIOLATED, "no-label-required")]
    rule = RequiredLabelMissing(labels=("team",))
    assert reasons(rule, node(facts=Absent("config"))) == [(Result.VIOLATED, "label-missing:team")]


# --- image-too-old ------------------------------------------------------------------------------------------------

MONTH = ImageTooOld(max_age=timedelta(days=30))


@pytest.mark.parametrize(
    ("created", "result", "reason_code", "level"),
    [
        (NOW - timedelta(days=30), Result.SATISFIED, "image-fresh", None),
        (NOW - timedelta(days=30, microseconds=1), Result.VIOLATED, "image-too-old", None),
        (NOW + timedelta(minutes=59), Result.SATISFIED, "image-fresh", None),
        (NOW + timedelta(hours=2), Result.VIOLATED, "image-from-the-future", Level.FAIL),
        (None, Result.VIOLATED, "image-without-date", Level.WARN),
        (datetime(1, 1, 1, tzinfo=UTC), Result.VIOLATED, "image-without-date", Level.WARN),
        (datetime(1970, 1, 1, tzinfo=UTC), Result.VIOLATED, "image-without-date", Level.WARN),
        (datetime(1980, 1, 1, 0, 0, 1, tzinfo=UTC), Result.VIOLATED, "image-without-date", Level.WARN),
        (datetime(2001, 1, 1, tzinfo=UTC), Result.VIOLATED, "image-too-old", None),
        (datetime(9999, 12, 31, tzinfo=UTC), Result.VIOLATED, "image-from-the-future", Level.FAIL),
    ],
)
def test_age_answers(created: datetime | None, result: Result, reason_code: str, level: Level | None) -> None:
    (check,) = checks(MONTH, evidence(node(facts=config(created=created))))
    assert (check.result, check.reason_code, check.level) == (result, reason_code, level)


def test_no_date_and_the_future_have_answers_of_their_own() -> None:
    lenient = ImageTooOld(no_date=Level.OFF, future=Level.OFF)
    assert reasons(lenient, node(facts=config(created=None))) == [(Result.SATISFIED, "image-without-date")]
    future = node(facts=config(created=NOW + timedelta(days=2)))
    assert reasons(lenient, future) == [(Result.SATISFIED, "image-from-the-future")]
    (check,) = checks(ImageTooOld(no_date=Level.FAIL), evidence(node(facts=config(created=None))))
    assert check.level is Level.FAIL


def test_the_birthday_is_told() -> None:
    created = NOW - timedelta(days=3)
    (check,) = checks(MONTH, evidence(node(facts=config(created=created))))
    assert check.deadline is not None
    (then,) = checks(MONTH, evidence(node(facts=config(created=created))), now=check.deadline)
    (before,) = checks(
        MONTH, evidence(node(facts=config(created=created))), now=check.deadline - timedelta(microseconds=1)
    )
    assert (before.result, then.result) == (Result.SATISFIED, Result.VIOLATED)


def test_an_age_beyond_the_calendar_has_no_birthday() -> None:
    (check,) = checks(ImageTooOld(max_age=timedelta(days=4_000_000)), evidence(node()))
    assert check.deadline is None
