"""Who is trusted, and when: stores, identities, expiry, time-stamps, levels (numbers of the negative list)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.x509.oid import NameOID

from gatekeeper.core.evidence import Candidate, Outcome, TimeSource
from gatekeeper.core.reference import Repository
from gatekeeper.core.trust import StoreKind
from gatekeeper.demo.sigstore.authority import Authority
from gatekeeper.demo.sigstore.timestamping import TimestampAuthority
from gatekeeper.signatures.notation import envelope
from tests.fakes import notary
from tests.fakes.notary import (
    CHAIN,
    DAY,
    ISSUING,
    NOW,
    ROOT,
    Party,
    Signing,
    issue,
    judged,
    key,
    level,
    statement,
)

_YEAR = 365 * DAY
_TSA_ROOT = Authority.root("tsa-root", begins=NOW - 9 * _YEAR, ends=NOW + 200 * _YEAR)
_TSA = TimestampAuthority.below(_TSA_ROOT, begins=NOW - 9 * _YEAR, ends=NOW + 200 * _YEAR)
_STRANGERS_TSA = TimestampAuthority.below(
    Authority.root("tsa-root", begins=NOW - _YEAR, ends=NOW + _YEAR), begins=NOW - _YEAR, ends=NOW + _YEAR
)
_STORES = (
    *notary.STORES,
    *notary.store(StoreKind.TSA, "clock", Party(_TSA_ROOT.certificate, _TSA_ROOT.key)),
)
_WITH_CLOCK: dict[str, Any] = {"trustStores": ["ca:acme", "signingAuthority:acme", "tsa:clock"]}


def _ask(signing: Signing, *, now: datetime = NOW, **members: Any) -> Candidate:
    return judged(signing.jws(), under=notary.trust(statement(**members), _STORES), now=now)


def _outcome(signing: Signing, **options: Any) -> tuple[Outcome, str]:
    candidate = _ask(signing, **options)
    return candidate.outcome, candidate.reason_code


_GOOD = (Outcome.VERIFIED, "signature-verified")


def _refused(code: str) -> tuple[Outcome, str]:
    return Outcome.REFUSED, code


@pytest.mark.parametrize(
    ("stores", "scheme", "code"),
    [
        (["ca:other"], notary.X509, "notation-trust-store-missing"),
        (["tsa:clock"], notary.X509, "notation-untrusted"),
        (["ca:acme"], notary.AUTHORITY, "notation-untrusted"),
        (["signingAuthority:acme"], notary.X509, "notation-untrusted"),
    ],
    ids=["2-store-missing", "only-a-clock", "4-ca-for-an-authority", "authority-for-a-ca"],
)
def test_stores_are_never_shared_between_kinds(stores: list[str], scheme: str, code: str) -> None:
    assert _outcome(Signing(scheme=scheme), trustStores=stores) == _refused(code)


def test_1_an_untrusted_root() -> None:
    leaf = issue("signer", key("p256", "leaf"), notary.STRANGER)
    assert _outcome(Signing(chain=(leaf, notary.STRANGER))) == _refused("notation-untrusted")


@pytest.mark.parametrize(
    ("identities", "trusted"),
    [
        ([notary.IDENTITY], True),
        (["x509.subject: C=US, ST=WA, O=Acme\\, Inc."], True),
        (["x509.subject: C=US, S=WA, O=Acme\\2C Inc."], True),
        (["x509.subject:CN=signer;O=Acme\\, Inc.;ST=WA;C=US"], True),
        (["x509.subject: C=US, ST=WA, O=Acme\\, Inc., CN=other"], False),
        (["x509.subject: C=US, ST=WA, O=acme\\, inc."], False),
        (["x509.subject: C=US, ST=WA, O=Acme\\, Inc., OU=build"], False),
        (["com.example.arn: whatever"], False),
        (["x509.subject: C=DE, ST=WA, O=Acme\\, Inc.", notary.IDENTITY], True),
    ],
)
def test_5_and_6_identities(identities: list[str], trusted: bool) -> None:
    expected = _GOOD if trusted else _refused("notation-identity-untrusted")
    assert _outcome(Signing(), trustedIdentities=identities) == expected


def _with_units(*values: str) -> tuple[Party, ...]:
    units = tuple((NameOID.ORGANIZATIONAL_UNIT_NAME, value) for value in values)
    return (issue("signer", key("p256", "leaf"), ISSUING, subject=notary.name("signer", *units)), *CHAIN[1:])


def test_7_a_type_that_the_subject_has_twice_matches_nothing() -> None:
    base = "x509.subject: C=US, ST=WA, O=Acme\\, Inc."
    assert _outcome(Signing(chain=_with_units("a")), trustedIdentities=[f"{base}, OU=a"]) == _GOOD
    both = Signing(chain=_with_units("a", "b"))
    assert _outcome(both, trustedIdentities=[base]) == _GOOD
    for unit in ("a", "b"):
        named = [f"{base}, OU={unit}"]
        assert _outcome(both, trustedIdentities=named) == _refused("notation-identity-untrusted")


def test_a_part_of_the_subject_with_several_values_counts_value_by_value() -> None:
    several = x509.Name(
        [
            x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COUNTRY_NAME, "US")]),
            x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "WA")]),
            x509.RelativeDistinguishedName(
                [
                    x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme"),
                    x509.NameAttribute(NameOID.COMMON_NAME, "x, O=Evil"),
                ]
            ),
        ]
    )
    signing = Signing(chain=(issue("signer", key("p256", "leaf"), ISSUING, subject=several), *CHAIN[1:]))
    assert _outcome(signing, trustedIdentities=["x509.subject: C=US, ST=WA, O=Acme"]) == _GOOD
    evil = ["x509.subject: C=US, ST=WA, O=Evil"]
    assert _outcome(signing, trustedIdentities=evil) == _refused("notation-identity-untrusted")


def test_85_an_expired_signature() -> None:
    signing = Signing(signed_at=NOW - 2 * DAY, expiry=NOW)
    assert _outcome(signing) == _refused("notation-expired")
    assert _outcome(signing, now=NOW - timedelta(seconds=1)) == _GOOD


def _chain(
    *, leaf: timedelta = _YEAR, middle: timedelta = _YEAR, begins: timedelta = -30 * DAY
) -> tuple[Party, ...]:
    """A chain whose leaf and intermediate end (and whose leaf begins) so long from now."""
    issuing = issue(
        "issuing", key("p256", "issuing"), ROOT, authority=True, begins=NOW - 40 * DAY, ends=NOW + middle
    )
    signer = issue("signer", key("p256", "leaf"), issuing, begins=NOW + begins, ends=NOW + leaf)
    root = issue("root", key("p384", "root"), authority=True, begins=NOW - _YEAR, ends=NOW + _YEAR)
    return (signer, issuing, root)


def _of(chain: tuple[Party, ...]) -> tuple[Any, ...]:
    return (
        *notary.store(StoreKind.CA, "acme", chain[-1]),
        *notary.store(StoreKind.SIGNING_AUTHORITY, "acme", chain[-1]),
        *notary.store(StoreKind.TSA, "clock", Party(_TSA_ROOT.certificate, _TSA_ROOT.key)),
    )


def _ask_chain(signing: Signing, media_type: str = envelope.JWS, **members: Any) -> Candidate:
    files = _of(tuple(signing.chain))
    return judged(signing.envelope(media_type), media_type, under=notary.trust(statement(**members), files))


@pytest.mark.parametrize(
    "spoiled",
    [{"leaf": -DAY}, {"middle": -DAY}, {"begins": DAY}],
    ids=["86-leaf-expired", "87-intermediate-expired", "88-leaf-not-yet"],
)
def test_every_certificate_must_be_in_force(spoiled: dict[str, timedelta]) -> None:
    candidate = _ask_chain(Signing(chain=_chain(**spoiled)))
    assert (candidate.outcome, candidate.reason_code) == _refused("notation-not-in-force")


def test_89_an_authority_signs_while_its_certificates_are_in_force() -> None:
    chain = _chain(leaf=-DAY)
    stores: dict[str, Any] = {"trustStores": ["signingAuthority:acme"]}
    in_time = Signing(chain=chain, scheme=notary.AUTHORITY, signed_at=NOW - 3 * DAY)
    candidate = _ask_chain(in_time, **stores)
    assert candidate.outcome is Outcome.VERIFIED
    assert candidate.proven_at == candidate.signed_at == NOW - 3 * DAY
    early = Signing(chain=chain, scheme=notary.AUTHORITY, signed_at=NOW - 99 * DAY)
    assert _ask_chain(early, **stores).reason_code == "notation-not-in-force"


def test_the_same_chain_is_refused_where_nobody_vouches_for_the_time() -> None:
    candidate = _ask_chain(Signing(chain=_chain(leaf=-DAY), signed_at=NOW - 3 * DAY))
    assert candidate.reason_code == "notation-not-in-force"


def _stamp(at: datetime, tsa: TimestampAuthority = _TSA) -> Callable[[bytes], bytes]:
    return lambda signature: tsa.token(signature, at)


@pytest.mark.parametrize("media_type", [envelope.JWS, envelope.COSE])
def test_a_time_stamp_lets_a_signature_outlive_its_certificate(media_type: str) -> None:
    signing = Signing(chain=_chain(leaf=-DAY), signed_at=NOW - 3 * DAY, token=_stamp(NOW - 3 * DAY))
    candidate = _ask_chain(signing, media_type, **_WITH_CLOCK)
    assert (candidate.outcome, candidate.reason_code) == _GOOD, candidate.detail
    (stamp,) = [time for time in candidate.times if time.source is TimeSource.TIMESTAMP]
    assert (stamp.at, candidate.proven_at) == (NOW - 3 * DAY, NOW - 3 * DAY)


_TOKENS: dict[str, tuple[bytes | Callable[[bytes], bytes] | None, str]] = {
    "90-none": (None, "notation-timestamp-missing"),
    "91-garbage": (b"\x00\x00\x00", "timestamp-malformed"),
    "92-of-another-signature": (lambda _: _TSA.token(b"other", NOW), "timestamp-mismatch"),
    "93-without-its-certificate-named": (
        lambda signature: _TSA.token(signature, NOW, names_certificate=False),
        "timestamp-untrusted",
    ),
    "98-from-a-stranger": (_stamp(NOW, _STRANGERS_TSA), "timestamp-untrusted"),
    "99-after-the-certificate": (_stamp(notary.ENDS + _YEAR), "notation-not-in-force"),
    "100-before-the-certificate": (_stamp(NOW - 2 * _YEAR), "notation-not-in-force"),
    "response-instead-of-token": (lambda signature: _TSA.response(signature, NOW), "timestamp-malformed"),
}


@pytest.mark.parametrize("token", _TOKENS)
def test_a_time_stamp_that_does_not_hold(token: str) -> None:
    made, code = _TOKENS[token]
    assert _outcome(Signing(token=made), **_WITH_CLOCK) == _refused(code)


def test_the_whole_interval_of_a_time_stamp_must_lie_within() -> None:
    chain = _chain()
    ends = NOW + _YEAR
    for at, code in ((ends - timedelta(seconds=1), "signature-verified"), (ends, "notation-not-in-force")):
        signing = Signing(chain=chain, token=_stamp(at))
        assert _ask_chain(signing, **_WITH_CLOCK).reason_code == code


def test_an_authority_whose_chain_breaks_the_rules_is_no_clock() -> None:
    weak = issue("clock", key("p224", "clock"), authority=True, begins=NOW - _YEAR, ends=NOW + _YEAR)
    assert isinstance(weak.key, EllipticCurvePrivateKey)
    tsa = TimestampAuthority.below(Authority(weak.key, weak.certificate), begins=NOW - DAY, ends=NOW + DAY)
    files = (*notary.STORES, *notary.store(StoreKind.TSA, "clock", weak))
    candidate = judged(
        Signing(token=_stamp(NOW, tsa)).jws(), under=notary.trust(statement(**_WITH_CLOCK), files)
    )
    assert (candidate.outcome, candidate.reason_code) == _refused("notation-certificate")


def test_garbage_is_ignored_where_no_clock_is_named() -> None:
    assert _outcome(Signing(token=b"garbage")) == _GOOD


def test_a_clock_may_be_asked_for_only_after_expiry() -> None:
    lazy: dict[str, Any] = {**_WITH_CLOCK, "signatureVerification": level("strict", "afterCertExpiry")}
    assert _outcome(Signing(), **lazy) == _GOOD
    candidate = _ask_chain(Signing(chain=_chain(leaf=-DAY), signed_at=NOW - 3 * DAY), **lazy)
    assert candidate.reason_code == "notation-timestamp-missing"


_FAULTS = {
    "stranger": (
        Signing(chain=(issue("signer", key("p256", "leaf"), notary.STRANGER), notary.STRANGER)),
        "notation-untrusted",
    ),
    "expired": (Signing(signed_at=NOW - 3 * DAY, expiry=NOW - DAY), "notation-expired"),
    "not-in-force": (
        Signing(chain=(issue("signer", key("p256", "leaf"), ROOT, ends=NOW - timedelta(hours=1)), ROOT)),
        "notation-not-in-force",
    ),
    "not-asked": (
        Signing(
            chain=(issue("signer", key("p256", "leaf"), ROOT, responder="http://ocsp.test/"), ROOT),
        ),
        "notation-revocation-not-configured",
    ),
}
_ENFORCES = {
    "strict": {"stranger", "expired", "not-in-force", "not-asked"},
    "permissive": {"stranger"},
    "audit": set(),
}


@pytest.mark.parametrize("named", _ENFORCES)
@pytest.mark.parametrize("fault", _FAULTS)
def test_what_a_level_only_logs_stays_visible(named: str, fault: str) -> None:
    signing, code = _FAULTS[fault]
    candidate = _ask(signing, signatureVerification=level(named))
    (result,) = candidate.notation
    if fault in _ENFORCES[named]:
        expected = Outcome.INCONCLUSIVE if fault == "not-asked" else Outcome.REFUSED
        assert (candidate.outcome, candidate.reason_code) == (expected, code)
    else:
        assert (candidate.outcome, candidate.reason_code) == _GOOD
        assert code in result.logged
        assert f"logged:{code}" in candidate.anomalies


def test_integrity_is_enforced_at_every_level() -> None:
    broken = Signing(key=key("p256", "thief"))
    for named in _ENFORCES:
        assert _outcome(broken, signatureVerification=level(named)) == _refused("notation-signature-wrong")


def test_overrides_change_single_checks() -> None:
    expired = _FAULTS["expired"][0]
    assert _outcome(expired, signatureVerification=level("strict", expiry="log")) == _GOOD
    assert _outcome(expired, signatureVerification=level("audit", expiry="enforce")) == _refused(
        "notation-expired"
    )
    unasked = _FAULTS["not-asked"][0]
    skipping = _ask(unasked, signatureVerification=level("strict", revocation="skip"))
    assert (skipping.outcome, skipping.anomalies) == (Outcome.VERIFIED, ("not-checked:revocation",))


def test_skip_is_never_verified() -> None:
    skipping = notary.trust(
        {"name": "s", "registryScopes": [str(notary.REPOSITORY)], "signatureVerification": level("skip")}
    )
    candidate = judged(b"whatever", under=skipping)
    assert (candidate.outcome, candidate.reason_code) == (Outcome.SKIPPED, "notation-skipped")
    assert judged(Signing().jws(), under=skipping).outcome is Outcome.SKIPPED


def test_141_and_142_the_statement_that_names_the_repository_wins() -> None:
    policy = notary.document(
        statement(name="one", registryScopes=["registry.test/team/app"], trustedIdentities=[notary.IDENTITY]),
        statement(name="rest", registryScopes=["*"]),
    )
    found = judged(Signing().jws(), under=notary.trust(policy))
    assert [result.statement for result in found.notation] == ["one"]
    other = Repository("registry.test", "team/app2")
    found = judged(Signing().jws(), under=notary.trust(policy), repository=other)
    assert [result.statement for result in found.notation] == ["rest"]
    narrow = notary.trust(statement(registryScopes=["registry.test/team/app"]))
    found = judged(Signing().jws(), under=narrow, repository=other)
    assert (found.outcome, found.reason_code) == _refused("notation-no-statement")


def test_without_any_trust_policy_nothing_is_verified() -> None:
    found = judged(Signing().jws(), under=())
    assert (found.outcome, found.reason_code) == (Outcome.SKIPPED, "notation-not-configured")


def test_one_trust_policy_that_believes_is_enough_and_the_others_are_kept() -> None:
    stranger = notary.trust(files=notary.store(StoreKind.CA, "acme", notary.STRANGER))
    found = judged(Signing().jws(), under=(stranger, notary.trust()))
    assert found.outcome is Outcome.VERIFIED
    assert sorted(result.outcome for result in found.notation) == [Outcome.REFUSED, Outcome.VERIFIED]
