"""A signer of the policy: who may speak under one name, by which keys and identities, and from when to when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.core.evidence import Candidate, Outcome
from gatekeeper.core.identity import Identity
from gatekeeper.core.trust import PublicKey


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a verified signature does not speak for a signer whose key made it."""

    reason_code: str
    message: str


@dataclass(frozen=True, slots=True)
class ManagedKey:
    """A public key, and when a signature by it counts.

    When a signature was made is what somebody other than the signer proves (a log, a timestamp authority); else when
    we first recorded it; else now.
    """

    key: PublicKey
    not_before: datetime | None = None
    not_after: datetime | None = None
    """The last moment that still counts."""
    retired_at: datetime | None = None
    """Replaced in good order: what was made before still counts."""
    compromised_at: datetime | None = None
    """In strange hands since then: only what is proven to have been made before still counts."""

    @property
    def id(self) -> str:
        """The key's id."""
        return self.key.id

    def objection(self, candidate: Candidate, now: datetime) -> Objection | None:
        """Why a signature by this key does not count; None when it does."""
        proven = candidate.proven_at
        if self.compromised_at is not None and (proven is None or proven >= self.compromised_at):
            return self._object("key-compromised", "is compromised since", self.compromised_at)
        at = proven or candidate.first_seen or now
        if self.not_before is not None and at < self.not_before:
            return self._object("key-not-yet-in-force", "is in force only from", self.not_before)
        if self.retired_at is not None and at >= self.retired_at:
            return self._object("key-retired", "is retired since", self.retired_at)
        if self.not_after is not None and at > self.not_after:
            return self._object("key-expired", "was in force only until", self.not_after)
        return None

    def _object(self, reason_code: str, what: str, moment: datetime) -> Objection:
        return Objection(reason_code, f"the key {self.key.source} {what} {moment:%Y-%m-%d %H:%M:%S} UTC")


@dataclass(frozen=True, slots=True)
class Signer:
    """A named signer: any one of its keys, identities or Notary Project trust policies speaks for it."""

    name: str
    keys: tuple[ManagedKey, ...] = ()
    identities: tuple[Identity, ...] = ()
    notation: tuple[str, ...] = ()
    """Names of ``NotationTrust``: whoever its trust policy trusts for the repository."""

    @property
    def can_speak(self) -> bool:
        """False for a signer that nobody could ever speak for."""
        return bool(self.keys or self.identities or self.notation)

    def voices(
        self, candidate: Candidate, now: datetime, *, without: frozenset[str] = frozenset()
    ) -> frozenset[str]:
        """Who speaks for this signer with this candidate: each voice is one person or machine, whoever else trusts it.

        Empty: nobody, or not verified. ``without``: trust roots on which nothing may rest.
        """
        return frozenset(
            voice for voice, objection in self._heard(candidate, now, without) if objection is None
        )

    def objections(self, candidate: Candidate, now: datetime) -> tuple[Objection, ...]:
        """Why keys of this signer, which made the candidate, do not count."""
        heard = self._heard(candidate, now, frozenset())
        return tuple(objection for _, objection in heard if objection is not None)

    def _heard(
        self, candidate: Candidate, now: datetime, without: frozenset[str]
    ) -> Iterator[tuple[str, Objection | None]]:
        if candidate.outcome is not Outcome.VERIFIED:
            return
        for key in self.keys:
            if key.id in candidate.key_ids:
                yield f"key {key.id}", key.objection(candidate, now)
        if any(
            identity.trust_root not in without and identity.matches(candidate) for identity in self.identities
        ):
            yield f"identity {candidate.issuer} {candidate.identity}", None
        for result in candidate.notation:
            held = result.good_until is None or now < result.good_until
            if result.trust in self.notation and result.outcome is Outcome.VERIFIED and held:
                yield f"certificate {candidate.identity}", None
