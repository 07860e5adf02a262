"""A trust policy document with its trust stores: from files into bytes, from bytes into what is verified with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.trust import NotationTrust
from gatekeeper.signatures.notation.trust_policy import (
    MAX_DOCUMENT_BYTES,
    StoreName,
    TrustPolicyDocument,
    read_trust_policy,
)
from gatekeeper.signatures.notation.trust_store import TrustStores, load_store, read_stores


@dataclass(frozen=True, slots=True)
class ReadTrust:
    """Trust material whose every rule was kept."""

    document: TrustPolicyDocument
    stores: TrustStores


@lru_cache(maxsize=64)
def read_trust(trust: NotationTrust) -> ReadTrust:
    """Raises MalformedError: where, what, and what to do."""
    try:
        return ReadTrust(read_trust_policy(trust.document), read_stores(trust.files))
    except MalformedError as error:
        raise MalformedError(f"{trust.source}: {error.message}", reason_code=error.reason_code) from error


def load_trust(name: str, document: Path, folder: Path, *, repository: str | None = None) -> NotationTrust:
    """Notation's ``trustpolicy.json`` and the folder that holds ``x509/``.

    ``repository`` (``registry/path``): only the stores of the statement for it have to be there; None: every store
    that the document names. Raises MalformedError that says which file is wrong and what to do.
    """
    content = _document(document)
    try:
        policy = read_trust_policy(content)
    except MalformedError as error:
        raise MalformedError(f"{document}: {error.message}", reason_code=error.reason_code) from error
    stores = policy.stores if repository is None else _stores_for(policy, repository)
    files = tuple(file for store in stores for file in load_store(folder, store))
    try:
        read_stores(files)
    except MalformedError as error:
        raise MalformedError(f"{folder}/{error.message}", reason_code=error.reason_code) from error
    return NotationTrust(name, content, files, str(document))


def _stores_for(policy: TrustPolicyDocument, repository: str) -> tuple[StoreName, ...]:
    statement = policy.applicable(repository)
    return () if statement is None else tuple(dict.fromkeys(statement.stores))


def _document(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        raise MalformedError(
            f"{path}: the trust policy cannot be read: {error.strerror}; give notation's trustpolicy.json",
            reason_code="trust-policy-malformed",
        ) from error
    return content
