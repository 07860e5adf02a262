"""notation's trust policy document (116 to 140 of the negative list), its identities, and which statement applies."""

from __future__ import annotations

import pytest

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.trust import StoreKind
from gatekeeper.signatures.notation.distinguished_name import parse_distinguished_name
from gatekeeper.signatures.notation.trust_policy import (
    Check,
    Enforcement,
    Level,
    StoreName,
    VerifyTimestamp,
    read_trust_policy,
)
from tests.fakes.notary import document, level, statement
from tests.fakes.notary_policies import MALFORMED_POLICIES, SKIPPING


@pytest.mark.parametrize("case", MALFORMED_POLICIES)
def test_a_document_that_breaks_a_rule_says_where_and_what(case: str) -> None:
    content, detail = MALFORMED_POLICIES[case]
    with pytest.raises(MalformedError) as raised:
        read_trust_policy(content)
    assert detail in raised.value.message
    assert raised.value.reason_code == "trust-policy-malformed"


def test_a_document_is_read_whole() -> None:
    content = document(
        statement(
            name="one",
            registryScopes=["r.test:5000/a", "R.test/a__b/c-d.e"],
            signatureVerification=level("permissive", "afterCertExpiry", revocation="skip", expiry="enforce"),
            trustStores=["ca:acme", "ca:acme", "signingAuthority:acme", "tsa:acme_2.x-y"],
            trustedIdentities=["x509.subject: C=US, ST=WA, O=A", "com.example.plugin: anything"],
        ),
        statement(name="rest"),
        SKIPPING,
    )
    policy = read_trust_policy(content)
    one = policy.statements[0]
    assert (one.level, one.verify_timestamp) == (Level.PERMISSIVE, VerifyTimestamp.AFTER_CERTIFICATE_EXPIRY)
    assert one.enforcement == {
        Check.INTEGRITY: Enforcement.ENFORCE,
        Check.AUTHENTICITY: Enforcement.ENFORCE,
        Check.EXPIRY: Enforcement.ENFORCE,
        Check.AUTHENTIC_TIMESTAMP: Enforcement.LOG,
        Check.REVOCATION: Enforcement.SKIP,
    }
    assert one.stores_of(StoreKind.CA) == (StoreName(StoreKind.CA, "acme"),)
    assert (len(one.identities), one.any_identity) == (1, False)
    assert [str(store) for store in policy.stores] == [
        "ca:acme", "signingAuthority:acme", "tsa:acme_2.x-y",
    ]  # fmt: skip
    assert set(policy.statements[2].enforcement.values()) == {Enforcement.SKIP}


def test_skip_may_stand_for_every_repository_because_it_verifies_none() -> None:
    policy = read_trust_policy(document(SKIPPING | {"registryScopes": ["*"]}))
    applicable = policy.applicable("r.test/whatever")
    assert applicable is not None
    assert applicable.level is Level.SKIP


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("C=US,ST=WA,O=A", {"C": "US", "ST": "WA", "O": "A"}),
        ("  C = US ,  S = WA ;O=A b  ", {"C": "US", "ST": "WA", "O": "A b"}),
        (r"C=US, ST=WA, O=Acme\, Inc.", {"C": "US", "ST": "WA", "O": "Acme, Inc."}),
        (r"C=US, ST=WA, O=a\+b\=c\;d\\e\"f\<\>\#", {"C": "US", "ST": "WA", "O": 'a+b=c;d\\e"f<>#'}),
        (r"C=US, ST=WA, O=\20a\20", {"C": "US", "ST": "WA", "O": " a "}),
        (r"C=US, ST=WA, O=M\C3\BCller", {"C": "US", "ST": "WA", "O": "Müller"}),
        ("C=US, ST=WA, O=Müller=x", {"C": "US", "ST": "WA", "O": "Müller=x"}),
        ("C=US, ST=WA, O=A, 1.2.3=x", {"C": "US", "ST": "WA", "O": "A", "1.2.3": "x"}),
    ],
)
def test_names_are_read_with_their_escapes(text: str, attributes: dict[str, str]) -> None:
    assert parse_distinguished_name(text).attributes == attributes


@pytest.mark.parametrize(
    "text",
    ["", "C", "C=", "=US", "C=US,", "C=US,,ST=WA,O=A", "C=US, ST=WA, O=a\\", "C=US, ST=WA, O=\\zz",
     'C=US, ST=WA, O="A"', "C=US, ST=WA, O=<A>", "C=US, ST=WA, O=\\ff", "C=US, ST=WA, O!=A"],
)  # fmt: skip
def test_names_that_are_none(text: str) -> None:
    with pytest.raises(MalformedError) as raised:
        parse_distinguished_name(text)
    assert raised.value.reason_code == "distinguished-name-malformed"
