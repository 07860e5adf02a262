"""API tokens: made here, shown once, stored as a hash, checked in constant time.

A token reads ``gk_<id>_<secret>``: the id (12 hexadecimal digits) finds the row, the secret (32 random bytes,
base64url without padding) is compared by its sha256. The secret is random, so a fast hash is enough.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.core.errors import DeniedError, MalformedError
from gatekeeper.core.policy import matches_any
from gatekeeper.ports import ApiToken, TokenScope, TokenStore
from gatekeeper.workflow.workroom import DAEMON

_TOKEN = re.compile(r"gk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token and its text. The text exists only here: it is shown once and never stored."""

    token: ApiToken
    text: str


def create(
    store: TokenStore,
    *,
    name: str,
    scopes: frozenset[TokenScope],
    repositories: tuple[str, ...],
    expires_at: datetime | None,
    now: datetime,
    one_use: bool = False,
    actor: str = DAEMON,
    spends: ApiToken | None = None,
) -> NewToken:
    """Makes and stores a token in the name of ``actor``. Raises MalformedError for one that could never be used.

    ``spends``: the one-use token that this costs; ConflictError when somebody was faster with it.
    """
    if not scopes:
        raise MalformedError(
            "a token needs at least one scope: read, promote, review or admin",
            reason_code="token-without-scope",
        )
    if not repositories:
        raise MalformedError(
            "a token needs at least one repository glob; ** means all",
            reason_code="token-without-repositories",
        )
    if expires_at is not None and expires_at <= now:
        raise MalformedError("the token would have expired already", reason_code="token-expired-at-birth")
    token_id = secrets.token_hex(6)
    secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    token = ApiToken(token_id, name, scopes, repositories, expires_at, None, now, one_use)
    store.add_token(token, _hash(secret), actor=actor, spends=spends.id if spends is not None else None)
    return NewToken(token, f"gk_{token_id}_{secret}")


def authenticate(store: TokenStore, text: str, *, now: datetime) -> ApiToken:
    """The token behind a bearer text. Raises DeniedError; the reason never tells which part was wrong."""
    found = _TOKEN.fullmatch(text)
    row = store.token(found.group(1)) if found else None
    if found is None or row is None or not hmac.compare_digest(row[1], _hash(found.group(2))):
        raise DeniedError("this token is not known", reason_code="token-unknown")
    token = row[0]
    if token.revoked_at is not None:
        raise DeniedError("this token was revoked", reason_code="token-revoked")
    if token.expires_at is not None and now >= token.expires_at:
        raise DeniedError("this token has expired", reason_code="token-expired")
    return token


def permits(token: ApiToken, scope: TokenScope, repository: str | None) -> bool:
    """True when the token may do ``scope`` in ``repository`` (``registry/path``; None: something global)."""
    if scope not in token.scopes and TokenScope.ADMIN not in token.scopes:
        return False
    if repository is None:
        return "**" in token.repositories
    return matches_any(token.repositories, repository)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
