"""Who speaks for a signer: keys in their windows, identities under their roots, Notary Project trust policies."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest

from gatekeeper.core.evidence import Candidate, Certificate, NotationResult, Outcome, SignedTime, TimeSource
from gatekeeper.core.identity import Identity
from gatekeeper.core.patterns import Pattern, PatternKind
from gatekeeper.core.rules.signature_missing import SignatureMissing
from gatekeeper.core.rules.signed import SignedVia
from gatekeeper.core.signer import ManagedKey, Signer
from gatekeeper.core.trust import PublicKey, TrustRoot, WhenStale
from gatekeeper.core.verdict import Level, Result
from tests.unit.core.builders import NOW, candidate, digest, evidence, index_node, node, signed, subject
from tests.unit.core.builders import checks as checks_of

_ISSUER = "https://token.actions.githubusercontent.com"
_RUN = "https://github.com/org/app/.github/workflows/release.yml@refs/heads/main"
DAY = timedelta(days=1)
CARRIERS = sorted((digest("one"), digest("two")))


def exact(text: str) -> Pattern:
    return Pattern(PatternKind.EXACT, text)


def by_key(**more: Any) -> Candidate:
    return dataclasses.replace(candidate("k1"), **more)


def keyless(identity: str = _RUN, issuer: str = _ISSUER, **extensions: str) -> Candidate:
    certificate = Certificate("f" * 64, NOW - DAY, NOW, extensions=extensions)
    return dataclasses.replace(
        candidate("k1"),
        key_ids=(),
        identity=identity,
        issuer=issuer,
        certificate=certificate,
        trust_roots=("public-good",),
        times=(SignedTime(NOW - DAY, TimeSource.LOG),),
    )


def proven(at: datetime, source: TimeSource = TimeSource.TIMESTAMP) -> dict[str, Any]:
    return {"times": (SignedTime(at, source),)}


@pytest.mark.parametrize(
    ("window", "seen", "reason_code"),
    [
        ({}, {}, None),
        ({"not_before": NOW}, {}, None),
        ({"not_before": NOW}, {"first_seen": NOW - DAY}, "key-not-yet-in-force"),
        ({"not_after": NOW - DAY}, {}, "key-expired"),
        ({"not_after": NOW - DAY}, {"first_seen": NOW - DAY}, None),
        ({"not_after": NOW - DAY}, proven(NOW - 2 * DAY), None),
        ({"not_after": NOW - DAY}, {**proven(NOW), "first_seen": NOW - 2 * DAY}, "key-expired"),
        ({"retired_at": NOW - DAY}, {}, "key-retired"),
        ({"retired_at": NOW - DAY}, {"first_seen": NOW - DAY}, "key-retired"),
        ({"retired_at": NOW - DAY}, {"first_seen": NOW - 2 * DAY}, None),
        ({"retired_at": NOW + DAY}, {}, None),
        ({"compromised_at": NOW - DAY}, {}, "key-compromised"),
        ({"compromised_at": NOW - DAY}, {"first_seen": NOW - 2 * DAY}, "key-compromised"),
        ({"compromised_at": NOW - DAY}, proven(NOW - 2 * DAY), None),
        ({"compromised_at": NOW - DAY}, proven(NOW - DAY), "key-compromised"),
        ({"compromised_at": NOW - DAY}, proven(NOW - 2 * DAY, TimeSource.CLAIMED), "key-compromised"),
        ({"compromised_at": NOW + DAY}, {"first_seen": NOW - DAY}, "key-compromised"),
    ],
)
def test_a_key_counts_in_its_window(
    window: dict[str, datetime], seen: dict[str, Any], reason_code: str | None
) -> None:
    release = Signer("release", (ManagedKey(PublicKey("k1", "", "release.pub"), **window),))
    found = by_key(**seen)
    assert bool(release.voices(found, NOW)) == (reason_code is None)
    assert [objection.reason_code for objection in release.objections(found, NOW)] == (
        [] if reason_code is None else [reason_code]
    )
    (check,) = checks_of(
        SignatureMissing(), evidence(node(signatures=signed(found))), signers={"release": release}
    )
    if reason_code is None:
        assert check.reason_code == "signature-verified"
    else:
        assert (check.result, check.reason_code) == (Result.VIOLATED, f"signature-{reason_code}")
        assert "release.pub" in check.message


def _identity(**more: Any) -> Identity:
    return Identity(**{"trust_root": "public-good", "subject": exact(_RUN), "issuer": exact(_ISSUER), **more})


@pytest.mark.parametrize(
    ("identity", "found", "why"),
    [
        (_identity(), keyless(), None),
        (_identity(), keyless("https://github.com/org-evil/app"), "the identity"),
        (_identity(), keyless(issuer="https://evil.test"), "the issuer"),
        (_identity(trust_root="private"), keyless(), "trust root private"),
        (_identity(), by_key(), "no Sigstore certificate"),
        (
            _identity(extensions={"source_repository_ref": exact("refs/heads/main")}),
            keyless(),
            "has no source",
        ),
        (
            _identity(extensions={"source_repository_ref": exact("refs/heads/main")}),
            keyless(source_repository_ref="refs/heads/evil"),
            "source_repository_ref",
        ),
        (
            _identity(extensions={"source_repository_ref": exact("refs/heads/main")}),
            keyless(source_repository_ref="refs/heads/main"),
            None,
        ),
    ],
)
def test_an_identity_matches_in_everything_that_it_says(
    identity: Identity, found: Candidate, why: str | None
) -> None:
    mismatch = identity.mismatch(found)
    assert (mismatch is None) == (why is None)
    assert why is None or why in str(mismatch)
    assert bool(Signer("ci", identities=(identity,)).voices(found, NOW)) == (why is None)


def test_a_refused_certificate_speaks_for_nobody() -> None:
    refused = dataclasses.replace(keyless(), outcome=Outcome.REFUSED)
    assert not Signer("ci", identities=(_identity(),)).voices(refused, NOW)


def test_one_identity_of_two_signers_does_not_speak_for_both() -> None:
    signers = {name: Signer(name, identities=(_identity(),)) for name in ("ci", "release")}
    both = SignatureMissing(threshold=2)
    (check,) = checks_of(both, evidence(node(signatures=signed(keyless()))), signers=signers)
    assert check.reason_code == "signature-threshold-not-reached"


@pytest.mark.parametrize(("outcome", "counts"), [(Outcome.VERIFIED, True), (Outcome.SKIPPED, False)])
def test_a_notation_trust_policy_speaks_where_it_trusts(outcome: Outcome, counts: bool) -> None:
    result = NotationResult("wabbit", "all", "strict", outcome, "signature-verified", "")
    found = dataclasses.replace(by_key(), key_ids=(), identity="CN=wabbit", notation=(result,))
    assert bool(Signer("wabbit", notation=("wabbit",)).voices(found, NOW)) is counts
    assert not Signer("other", notation=("other",)).voices(found, NOW)


def test_two_of_three_over_keys_identities_and_notation() -> None:
    result = NotationResult("wabbit", "all", "strict", Outcome.VERIFIED, "signature-verified", "")
    notary = dataclasses.replace(by_key(), key_ids=(), identity="CN=wabbit", notation=(result,))
    signers = {
        "release": Signer("release", (ManagedKey(PublicKey("k1", "", "release.pub")),)),
        "ci": Signer("ci", identities=(_identity(),)),
        "wabbit": Signer("wabbit", notation=("wabbit",)),
    }
    rule = SignatureMissing(signers=("release", "ci", "wabbit"), threshold=2)
    for items, result_ in [
        ((by_key(), keyless()), Result.SATISFIED),
        ((keyless(), notary), Result.SATISFIED),
        ((notary,), Result.VIOLATED),
        ((keyless(), keyless()), Result.VIOLATED),
    ]:
        (check,) = checks_of(rule, evidence(node(signatures=signed(*items))), signers=signers)
        assert check.result is result_


@pytest.mark.parametrize(
    ("when_stale", "found"),
    [
        (WhenStale.WARN, [(Result.VIOLATED, "trust-root-stale"), (Result.SATISFIED, "signature-verified")]),
        (WhenStale.INDETERMINATE, [(Result.UNDETERMINED, "trust-root-stale")]),
    ],
)
def test_a_stale_trust_root_warns_or_leaves_undetermined(
    when_stale: WhenStale, found: list[tuple[Result, str]]
) -> None:
    signers = {"ci": Signer("ci", identities=(_identity(),))}
    of = evidence(node(signatures=signed(keyless())))

    def told(expires_at: datetime) -> list[Any]:
        root = TrustRoot("public-good", b"", "test", expires_at=expires_at, when_stale=when_stale)
        context = dataclasses.replace(_context(of), signers=signers, trust_roots={root.name: root})
        return list(SignatureMissing().check(context))

    stale = told(NOW)
    assert [(check.result, check.reason_code) for check in stale] == found
    assert all(check.level is Level.WARN for check in stale if check.result is Result.VIOLATED)
    (fresh,) = told(NOW + DAY)
    assert (fresh.result, fresh.deadline) == (Result.SATISFIED, NOW + DAY)


def _context(of: Any) -> Any:
    from gatekeeper.core.rules.rule import Context

    return Context(subject(of), of, {}, NOW)


@pytest.mark.parametrize(
    ("via", "index_signed", "child_signed"),
    [(SignedVia.ANY, True, True), (SignedVia.SELF, False, True), (SignedVia.PARENT_INDEX, True, False)],
)
def test_whose_signature_counts_for_an_image_of_an_index(
    via: SignedVia, index_signed: bool, child_signed: bool
) -> None:
    rule = SignatureMissing(signers=("release",), signed_via=via)
    by_index = checks_of(rule, evidence(index_node(signatures=signed()), node("a")))
    by_child = checks_of(rule, evidence(index_node(), node("a", signatures=signed())))
    assert [check.result is Result.SATISFIED for check in by_index] == [index_signed]
    assert [check.result is Result.SATISFIED for check in by_child] == [child_signed]
    (alone,) = checks_of(rule, evidence(node(signatures=signed())))
    assert alone.result is Result.SATISFIED


def _notary(outcome: Outcome, *, trust: str = "wabbit", good_until: datetime | None = None) -> Candidate:
    result = NotationResult(trust, "all", "strict", outcome, "code", "why", good_until=good_until)
    return dataclasses.replace(by_key(), key_ids=(), identity="CN=wabbit", notation=(result,))


def test_what_a_trust_policy_said_holds_until_its_end_and_the_end_is_told() -> None:
    ends = NOW + timedelta(days=1)
    signers = {"wabbit": Signer("wabbit", notation=("wabbit",))}
    found = evidence(node(signatures=signed(_notary(Outcome.VERIFIED, good_until=ends))))
    (check,) = checks_of(SignatureMissing(), found, signers=signers)
    assert (check.result, check.deadline) == (Result.SATISFIED, ends)
    (then,) = checks_of(SignatureMissing(), found, signers=signers, now=ends)
    assert then.result is Result.VIOLATED


def test_what_a_trust_policy_could_not_ask_is_no_refusal() -> None:
    """Another policy believes the signature; the one that counts does not know yet."""
    known = _notary(Outcome.VERIFIED, trust="audit")
    unknown = _notary(Outcome.INCONCLUSIVE).notation
    found = dataclasses.replace(known, notation=(*known.notation, *unknown))
    signers = {"wabbit": Signer("wabbit", notation=("wabbit",))}
    (check,) = checks_of(SignatureMissing(), evidence(node(signatures=signed(found))), signers=signers)
    assert check.result is Result.UNDETERMINED


def test_what_is_wrong_with_the_content_outweighs_a_stranger_beside_it() -> None:
    strange = dataclasses.replace(candidate(None, reason_code="certificate-untrusted"), carrier=CARRIERS[0])
    copied = dataclasses.replace(candidate(None, reason_code="subject-mismatch"), carrier=CARRIERS[1])
    (check,) = checks_of(SignatureMissing(), evidence(node(signatures=signed(strange, copied))))
    assert (check.reason_code, check.settles) == ("signature-refused:subject-mismatch", False)
    (check,) = checks_of(SignatureMissing(), evidence(node(signatures=signed(strange))))
    assert (check.reason_code, check.settles) == ("signature-refused:certificate-untrusted", True)
