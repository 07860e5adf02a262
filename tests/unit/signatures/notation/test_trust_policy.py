"""notation's trust policy document (116 to 140 of the negative list), its identities, and which statement applies."""

from __future__ import annotations

import json
from typing import Any

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

_SKIP = {"name": "s", "registryScopes": ["r.test/a"], "signatureVerification": {"level": "skip"}}


def _verification(**members: Any) -> dict[str, Any]:
    return statement(signatureVerification=members)


def _identities(*listed: str) -> dict[str, Any]:
    return statement(trustedIdentities=list(listed))


_MALFORMED: dict[str, tuple[bytes, str]] = {
    "no-json": (b"{", "it must be a JSON object"),
    "a-list": (b"[]", "it must be a JSON object"),
    "duplicate-member": (b'{"version": "1.0", "version": "1.0"}', "occurs twice"),
    "too-large": (b" " * (1 << 21), "larger"),
    "version": (document(version="2.0"), "version: it is '2.0'; this version reads \"1.0\""),
    "no-version": (document(version=None), "version:"),
    "no-statements": (json.dumps({"version": "1.0", "trustPolicies": []}).encode(), "at least one"),
    "unknown-member": (document(globalPolicy=True), "globalPolicy: it is not known here"),
    "statement-that-is-none": (
        json.dumps({"version": "1.0", "trustPolicies": [7]}).encode(),
        "trustPolicies[0]",
    ),
    "unknown-member-of-a-statement": (
        document(statement(scopes=[])),
        "trustPolicies[0].scopes: it is not known",
    ),
    "misspelled-override": (
        document(_verification(level="audit", overide={"authenticity": "enforce"})),
        "trustPolicies[0].signatureVerification.overide: it is not known",
    ),
    "no-name": (document(statement(name="")), "trustPolicies[0].name"),
    "same-name-twice": (
        document(statement(), statement(registryScopes=["r.test/b"])),
        "two statements are called 'images'",
    ),
    "same-scope-twice": (document(statement(), statement(name="b")), "leave it in one"),
    "no-scopes": (document(statement(registryScopes=[])), "trustPolicies[0].registryScopes"),
    "scopes-are-text": (document(statement(registryScopes="*")), "it is no list of strings"),
    "scope-with-a-tag": (document(statement(registryScopes=["r.test/a:v1"])), "write registry/path"),
    "scope-with-a-digest": (
        document(statement(registryScopes=["r.test/a@sha256:00"])),
        "write registry/path",
    ),
    "scope-without-a-registry": (document(statement(registryScopes=["app"])), "write registry/path"),
    "scope-with-a-scheme": (document(statement(registryScopes=["https://r.test/a"])), "write registry/path"),
    "scope-with-a-wildcard": (document(statement(registryScopes=["r.test/*"])), "write registry/path"),
    "star-with-others": (document(statement(registryScopes=["*", "r.test/a"])), "must stand alone"),
    "no-verification": (document(statement(signatureVerification=None)), "signatureVerification"),
    "level-unknown": (document(_verification(level="high")), "choose one of strict, permissive, audit, skip"),
    "level-missing": (document(_verification()), "signatureVerification.level"),
    "override-of-integrity": (
        document(_verification(level="strict", override={"integrity": "log"})),
        "integrity is always enforced",
    ),
    "override-of-nothing-known": (
        document(_verification(level="strict", override={"authentic": "log"})),
        "override: it is 'authentic'",
    ),
    "override-with-an-unknown-action": (
        document(_verification(level="strict", override={"expiry": "warn"})),
        "choose one of enforce, log, skip",
    ),
    "override-that-skips-expiry": (
        document(_verification(level="strict", override={"expiry": "skip"})),
        "only revocation can be skipped",
    ),
    "override-that-is-none": (document(_verification(level="strict", override=[1])), "it is no object"),
    "override-of-skip": (
        document(_SKIP | {"signatureVerification": {"level": "skip", "override": {"expiry": "log"}}}),
        "skip cannot be overridden",
    ),
    "skip-with-stores": (document(statement(signatureVerification={"level": "skip"})), "trusts nobody"),
    "no-stores": (document(statement(trustStores=[])), "needs trustStores and trustedIdentities"),
    "no-identities": (document(statement(trustedIdentities=[])), "needs trustStores and trustedIdentities"),
    "store-of-an-unknown-kind": (document(statement(trustStores=["foo:a"])), "ca, signingAuthority, tsa"),
    "store-without-a-kind": (document(statement(trustStores=["acme"])), "TYPE:NAME"),
    "store-that-climbs": (document(statement(trustStores=["ca:../x"])), "store name"),
    "store-that-is-the-parent": (document(statement(trustStores=["ca:.."])), "store name"),
    "star-with-another-identity": (
        document(_identities("*", "x509.subject: C=US, ST=WA, O=A")),
        "must stand alone",
    ),
    "identity-without-a-prefix": (document(_identities("C=US, ST=WA, O=A")), "PREFIX:VALUE"),
    "identity-that-is-empty": (document(_identities("x509.subject:")), "PREFIX:VALUE"),
    "identity-without-a-country": (document(_identities("x509.subject: ST=WA, O=A")), "C is absent"),
    "identity-in-lower-case": (document(_identities("x509.subject: c=US, st=WA, o=A")), "C is absent"),
    "identity-with-a-type-twice": (
        document(_identities("x509.subject: C=US, ST=WA, O=A, O=B")),
        "O occurs twice",
    ),
    "identity-with-s-and-st": (
        document(_identities("x509.subject: C=US, ST=WA, S=WA, O=A")),
        "ST occurs twice",
    ),
    "identity-with-several-values": (document(_identities("x509.subject: C=US, ST=WA, O=A+OU=B")), "(+)"),
    "identity-in-hexadecimal": (document(_identities("x509.subject: C=US, ST=WA, O=#0401")), "hexadecimal"),
    "identities-that-overlap": (
        document(_identities("x509.subject: C=US, ST=WA, O=A", "x509.subject: C=US, S=WA, O=A, OU=B")),
        "covers another",
    ),
    "identity-twice": (
        document(_identities("x509.subject: C=US, ST=WA, O=A", "x509.subject: O=A, C=US, ST=WA")),
        "covers another",
    ),
    "verify-timestamp-unknown": (
        document(_verification(level="strict", verifyTimestamp="never")),
        "choose one of always, afterCertExpiry",
    ),
}


@pytest.mark.parametrize("case", _MALFORMED)
def test_a_document_that_breaks_a_rule_says_where_and_what(case: str) -> None:
    content, detail = _MALFORMED[case]
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
        _SKIP,
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
    policy = read_trust_policy(document(_SKIP | {"registryScopes": ["*"]}))
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
