"""API tokens: never a secret, only its hash."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from gatekeeper.core.errors import ConflictError, NotFoundError
from gatekeeper.database import audit, tables
from gatekeeper.database.connection import Link, touch
from gatekeeper.ports import ApiToken, TokenScope


class Tokens:
    """``ports.TokenStore``."""

    _link: Link

    def add_token(
        self, token: ApiToken, secret_hash: bytes, *, actor: str, spends: str | None = None
    ) -> None:
        """Stores a token's sha256, never the secret; ``actor`` made it, says the audit trail.

        ``spends`` is revoked in the same transaction; ConflictError when it was revoked before.
        """
        with self._link.writing(serial=True) as connection:
            if spends is not None and not _revoke(connection, spends, actor=actor, now=token.created_at):
                raise ConflictError(f"token {spends} was used already", reason_code="token-spent")
            connection.execute(
                insert(tables.api_token).values(
                    id=token.id,
                    name=token.name,
                    scopes=tuple(sorted(str(scope) for scope in token.scopes)),
                    repositories=token.repositories,
                    secret_hash=secret_hash,
                    one_use=token.one_use,
                    created_at=token.created_at,
                    expires_at=token.expires_at,
                    revoked_at=token.revoked_at,
                )
            )
            audit.add(
                connection,
                actor=actor,
                action="token-created",
                subject=f"token {token.id}",
                reason=token.name,
                detail={
                    "scopes": " ".join(sorted(token.scopes)),
                    "repositories": " ".join(token.repositories),
                    "expires_at": "never" if token.expires_at is None else token.expires_at.isoformat(),
                },
                now=token.created_at,
            )
            touch(connection)

    def token(self, token_id: str) -> tuple[ApiToken, bytes] | None:
        """The token and its hash."""
        with self._link.reading() as connection:
            row = connection.execute(
                select(tables.api_token).where(tables.api_token.c.id == token_id)
            ).first()
        return None if row is None else (_token(row), bytes(row.secret_hash))

    def tokens(self) -> Sequence[ApiToken]:
        """All, newest first."""
        table = tables.api_token
        statement = select(table).order_by(table.c.created_at.desc(), table.c.id)
        with self._link.reading() as connection:
            return tuple(_token(row) for row in connection.execute(statement))

    def revoke_token(self, token_id: str, *, actor: str, now: datetime) -> None:
        """NotFoundError when there is none. A token that was revoked before stays revoked since then."""
        with self._link.writing(serial=True) as connection:
            if _revoke(connection, token_id, actor=actor, now=now):
                touch(connection)


def _revoke(connection: Connection, token_id: str, *, actor: str, now: datetime) -> bool:
    """False when it was revoked before. Raises NotFoundError."""
    table = tables.api_token
    row = connection.execute(select(table).where(table.c.id == token_id)).first()
    if row is None:
        raise NotFoundError(f"there is no token {token_id}", reason_code="token-unknown")
    # Condition and change are one statement: of two at once only one gets the row.
    statement = update(table).where(table.c.id == token_id, table.c.revoked_at.is_(None))
    if connection.execute(statement.values(revoked_at=now)).rowcount == 0:
        return False
    audit.add(
        connection,
        actor=actor,
        action="token-revoked",
        subject=f"token {token_id}",
        reason=row.name,
        detail={},
        now=now,
    )
    return True


def _token(row: Any) -> ApiToken:
    return ApiToken(
        id=row.id,
        name=row.name,
        scopes=frozenset(TokenScope(scope) for scope in row.scopes),
        repositories=row.repositories,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        created_at=row.created_at,
        one_use=row.one_use,
    )
