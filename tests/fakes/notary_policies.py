"""Trust policy documents that break one rule each, with what the error says: asked of us, and of notation-go."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.notary import document, statement

SKIPPING = {"name": "s", "registryScopes": ["r.test/a"], "signatureVerification": {"level": "skip"}}


def _verification(**members: Any) -> dict[str, Any]:
    return statement(signatureVerification=members)


def _identities(*listed: str) -> dict[str, Any]:
    return statement(trustedIdentities=list(listed))


MALFORMED_POLICIES: dict[str, tuple[bytes, str]] = {
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
        document(SKIPPING | {"signatureVerification": {"level": "skip", "override": {"expiry": "log"}}}),
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
