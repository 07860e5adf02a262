"""Bearer tokens (RFC 6750): who is calling, and what they may do where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn

from gatekeeper.core.errors import DeniedError
from gatekeeper.core.globs import within
from gatekeeper.core.reference import Repository
from gatekeeper.ports import ApiToken, TokenScope, TokenStore
from gatekeeper.web.cache import GenerationCache
from gatekeeper.web.generation import Generation
from gatekeeper.workflow import tokens


class UnauthenticatedError(DeniedError):
    """No token, or one that is not known, revoked or expired. Answered with 401 and a challenge."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent this request."""

    token: ApiToken

    @property
    def actor(self) -> str:
        """How the audit trail names the caller."""
        return f"token:{self.token.id}/{self.token.name}"

    def must(self, scope: TokenScope, repository: Repository | None) -> None:
        """Raises DeniedError unless the token has the scope there (None: everywhere)."""
        if not tokens.permits(self.token, scope, str(repository) if repository is not None else None):
            self._refuse(scope, f"in {repository}" if repository is not None else "for all repositories")

    def must_anywhere(self, scope: TokenScope) -> None:
        """Raises DeniedError unless the token has the scope in some repository: asked before anything is looked up."""
        if not self.token.scopes & {scope, TokenScope.ADMIN}:
            self._refuse(scope, "in any repository")

    def _refuse(self, scope: TokenScope, where: str) -> NoReturn:
        if self.token.one_use:
            raise DeniedError(
                "this token makes one other token (POST /v1/tokens), and nothing else",
                reason_code="token-one-use",
            )
        raise DeniedError(
            f"this token lacks the scope {scope!s} {where}; ask an administrator for one that has it",
            reason_code="token-scope-missing",
        )

    def must_for(self, scope: TokenScope, glob: str) -> None:
        """Raises DeniedError unless the token has the scope in everything that the glob could match."""
        if not (self.token.scopes & {scope, TokenScope.ADMIN} and within(glob, self.token.repositories)):
            self._refuse(scope, f"for all of {glob}")

    def sees_any(self, glob: str) -> bool:
        """True when the glob certainly lies within what the caller may read, or covers all of that."""
        mine = self.token.repositories
        return within(glob, mine) or any(within(one, (glob,)) for one in mine)

    def sees(self, repository: Repository) -> bool:
        """True when the caller may read this repository: listings leave out the others."""
        return tokens.permits(self.token, TokenScope.READ, str(repository))


def presented(header: str | None) -> str:
    """The Authorization header. Raises UnauthenticatedError when there is none."""
    if not header:
        raise UnauthenticatedError(
            "a bearer token is needed: send 'Authorization: Bearer gk_…' (gatekeeper token create makes one)",
            reason_code="token-missing",
        )
    return header


class Authenticator:
    """From an Authorization header to a Caller. Look-ups are cached for one generation."""

    def __init__(self, store: TokenStore, generation: Generation, now: Callable[[], datetime]) -> None:
        self._store = store
        self._generation = generation
        self._now = now
        self._cache: GenerationCache[str, Caller] = GenerationCache(generation, now, entries=1_000)

    def cached(self, header: str) -> Caller | None:
        """The caller, if it is known without asking the database."""
        return self._cache.get(header)

    def caller(self, header: str, *, makes_tokens: bool = False) -> Caller:
        """Asks the database. Raises UnauthenticatedError, UnavailableError.

        A one-use token can do nothing but make the token that follows it.
        """
        generation = self._generation.current
        scheme, _, text = header.partition(" ")
        if scheme.lower() != "bearer":
            raise UnauthenticatedError("only bearer tokens are accepted", reason_code="token-missing")
        try:
            token = tokens.authenticate(self._store, text.strip(), now=self._now())
        except DeniedError as error:
            raise UnauthenticatedError(error.message, reason_code=error.reason_code) from error
        if token.one_use:
            return Caller(token if makes_tokens else replace(token, scopes=frozenset()))
        caller = Caller(token)
        self._cache.put(header, caller, generation=generation, ends_at=token.expires_at)
        return caller
