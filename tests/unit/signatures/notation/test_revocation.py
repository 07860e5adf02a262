"""Revocation: answers on file and answers asked for (the numbers are of the negative list)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.ocsp import OCSPCertStatus
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from gatekeeper.core.evidence import Candidate, Outcome
from gatekeeper.core.trust import StoreKind
from gatekeeper.demo.sigstore.authority import Authority
from gatekeeper.demo.sigstore.timestamping import TimestampAuthority
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
    point,
    statement,
)
from tests.fakes.notary_revocation import Answers, entry, ocsp_response, revocation_list

_OCSP, _CRL, _DELTA = "http://ocsp.test/", "http://crl.test/ca.crl", "http://crl.test/delta.crl"
_REVOKED = (Outcome.REFUSED, "notation-revoked")
_UNAVAILABLE = (Outcome.INCONCLUSIVE, "notation-revocation-unavailable")
_NOT_CONFIGURED = (Outcome.INCONCLUSIVE, "notation-revocation-not-configured")
_GOOD = (Outcome.VERIFIED, "signature-verified")


def _leaf(**options: Any) -> Party:
    return issue("signer", key("p256", "leaf"), ISSUING, **options)


_BY_OCSP = _leaf(responder=_OCSP)
_BY_CRL = _leaf(points=[point(_CRL)])
_BY_BOTH = _leaf(responder=_OCSP, points=[point(_CRL)])
_RESPONDER = issue("ocsp", key("p256", "ocsp"), ISSUING, purposes=[ExtendedKeyUsageOID.OCSP_SIGNING])
_NO_RESPONDER = issue("ocsp", key("p256", "ocsp"), ISSUING)
_OLD_RESPONDER = issue(
    "ocsp",
    key("p256", "ocsp"),
    ISSUING,
    purposes=[ExtendedKeyUsageOID.OCSP_SIGNING],
    ends=NOW - timedelta(hours=1),
)
_PRETENDER = issue("issuing", key("p256", "pretender"), authority=True)
_UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")


def _ask(leaf: Party, answers: Answers | None, **signing: Any) -> Candidate:
    return judged(
        Signing(chain=(leaf, *CHAIN[1:]), **signing).jws(),
        under=notary.trust(statement(trustStores=["ca:acme", "signingAuthority:acme"])),
        answers=answers,
    )


def _outcome(leaf: Party, answers: Answers | None, **signing: Any) -> tuple[Outcome, str]:
    candidate = _ask(leaf, answers, **signing)
    return candidate.outcome, candidate.reason_code


@pytest.mark.parametrize("leaf", [_BY_OCSP, _BY_CRL, _BY_BOTH])
def test_what_nobody_may_ask_is_not_known(leaf: Party) -> None:
    assert _outcome(leaf, None) == _NOT_CONFIGURED


def test_a_certificate_that_names_nobody_cannot_be_revoked() -> None:
    answers = Answers()
    assert _outcome(_leaf(), answers) == _GOOD
    assert answers.asked == []


_RESPONSES = {
    "good": (ocsp_response(_BY_OCSP), _GOOD),
    "good-by-a-delegate": (ocsp_response(_BY_OCSP, by=_RESPONDER), _GOOD),
    "101-revoked": (ocsp_response(_BY_OCSP, OCSPCertStatus.REVOKED), _REVOKED),
    "101-revoked-by-a-delegate": (ocsp_response(_BY_OCSP, OCSPCertStatus.REVOKED, by=_RESPONDER), _REVOKED),
    "102-unknown": (ocsp_response(_BY_OCSP, OCSPCertStatus.UNKNOWN), _UNAVAILABLE),
    "103-out-of-date": (ocsp_response(_BY_OCSP, next_update=NOW - timedelta(minutes=1)), _UNAVAILABLE),
    "103-without-an-end": (ocsp_response(_BY_OCSP, next_update=None), _UNAVAILABLE),
    "103-from-the-future": (
        ocsp_response(_BY_OCSP, updated=NOW + DAY, next_update=NOW + 2 * DAY),
        _UNAVAILABLE,
    ),
    "104-by-a-stranger": (ocsp_response(_BY_OCSP, by=_PRETENDER), _UNAVAILABLE),
    "104-by-a-stranger-unnamed": (ocsp_response(_BY_OCSP, by=_PRETENDER, carried=False), _UNAVAILABLE),
    "105-delegate-that-is-none": (ocsp_response(_BY_OCSP, by=_NO_RESPONDER), _UNAVAILABLE),
    "105-delegate-that-ended": (ocsp_response(_BY_OCSP, by=_OLD_RESPONDER), _UNAVAILABLE),
    "106-about-another": (ocsp_response(_BY_CRL), _UNAVAILABLE),
    "106-about-a-namesake": (ocsp_response(_BY_OCSP, issuer=_PRETENDER, by=ISSUING), _UNAVAILABLE),
    "weak-hash": (ocsp_response(_BY_OCSP, algorithm=hashes.SHA224()), _GOOD),
    "garbage": (b"\x30\x03\x0a\x01\x02", _UNAVAILABLE),
    "refusal": (b"\x30\x03\x0a\x01\x06", _UNAVAILABLE),
    "too-large": (b"\0" * 70_000, _UNAVAILABLE),
}


@pytest.mark.parametrize("response", _RESPONSES)
def test_ocsp(response: str) -> None:
    encoded, expected = _RESPONSES[response]
    assert _outcome(_BY_OCSP, Answers(responses={_OCSP: encoded})) == expected
    on_file = Answers(responses_on_file=[encoded], responses={})
    assert _outcome(_BY_OCSP, on_file) == expected
    assert on_file.asked == ([] if expected in {_GOOD, _REVOKED} else [_OCSP])


_LISTS = {
    "good": (revocation_list(), _GOOD),
    "good-with-others": (revocation_list(entry(_BY_OCSP)), _GOOD),
    "108-revoked": (revocation_list(entry(_BY_CRL)), _REVOKED),
    "108-revoked-without-a-reason": (revocation_list(entry(_BY_CRL, None)), _REVOKED),
    "109-on-hold": (revocation_list(entry(_BY_CRL, x509.ReasonFlags.certificate_hold)), _REVOKED),
    "hold-lifted": (revocation_list(entry(_BY_CRL, x509.ReasonFlags.remove_from_crl)), _GOOD),
    "110-out-of-date": (
        revocation_list(updated=NOW - 9 * DAY, next_update=NOW - timedelta(minutes=1)),
        _UNAVAILABLE,
    ),
    "111-by-another-key": (revocation_list(issuer=_PRETENDER), _UNAVAILABLE),
    "112-of-another-issuer": (revocation_list(issuer_name=notary.name("other")), _UNAVAILABLE),
    "114-garbage": (b"garbage", _UNAVAILABLE),
    "unknown-critical-extension": (revocation_list(extensions=[(_UNKNOWN, True)]), _UNAVAILABLE),
    "unknown-critical-entry": (revocation_list(entry(_BY_CRL, extension=_UNKNOWN)), _UNAVAILABLE),
    "delta-instead-of-a-base": (
        revocation_list(extensions=[(x509.DeltaCRLIndicator(1), True)]),
        _UNAVAILABLE,
    ),
}


@pytest.mark.parametrize("listed", _LISTS)
def test_crl(listed: str) -> None:
    encoded, expected = _LISTS[listed]
    assert _outcome(_BY_CRL, Answers(lists={_CRL: encoded})) == expected
    on_file = Answers(on_file=[encoded])
    assert _outcome(_BY_CRL, on_file) == expected
    assert on_file.asked == ([] if expected in {_GOOD, _REVOKED} else [_CRL])


def _scope(**members: Any) -> Sequence[tuple[x509.ExtensionType, bool]]:
    given: dict[str, Any] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
        **members,
    }
    return [(x509.IssuingDistributionPoint(**given), True)]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"only_contains_user_certs": True}, _GOOD),
        ({"full_name": [notary.uri(_CRL)]}, _GOOD),
        ({"full_name": [notary.uri("http://crl.test/other.crl")]}, _UNAVAILABLE),
        ({"only_contains_ca_certs": True}, _UNAVAILABLE),
        ({"only_contains_attribute_certs": True}, _UNAVAILABLE),
        ({"indirect_crl": True}, _UNAVAILABLE),
        ({"only_some_reasons": frozenset({x509.ReasonFlags.key_compromise})}, _UNAVAILABLE),
    ],
)
def test_a_list_for_a_part_answers_for_that_part(
    scope: dict[str, Any], expected: tuple[Outcome, str]
) -> None:
    listed = revocation_list(extensions=_scope(**scope))
    assert _outcome(_BY_CRL, Answers(lists={_CRL: listed})) == expected


def test_107_and_113_an_address_that_answers_nothing() -> None:
    assert _outcome(_BY_OCSP, Answers()) == _UNAVAILABLE
    assert _outcome(_BY_CRL, Answers()) == _UNAVAILABLE


def test_ocsp_dead_and_crl_good() -> None:
    assert _outcome(_BY_BOTH, Answers(lists={_CRL: revocation_list()})) == _GOOD
    assert _outcome(_BY_BOTH, Answers(lists={_CRL: revocation_list(entry(_BY_BOTH))})) == _REVOKED


def test_ocsp_is_preferred() -> None:
    lists = {_CRL: revocation_list(entry(_BY_BOTH))}
    answers = Answers(lists=lists, responses={_OCSP: ocsp_response(_BY_BOTH)})
    assert _outcome(_BY_BOTH, answers) == _GOOD
    assert answers.asked == [_OCSP]


def test_what_lies_on_file_outweighs_every_answer() -> None:
    answers = Answers(responses={_OCSP: ocsp_response(_BY_OCSP)}, on_file=[revocation_list(entry(_BY_OCSP))])
    assert _outcome(_BY_OCSP, answers) == _REVOKED
    assert answers.asked == []


def test_a_list_on_file_counts_for_certificates_that_name_nobody() -> None:
    silent = _leaf()
    assert _outcome(silent, Answers(on_file=[revocation_list(entry(silent))])) == _REVOKED


def test_115_only_plain_http_is_asked() -> None:
    secure = _leaf(responder="https://ocsp.test/", points=[point("https://crl.test/ca.crl")])
    answers = Answers()
    assert _outcome(secure, answers) == _UNAVAILABLE
    assert answers.asked == []


def test_several_addresses_of_one_point_are_one_list() -> None:
    leaf = _leaf(points=[point("ldap://crl.test/", "http://down.test/ca.crl", _CRL)])
    assert _outcome(leaf, Answers(lists={_CRL: revocation_list()})) == _GOOD


def test_every_point_must_answer_and_any_may_revoke() -> None:
    other = "http://crl.test/b.crl"
    leaf = _leaf(points=[point(_CRL), point(other)])
    good, bad = revocation_list(), revocation_list(entry(leaf))
    assert _outcome(leaf, Answers(lists={_CRL: good, other: good})) == _GOOD
    assert _outcome(leaf, Answers(lists={_CRL: good})) == _UNAVAILABLE
    assert _outcome(leaf, Answers(lists={other: bad})) == _REVOKED


@pytest.mark.parametrize(
    "odd",
    [
        [point(_CRL, reasons=frozenset({x509.ReasonFlags.key_compromise}))],
        [point(_CRL, crl_issuer=[x509.DirectoryName(notary.name("other"))])],
        [point(f"http://crl.test/{number}.crl") for number in range(9)],
    ],
    ids=["some-reasons", "indirect", "nine-points"],
)
def test_points_of_a_kind_that_is_not_read(odd: list[x509.DistributionPoint]) -> None:
    leaf = _leaf(points=odd)
    lists = {
        address: revocation_list() for address in (_CRL, *(f"http://crl.test/{n}.crl" for n in range(9)))
    }
    assert _outcome(leaf, Answers(lists=lists)) == _UNAVAILABLE


def test_an_invalidity_date_after_the_authentic_time() -> None:
    late = revocation_list(entry(_BY_CRL, invalid_since=NOW - timedelta(hours=1)))
    answers = Answers(lists={_CRL: late})
    before = {"scheme": notary.AUTHORITY, "signed_at": NOW - timedelta(hours=2)}
    after = {"scheme": notary.AUTHORITY, "signed_at": NOW - timedelta(minutes=1)}
    assert _outcome(_BY_CRL, answers, **before) == _GOOD
    assert _outcome(_BY_CRL, answers, **after) == _REVOKED
    assert _outcome(_BY_CRL, answers) == _REVOKED


@dataclass
class _Delta:
    """A complete list that names a delta, and the delta."""

    base: Sequence[x509.RevokedCertificate] = ()
    delta: Sequence[x509.RevokedCertificate] = ()
    number: int = 6
    applies_from: int | None = 5
    issuer: Party = ISSUING
    members: dict[str, Any] = field(default_factory=dict)

    def answers(self) -> Answers:
        freshest = x509.FreshestCRL([point(_DELTA)])
        base = revocation_list(*self.base, number=5, extensions=[(freshest, False)])
        indicator = [] if self.applies_from is None else [(x509.DeltaCRLIndicator(self.applies_from), True)]
        delta = revocation_list(
            *self.delta, number=self.number, issuer=self.issuer, extensions=indicator, **self.members
        )
        return Answers(lists={_CRL: base, _DELTA: delta})


_HOLD, _LIFT = x509.ReasonFlags.certificate_hold, x509.ReasonFlags.remove_from_crl
_DELTAS = {
    "good": (_Delta(), _GOOD),
    "revoked-since": (_Delta(delta=[entry(_BY_CRL)]), _REVOKED),
    "revoked-before": (_Delta(base=[entry(_BY_CRL)]), _REVOKED),
    "hold-lifted-since": (
        _Delta(base=[entry(_BY_CRL, _HOLD, at=NOW - 3 * DAY)], delta=[entry(_BY_CRL, _LIFT)]),
        _GOOD,
    ),
    "held-again": (
        _Delta(base=[entry(_BY_CRL, _LIFT, at=NOW - 3 * DAY)], delta=[entry(_BY_CRL, _HOLD)]),
        _REVOKED,
    ),
    "older-than-its-base": (_Delta(number=5), _UNAVAILABLE),
    "for-a-newer-base": (_Delta(applies_from=6, number=7), _UNAVAILABLE),
    "no-delta-at-all": (_Delta(applies_from=None), _UNAVAILABLE),
    "by-another-key": (_Delta(issuer=_PRETENDER), _UNAVAILABLE),
    "out-of-date": (_Delta(members={"updated": NOW - 9 * DAY, "next_update": NOW - DAY}), _UNAVAILABLE),
}


@pytest.mark.parametrize("case", _DELTAS)
def test_a_delta_is_read_with_its_base(case: str) -> None:
    made, expected = _DELTAS[case]
    answers = made.answers()
    assert _outcome(_BY_CRL, answers) == expected
    # A complete list in the place of the delta answers for itself when it lies on file.
    complete = made.applies_from is None
    on_file = Answers(on_file=list(answers.lists.values()))
    assert _outcome(_BY_CRL, on_file) == (_GOOD if complete else expected)


def test_a_delta_that_cannot_be_had() -> None:
    answers = _Delta().answers()
    only_base = Answers(lists={_CRL: answers.lists[_CRL]})
    assert _outcome(_BY_CRL, only_base) == _UNAVAILABLE


def test_a_delta_that_the_certificate_alone_names() -> None:
    leaf = _leaf(points=[point(_CRL)], extensions=[(x509.FreshestCRL([point(_DELTA)]), False)])
    assert _outcome(leaf, Answers(lists={_CRL: revocation_list(), _DELTA: revocation_list()})) == _UNAVAILABLE


def test_intermediates_are_asked_about_and_revoked_outweighs_unknown() -> None:
    issuing = issue("issuing", key("p256", "issuing"), ROOT, authority=True, points=[point(_CRL)])
    leaf = issue("signer", key("p256", "leaf"), issuing, responder=_OCSP)
    signing = Signing(chain=(leaf, issuing, ROOT))
    revoked = Answers(lists={_CRL: revocation_list(entry(issuing), issuer=ROOT)})
    found = judged(signing.jws(), answers=revoked)
    assert (found.outcome, found.reason_code) == _REVOKED
    assert "issuing" in found.detail
    fine = Answers(
        lists={_CRL: revocation_list(issuer=ROOT)},
        responses={_OCSP: ocsp_response(leaf, issuer=issuing)},
    )
    assert judged(signing.jws(), answers=fine).outcome is Outcome.VERIFIED


def test_an_issuer_that_may_not_sign_lists() -> None:
    issuing = issue("issuing", key("p256", "issuing"), ROOT, authority=True, bits=("key_cert_sign",))
    leaf = issue("signer", key("p256", "leaf"), issuing, points=[point(_CRL)])
    answers = Answers(lists={_CRL: revocation_list(issuer=issuing)})
    found = judged(Signing(chain=(leaf, issuing, ROOT)).jws(), answers=answers)
    assert (found.outcome, found.reason_code) == _UNAVAILABLE


def test_nobody_is_asked_about_a_chain_that_nobody_vouches_for() -> None:
    """The addresses in it are the attacker's."""
    leaf = issue("signer", key("p256", "leaf"), notary.STRANGER, responder=_OCSP, points=[point(_CRL)])
    answers = Answers()
    auditing = notary.trust(statement(signatureVerification=notary.level("audit")))
    found = judged(Signing(chain=(leaf, notary.STRANGER)).jws(), under=auditing, answers=answers)
    assert found.outcome is Outcome.VERIFIED
    assert "logged:notation-untrusted" in found.anomalies
    assert answers.asked == []


def _stamped(*, asked: bool, revoked: bool = False) -> str:
    """The code of a signature whose time-stamping authority names a CRL."""
    begins, ends = NOW - 9 * DAY, NOW + 9 * DAY
    root = Authority.root("tsa-root", begins=begins, ends=ends)
    plain = TimestampAuthority.below(root, begins=begins, ends=ends)
    builder = (
        x509.CertificateBuilder()
        .subject_name(plain.certificate.subject)
        .public_key(plain.key.public_key())
        .serial_number(7)
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(notary.usage("digital_signature"), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)
        .add_extension(x509.CRLDistributionPoints([point(_CRL)]), False)
    )
    tsa = TimestampAuthority(root, plain.key, root.sign(builder))
    anchor = Party(root.certificate, root.key)
    files = (*notary.STORES, *notary.store(StoreKind.TSA, "clock", anchor))
    entries = [entry(Party(tsa.certificate, tsa.key))] if revoked else []
    answers = Answers(lists={_CRL: revocation_list(*entries, issuer=anchor)})
    signing = Signing(token=lambda signature: tsa.token(signature, NOW - timedelta(hours=1)))
    under = notary.trust(statement(trustStores=["ca:acme", "tsa:clock"]), files)
    return judged(signing.jws(), under=under, answers=answers if asked else None).reason_code


def test_the_authority_of_a_time_stamp_can_be_revoked() -> None:
    assert _stamped(asked=False) == "notation-revocation-not-configured"
    assert _stamped(asked=True) == "signature-verified"
    assert _stamped(asked=True, revoked=True) == "notation-revoked"
