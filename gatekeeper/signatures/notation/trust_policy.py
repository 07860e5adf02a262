"""notation's own ``trustpolicy.json`` (trust-store-trust-policy.md, version 1.0), read as it is.

Also ``trustpolicy.oci.json``, which is the same document under a newer name. Members that the specification does not
know are refused: a misspelled ``override`` must not silently fall back to the level.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from gatekeeper.core import strict_json
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.trust import StoreKind
from gatekeeper.signatures.notation.distinguished_name import DistinguishedName, parse_distinguished_name

MAX_DOCUMENT_BYTES = 1024 * 1024
EVERYTHING = "*"
_Kind = TypeVar("_Kind", bound=StrEnum)
_X509_SUBJECT = "x509.subject"
_STORE_NAME = re.compile(r"[a-zA-Z0-9_.-]+", re.ASCII)
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_NAME = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_SCOPE = re.compile(rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?/{_NAME}(?:/{_NAME})*", re.ASCII)


class Check(StrEnum):
    """What is verified, in this order."""

    INTEGRITY = "integrity"
    AUTHENTICITY = "authenticity"
    EXPIRY = "expiry"
    AUTHENTIC_TIMESTAMP = "authenticTimestamp"
    REVOCATION = "revocation"


class Enforcement(StrEnum):
    """What a failed check does: refuse, be noted, or not be made at all."""

    ENFORCE = "enforce"
    LOG = "log"
    SKIP = "skip"


class Level(StrEnum):
    """The named levels."""

    STRICT = "strict"
    PERMISSIVE = "permissive"
    AUDIT = "audit"
    SKIP = "skip"


class VerifyTimestamp(StrEnum):
    """When a time-stamp is asked for, if a ``tsa`` store is named."""

    ALWAYS = "always"
    AFTER_CERTIFICATE_EXPIRY = "afterCertExpiry"


@dataclass(frozen=True, slots=True, order=True)
class StoreName:
    """``TYPE:NAME``, the folder ``x509/TYPE/NAME``."""

    kind: StoreKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class TrustStatement:
    """One entry of ``trustPolicies``."""

    name: str
    scopes: tuple[str, ...]
    level: Level
    enforcement: Mapping[Check, Enforcement]
    verify_timestamp: VerifyTimestamp
    stores: tuple[StoreName, ...]
    identities: tuple[DistinguishedName, ...]
    any_identity: bool
    """True for ``*``: whoever the trust stores vouch for."""

    def stores_of(self, kind: StoreKind) -> tuple[StoreName, ...]:
        """The stores of one kind, each once."""
        return tuple(dict.fromkeys(store for store in self.stores if store.kind is kind))


@dataclass(frozen=True, slots=True)
class TrustPolicyDocument:
    """The whole document, every rule of the specification kept."""

    statements: tuple[TrustStatement, ...]

    def applicable(self, repository: str) -> TrustStatement | None:
        """The statement for ``registry/path``: the one that names it, else the one for ``*``, else None."""
        for wanted in (repository, EVERYTHING):
            for statement in self.statements:
                if wanted in statement.scopes:
                    return statement
        return None

    @property
    def stores(self) -> tuple[StoreName, ...]:
        """Every store that is named, sorted."""
        return tuple(sorted({store for statement in self.statements for store in statement.stores}))


_ENFORCED = {
    Level.STRICT: frozenset(Check),
    Level.PERMISSIVE: frozenset({Check.INTEGRITY, Check.AUTHENTICITY}),
    Level.AUDIT: frozenset({Check.INTEGRITY}),
}


@lru_cache(maxsize=64)
def read_trust_policy(document: bytes) -> TrustPolicyDocument:
    """The bytes of the file -> the document. Raises MalformedError ``trust-policy-malformed``: where and what to do."""
    if len(document) > MAX_DOCUMENT_BYTES:
        raise _malformed("", f"it is larger than {MAX_DOCUMENT_BYTES} bytes")
    try:
        members = strict_json.loads_object(document)
    except MalformedError as error:
        raise _malformed("", f"{error.message}; it must be a JSON object") from error
    _check_members(members, "", ("version", "trustPolicies"))
    if members.get("version") != "1.0":
        raise _malformed("version", f'it is {members.get("version")!r}; this version reads "1.0"')
    listed = members.get("trustPolicies")
    if not isinstance(listed, list) or not listed:
        raise _malformed("trustPolicies", "there is no statement; write at least one")
    statements = tuple(_statement(entry, f"trustPolicies[{place}]") for place, entry in enumerate(listed))
    _check_unique(statements)
    return TrustPolicyDocument(statements)


def _malformed(path: str, detail: str) -> MalformedError:
    return MalformedError(f"{path}: {detail}" if path else detail, reason_code="trust-policy-malformed")


def _check_members(members: Mapping[str, object], path: str, known: tuple[str, ...]) -> None:
    for name in members:
        if name not in known:
            where = f"{path}.{name[:60]}" if path else name[:60]
            raise _malformed(where, f"it is not known here; there are {', '.join(known)}")


def _check_unique(statements: tuple[TrustStatement, ...]) -> None:
    names: set[str] = set()
    scopes: dict[str, str] = {}
    for statement in statements:
        if statement.name in names:
            raise _malformed("trustPolicies", f"two statements are called {statement.name!r}")
        names.add(statement.name)
        for scope in statement.scopes:
            if scope in scopes:
                raise _malformed(
                    "trustPolicies",
                    f"the scope {scope!r} is in {scopes[scope]!r} and in {statement.name!r}; leave it in one",
                )
            scopes[scope] = statement.name


def _statement(entry: object, path: str) -> TrustStatement:
    if not isinstance(entry, dict):
        raise _malformed(path, "it is no object")
    known = ("name", "registryScopes", "signatureVerification", "trustStores", "trustedIdentities")
    _check_members(entry, path, known)
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        raise _malformed(f"{path}.name", "there is none; every statement needs a name")
    scopes = _scopes(_strings(entry, "registryScopes", path), f"{path}.registryScopes")
    verification = entry.get("signatureVerification")
    if not isinstance(verification, dict):
        raise _malformed(f"{path}.signatureVerification", "it is absent or no object")
    below = f"{path}.signatureVerification"
    _check_members(verification, below, ("level", "override", "verifyTimestamp"))
    level = _named(Level, verification.get("level"), f"{below}.level")
    stores = _strings(entry, "trustStores", path)
    identities = _strings(entry, "trustedIdentities", path)
    if level is Level.SKIP and (stores or identities):
        raise _malformed(path, "the level skip trusts nobody; remove trustStores and trustedIdentities")
    if level is not Level.SKIP and not (stores and identities):
        raise _malformed(path, f"the level {level} needs trustStores and trustedIdentities")
    return TrustStatement(
        name=name,
        scopes=scopes,
        level=level,
        enforcement=_enforcement(level, verification.get("override"), f"{below}.override"),
        verify_timestamp=_named(
            VerifyTimestamp,
            verification.get("verifyTimestamp") or VerifyTimestamp.ALWAYS,
            f"{below}.verifyTimestamp",
        ),
        stores=tuple(_store(text, f"{path}.trustStores[{place}]") for place, text in enumerate(stores)),
        identities=_identities(identities, f"{path}.trustedIdentities"),
        any_identity=EVERYTHING in identities,
    )


def _strings(entry: Mapping[str, object], name: str, path: str) -> tuple[str, ...]:
    value = entry.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _malformed(f"{path}.{name}", "it is no list of strings")
    return tuple(value)


def _named(kind: type[_Kind], value: object, path: str) -> _Kind:
    try:
        return kind(str(value))
    except ValueError as error:
        raise _malformed(path, f"it is {str(value)[:60]!r}; choose one of {', '.join(kind)}") from error


def _scopes(listed: tuple[str, ...], path: str) -> tuple[str, ...]:
    if not listed:
        raise _malformed(path, "there is none; name repositories, or * for every one")
    if EVERYTHING in listed and len(listed) > 1:
        raise _malformed(path, "* stands for every repository and must stand alone")
    for scope in listed:
        if scope != EVERYTHING and _SCOPE.fullmatch(scope) is None:
            raise _malformed(
                path, f"{scope[:80]!r} is no repository; write registry/path without scheme, tag and wildcard"
            )
    return listed


def _enforcement(level: Level, override: object, path: str) -> Mapping[Check, Enforcement]:
    if level is Level.SKIP:
        if override:
            raise _malformed(path, "the level skip cannot be overridden; choose another level")
        return dict.fromkeys(Check, Enforcement.SKIP)
    enforced = _ENFORCED[level]
    actions = {check: Enforcement.ENFORCE if check in enforced else Enforcement.LOG for check in Check}
    if override is None:
        return actions
    if not isinstance(override, dict):
        raise _malformed(path, "it is no object")
    for key, value in override.items():
        check = _named(Check, key, path)
        action = _named(Enforcement, value, f"{path}.{key}")
        if check is Check.INTEGRITY:
            raise _malformed(f"{path}.{key}", "integrity is always enforced; remove it")
        if action is Enforcement.SKIP and check is not Check.REVOCATION:
            raise _malformed(f"{path}.{key}", "only revocation can be skipped; use enforce or log")
        actions[check] = action
    return actions


def _store(text: str, path: str) -> StoreName:
    type_, colon, name = text.partition(":")
    if not colon:
        raise _malformed(path, f"{text[:80]!r} is no TYPE:NAME, such as ca:acme")
    if _STORE_NAME.fullmatch(name) is None or name in (".", ".."):
        raise _malformed(path, f"the store name {name[:80]!r} may hold letters, digits and _ . - only")
    return StoreName(_named(StoreKind, type_, path), name)


def _identities(listed: tuple[str, ...], path: str) -> tuple[DistinguishedName, ...]:
    if EVERYTHING in listed and len(listed) > 1:
        raise _malformed(path, "* stands for every identity and must stand alone")
    found: list[DistinguishedName] = []
    for place, text in enumerate(listed):
        if text == EVERYTHING:
            continue
        prefix, colon, value = text.partition(":")
        if not colon or not prefix or not value:
            raise _malformed(
                f"{path}[{place}]", f"{text[:80]!r} is no PREFIX:VALUE, such as x509.subject: C=…"
            )
        if prefix != _X509_SUBJECT:
            # Other prefixes belong to plugins: they are allowed and name nobody here.
            continue
        try:
            found.append(parse_distinguished_name(value))
        except MalformedError as error:
            raise _malformed(f"{path}[{place}]", error.message) from error
    _check_overlaps(found, path)
    return tuple(found)


def _check_overlaps(names: Iterable[DistinguishedName], path: str) -> None:
    listed = list(names)
    for place, name in enumerate(listed):
        for other in listed[:place] + listed[place + 1 :]:
            if name.covers(other):
                raise _malformed(path, "one identity covers another; remove the wider or the narrower one")
