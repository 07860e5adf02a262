"""notation-go 1.3.2 beside us: what it signs, what we sign, what both refuse, and each disagreement with its reason."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.evidence import Candidate, Outcome
from gatekeeper.core.trust import StoreKind
from gatekeeper.demo.sigstore.authority import Authority
from gatekeeper.demo.sigstore.timestamping import TimestampAuthority
from gatekeeper.signatures.notation import envelope
from gatekeeper.signatures.notation.trust_policy import read_trust_policy
from tests.fakes import notary
from tests.fakes.notary import CHAIN, DAY, Party, Signing, issue, judged, key, level, payload, statement
from tests.fakes.notary_cases import CARRIED, CHAINS, MALFORMED_COSE, MALFORMED_JWS, SPOILED
from tests.fakes.notary_policies import MALFORMED_POLICIES
from tests.integration.signatures.notation.notation_go import GoVerdict, NotationGo

_FORMATS = (envelope.JWS, envelope.COSE)
_KINDS = ("p256", "p384", "p521", "rsa2048", "rsa3072", "rsa4096")
_STORES = {"trustStores": ["ca:acme", "signingAuthority:acme"]}
_TRUST = notary.trust(statement(**_STORES))
_SHORT = {envelope.JWS: "jws", envelope.COSE: "cose"}


def _now() -> datetime:
    """notation-go goes by the clock on the wall; so do we beside it."""
    return datetime.now(UTC).replace(microsecond=0)


def _ours(media_type: str, content: bytes, **options: Any) -> Candidate:
    return judged(content, media_type, now=_now(), **{"under": _TRUST, **options})


def _chain_of(kind: str) -> tuple[Party, ...]:
    return (issue("signer", key(kind, "leaf"), notary.ISSUING), *CHAIN[1:])


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("media_type", _FORMATS, ids=_SHORT.get)
@pytest.mark.parametrize("scheme", [notary.X509, notary.AUTHORITY])
def test_what_notation_seals_we_verify(go: NotationGo, kind: str, media_type: str, scheme: str) -> None:
    sealed = go.seal(
        _chain_of(kind),
        media_type,
        content=payload(annotations={"build": "7"}),
        signed_at=_now(),
        scheme=scheme,
        expiry=_now() + DAY,
        attributes=[{"key": "com.example.x", "value": "y", "critical": False}],
    )
    (verdict,) = go.judge(go.config(_TRUST), [(media_type, sealed)])
    assert verdict.accepts, verdict.said
    candidate = _ours(media_type, sealed)
    assert candidate.outcome is Outcome.VERIFIED, candidate.detail
    assert (candidate.annotations, candidate.signing_scheme) == ({"build": "7"}, scheme)
    assert candidate.expires_at is not None


def test_what_our_tests_seal_notation_verifies(go: NotationGo) -> None:
    made = [
        (media_type, Signing(chain=_chain_of(kind), scheme=scheme, expiry=_now() + DAY).envelope(media_type))
        for kind in _KINDS
        for media_type in _FORMATS
        for scheme in (notary.X509, notary.AUTHORITY)
    ]
    for (media_type, content), verdict in zip(made, go.judge(go.config(_TRUST), made), strict=True):
        assert verdict.accepts, verdict.said
        assert _ours(media_type, content).outcome is Outcome.VERIFIED


_READ_TWICE = "two readers must not see two things in one document"
_CRITICAL = "the specification: what is critical and not understood must fail"
_BOTH_HEADERS = "a header is signed or it is not (RFC 7515, 4; RFC 9052, 3)"
_WEAK = "a key that may not sign may not issue either"
DISAGREEMENTS: Mapping[str, str] = {
    "14-duplicate-key-jws": _READ_TWICE,
    "14-duplicate-key-cose": _READ_TWICE,
    "14-key-in-another-case-jws": _READ_TWICE,
    "14-key-in-another-case-cose": _READ_TWICE,
    "22-crit-has-a-duplicate-cose": "RFC 7515, 4.1.11, in both formats: no name occurs twice",
    "27-unknown-critical-jws": _CRITICAL,
    "27-unknown-critical-cose": _CRITICAL,
    "28-both-times-cose": "the specification: the authority's time does not go with notary.x509",
    "42-general-jws": "the specification: flattened JWS and no other",
    "42-a-member-too-many-jws": "the specification: flattened JWS and no other",
    "44-name-in-both-headers-jws": _BOTH_HEADERS,
    "label-in-both-cose": _BOTH_HEADERS,
    "69-any-purpose": "the specification: anyExtendedKeyUsage is forbidden",
    "77-constraints-not-critical": "the specification: basicConstraints of an authority must be critical",
    "authority-with-p224": _WEAK,
    "authority-with-rsa1024": _WEAK,
    "unknown-member": "a misspelled member must not silently mean nothing",
    "unknown-member-of-a-statement": "a misspelled member must not silently mean nothing",
    "misspelled-override": "a misspelled member must not silently mean nothing",
    "store-that-is-the-parent": "a store is a folder of its own kind, never the one above",
}
"""Where notation-go accepts what we refuse, and why. docs/notation.md tells people."""


def _agrees(case: str, accepts: bool, verdict: GoVerdict) -> None:
    """One case: the same answer, or a listed disagreement in which we are the stricter."""
    if case in DISAGREEMENTS:
        assert verdict.accepts, f"{case}: notation-go refuses it now: {verdict.said}"
        assert not accepts, f"{case}: we accept it now"
    else:
        assert accepts == verdict.accepts, f"{case}: we say {accepts}, notation-go {verdict}"


def _spoiled() -> Iterator[tuple[str, str, bytes]]:
    for case, (signing, _) in SPOILED.items():
        for media_type in _FORMATS:
            yield f"{case}-{_SHORT[media_type]}", media_type, signing.envelope(media_type)
    for case, content in MALFORMED_JWS.items():
        yield f"{case}-jws", envelope.JWS, content
    for case, content in MALFORMED_COSE.items():
        yield f"{case}-cose", envelope.COSE, content
    for case, (carried, _) in CARRIED.items():
        yield case, envelope.JWS, Signing(carried=[party.der for party in carried]).jws()


def test_spoiled_envelopes(go: NotationGo) -> None:
    cases = list(_spoiled())
    verdicts = go.judge(go.config(_TRUST), [(media_type, content) for _, media_type, content in cases])
    for (case, media_type, content), verdict in zip(cases, verdicts, strict=True):
        _agrees(case, _ours(media_type, content).outcome is Outcome.VERIFIED, verdict)


def test_chains(go: NotationGo) -> None:
    for case, (chain, _) in CHAINS.items():
        trust = notary.trust(files=notary.store(StoreKind.CA, "acme", chain[-1]))
        sealed = Signing(chain=chain).jws()
        (verdict,) = go.judge(go.config(trust, case), [(envelope.JWS, sealed)])
        _agrees(case, _ours(envelope.JWS, sealed, under=trust).outcome is Outcome.VERIFIED, verdict)


def test_trust_policy_documents(go: NotationGo) -> None:
    documents = {case: content for case, (content, _) in MALFORMED_POLICIES.items()}
    documents["good"] = notary.document()
    for (case, content), verdict in zip(
        documents.items(), go.policies(list(documents.values())), strict=True
    ):
        try:
            accepts = bool(read_trust_policy(content).statements)
        except MalformedError:
            accepts = False
        _agrees(case, accepts, verdict)


def test_no_listed_disagreement_is_forgotten() -> None:
    asked = {case for case, _, _ in _spoiled()} | set(CHAINS) | set(MALFORMED_POLICIES)
    assert set(DISAGREEMENTS) <= asked


_NAMES = [
    ([], ["x509.subject: C=US, ST=WA, O=Acme\\, Inc."], True, True),
    ([], ["x509.subject: C=US, ST=WA, O=Other"], False, False),
    (
        [(NameOID.ORGANIZATIONAL_UNIT_NAME, "a")],
        ["x509.subject: C=US, ST=WA, O=Acme\\, Inc., OU=a"],
        True,
        True,
    ),
    # Names are compared as certificates encode them: what prints badly does not make a signer unknown.
    (
        [(NameOID.ORGANIZATIONAL_UNIT_NAME, "a"), (NameOID.ORGANIZATIONAL_UNIT_NAME, "b")],
        ["x509.subject: C=US, ST=WA, O=Acme\\, Inc."],
        True,
        False,
    ),
    ([(NameOID.EMAIL_ADDRESS, "a@b.test")], ["x509.subject: C=US, ST=WA, O=Acme\\, Inc."], True, False),
]


@pytest.mark.parametrize(("more", "identities", "ours", "theirs"), _NAMES)
def test_identities(
    go: NotationGo,
    more: list[tuple[x509.ObjectIdentifier, str]],
    identities: list[str],
    ours: bool,
    theirs: bool,
) -> None:
    leaf = issue("signer", key("p256", "leaf"), notary.ISSUING, subject=notary.name("signer", *more))
    sealed = Signing(chain=(leaf, *CHAIN[1:])).jws()
    trust = notary.trust(statement(trustedIdentities=identities))
    (verdict,) = go.judge(go.config(trust), [(envelope.JWS, sealed)])
    assert (_ours(envelope.JWS, sealed, under=trust).outcome is Outcome.VERIFIED, verdict.accepts) == (
        ours,
        theirs,
    )


_CLOCK_ROOT = Authority.root("tsa-root", begins=_now() - 4000 * DAY, ends=_now() + 4000 * DAY)
_CLOCK = TimestampAuthority.below(_CLOCK_ROOT, begins=_now() - 4000 * DAY, ends=_now() + 4000 * DAY)
_OTHER_CLOCK = TimestampAuthority.below(
    Authority.root("tsa-root", begins=_now() - 9 * DAY, ends=_now() + 9 * DAY),
    begins=_now() - 9 * DAY,
    ends=_now() + 9 * DAY,
)
_CLOCK_FILES = (
    *notary.STORES,
    *notary.store(StoreKind.TSA, "clock", Party(_CLOCK_ROOT.certificate, _CLOCK_ROOT.key)),
)
_EXPIRED = (
    issue(
        "signer",
        key("p256", "leaf"),
        notary.ISSUING,
        begins=notary.NOW - 900 * DAY,
        ends=notary.NOW - 99 * DAY,
    ),
    *CHAIN[1:],
)


def _stamped(clock: TimestampAuthority, at: datetime, **options: Any) -> Signing:
    return Signing(token=lambda signature: clock.token(signature, at), **options)


_FAULTS: Mapping[str, Signing] = {
    "good": Signing(),
    "stranger": Signing(chain=(issue("signer", key("p256", "leaf"), notary.STRANGER), notary.STRANGER)),
    "expired": Signing(signed_at=notary.NOW - 9 * DAY, expiry=notary.NOW - DAY),
    "certificate-expired": Signing(chain=_EXPIRED),
    "stamped": _stamped(_CLOCK, _now()),
    "stamped-in-time": _stamped(_CLOCK, notary.NOW - 200 * DAY, chain=_EXPIRED),
    "stamped-too-late": _stamped(_CLOCK, notary.NOW - 50 * DAY, chain=_EXPIRED),
    "stamped-by-a-stranger": _stamped(_OTHER_CLOCK, _now()),
    "stamped-elsewhere": Signing(token=_CLOCK.token(b"another signature", _now())),
    "stamped-without-naming-its-certificate": Signing(
        token=lambda signature: _CLOCK.token(signature, _now(), names_certificate=False)
    ),
    "authority": Signing(scheme=notary.AUTHORITY),
    "authority-in-time": Signing(scheme=notary.AUTHORITY, chain=_EXPIRED, signed_at=notary.NOW - 200 * DAY),
}
_STATEMENTS = {
    **{named: statement(signatureVerification=level(named)) for named in ("strict", "permissive", "audit")},
    "authorities": statement(trustStores=["signingAuthority:acme"]),
    "clock": statement(trustStores=["ca:acme", "tsa:clock"]),
    "clock-after-expiry": statement(
        trustStores=["ca:acme", "tsa:clock"], signatureVerification=level("strict", "afterCertExpiry")
    ),
    "clock-audit": statement(trustStores=["ca:acme", "tsa:clock"], signatureVerification=level("audit")),
    "override": statement(signatureVerification=level("audit", authenticity="enforce", expiry="enforce")),
    "someone-else": statement(trustedIdentities=["x509.subject: C=US, ST=WA, O=Other"]),
}
_LOGGED_CHECKS = {
    "notation-untrusted": "authenticity",
    "notation-expired": "expiry",
    "notation-not-in-force": "authenticTimestamp",
    "notation-timestamp-missing": "authenticTimestamp",
    "timestamp-mismatch": "authenticTimestamp",
    "timestamp-untrusted": "authenticTimestamp",
}


@pytest.mark.parametrize("named", _STATEMENTS)
@pytest.mark.parametrize("media_type", _FORMATS, ids=_SHORT.get)
def test_levels_stores_and_clocks(go: NotationGo, named: str, media_type: str) -> None:
    trust = notary.trust(_STATEMENTS[named], _CLOCK_FILES)
    made = [(media_type, signing.envelope(media_type)) for signing in _FAULTS.values()]
    for case, (_, content), verdict in zip(_FAULTS, made, go.judge(go.config(trust), made), strict=True):
        candidate = _ours(media_type, content, under=trust)
        assert (candidate.outcome is Outcome.VERIFIED) == verdict.accepts, (case, candidate.detail, verdict)
        if verdict.accepts:
            (result,) = candidate.notation
            assert sorted({_LOGGED_CHECKS[code] for code in result.logged}) == sorted(verdict.logged), case


_EXPLAINED = {
    "notation-envelope-malformed": "not canonical base64, a member spelled in another case or unknown",
}
"""Codes with which we refuse a mutation that notation-go reads as the same signature; why."""
_MUTATIONS = 1500


def _mutants(good: bytes, choice: random.Random) -> Iterator[bytes]:
    for _ in range(_MUTATIONS):
        changed = bytearray(good)
        for _ in range(choice.choice((1, 1, 1, 2, 3))):
            place = choice.randrange(len(changed))
            match choice.randrange(4):
                case 0:
                    changed[place] = choice.randrange(256)
                case 1:
                    changed[place] ^= 0x20
                case 2:
                    del changed[place]
                case _:
                    changed.insert(place, choice.choice(b' \n"A,0'))
        yield bytes(changed)


@pytest.mark.parametrize("media_type", _FORMATS, ids=_SHORT.get)
def test_thousands_of_mutations(
    go: NotationGo, media_type: str, record_property: Callable[[str, object], None]
) -> None:
    """Never do we accept what notation-go refuses; what it accepts alone is explained."""
    good = Signing(content=payload(annotations={"build": "7"})).envelope(media_type)
    mutants = list(dict.fromkeys(_mutants(good, random.Random(20261126))))
    verdicts = go.judge(go.config(_TRUST), [(media_type, content) for content in mutants])
    counted = Counter[str]()
    for content, verdict in zip(mutants, verdicts, strict=True):
        candidate = _ours(media_type, content)
        accepts = candidate.outcome is Outcome.VERIFIED
        if accepts != verdict.accepts:
            assert verdict.accepts, f"accepted by us alone ({verdict.said}): {content!r}"
            assert candidate.reason_code in _EXPLAINED, f"{candidate.detail}: {content!r}"
        counted[f"ours {accepts}, theirs {verdict.accepts}"] += 1
    record_property(
        "measured", f"{len(mutants)} mutations of a {_SHORT[media_type]} envelope: {dict(counted)}"
    )
    assert counted["ours False, theirs False"] > len(mutants) // 2
