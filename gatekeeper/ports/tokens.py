"""API tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class TokenScope(StrEnum):
    """What an API token may do; each includes none of the others except ``admin``, which includes all."""

    READ = "read"
    PROMOTE = "promote"
    REVIEW = "review"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as stored: never its secret, only its hash."""

    id: str
    name: str
    scopes: frozenset[TokenScope]
    repositories: tuple[str, ...]
    expires_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime
    one_use: bool = False


class TokenStore(Protocol):
    """API tokens."""

    def add_token(
        self, token: ApiToken, secret_hash: bytes, *, actor: str, spends: str | None = None
    ) -> None:
        """Stores a token's sha256, never the secret; ``actor`` made it, says the audit trail.

        ``spends``: the id of a one-use token that is revoked in the same transaction; ConflictError when it was
        revoked before, and nothing is stored.
        """
        ...

    def token(self, token_id: str) -> tuple[ApiToken, bytes] | None:
        """The token and its hash."""
        ...

    def tokens(self) -> Sequence[ApiToken]:
        """All, newest first."""
        ...

    def revoke_token(self, token_id: str, *, actor: str, now: datetime) -> None:
        """NotFoundError when there is none."""
        ...
