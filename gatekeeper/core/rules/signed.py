"""Who of the named signers signed a node: what the rules about signatures and attestations have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gatekeeper.core.errors import Cause
from gatekeeper.core.evidence import Absent, Candidate, Candidates, NodeEvidence, Outcome, Unavailable
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.unasked import unasked
from gatekeeper.core.signer import Objection, Signer
from gatekeeper.core.trust import WhenStale
from gatekeeper.core.verdict import Level, Result

Places = tuple[Candidates | Absent | Unavailable, ...]


class SignedVia(StrEnum):
    """Whose signature counts for an image that an index lists. An image that stands alone is always signed itself."""

    ANY = "any"
    SELF = "self"
    """Its own only."""
    PARENT_INDEX = "parent_index"
    """Only that of the index, which binds it by digest. Never the reverse."""


def places_of(context: Context, node: NodeEvidence, via: SignedVia) -> Places:
    """Where a signature that counts for ``node`` may hang."""
    root = context.evidence.root
    if node.digest == root.digest or via is SignedVia.SELF:
        return (node.signatures,)
    return (root.signatures,) if via is SignedVia.PARENT_INDEX else (node.signatures, root.signatures)


def candidates_in(places: Places) -> tuple[Candidate, ...]:
    """Everything found there, in one order whatever was asked first."""
    found = [item for place in places if isinstance(place, Candidates) for item in place.items]
    return tuple(sorted(found, key=lambda item: (item.carrier, item.position, item.form)))


def gap_in(
    places: Places, found: tuple[Candidate, ...], concerns: Callable[[Candidate], bool]
) -> Unavailable | None:
    """What could not be asked or verified there, an outage before the subject's own doing; None: everything was."""
    gaps = [place for place in places if isinstance(place, Unavailable)]
    gaps += [place.gap for place in places if isinstance(place, Candidates) and place.gap is not None]
    gaps += [_inconclusive(item) for item in found if item.outcome is Outcome.INCONCLUSIVE and concerns(item)]
    gaps += [
        Unavailable(f"candidate {item.carrier}", Cause.PROTOCOL, result.detail)
        for item in found
        if item.outcome is Outcome.VERIFIED and concerns(item)
        for result in item.notation
        if result.outcome is Outcome.INCONCLUSIVE
    ]
    return min(
        gaps, key=lambda gap: (gap.cause.blames_content, gap.source, gap.cause, gap.detail), default=None
    )


def _inconclusive(item: Candidate) -> Unavailable:
    over_cap = item.reason_code == "candidate-too-large"
    cause = next((cause for cause in Cause if cause == item.reason_code), Cause.PROTOCOL)
    return Unavailable(f"candidate {item.carrier}", Cause.OVER_CAP if over_cap else cause, item.detail)


@dataclass(frozen=True, slots=True)
class Named:
    """The signers that a rule names, and how many of them it wants."""

    signers: tuple[Signer, ...]
    threshold: int
    context: Context

    @classmethod
    def of(cls, context: Context, names: tuple[str, ...], threshold: int) -> Named:
        """By name; no names: every signer of the policy."""
        chosen = sorted(set(names or context.signers))
        signers = (context.signers.get(name, Signer(name)) for name in chosen)
        return cls(tuple(signers), threshold, context)

    @property
    def enough_can_speak(self) -> bool:
        """False when so many could never sign: the policy itself is wrong."""
        return sum(signer.can_speak for signer in self.signers) >= self.threshold

    def reached(
        self, found: tuple[Candidate, ...], *, without: frozenset[str] = frozenset()
    ) -> tuple[str, ...]:
        """Names of the signers who speak, each with a voice of its own, whatever else that voice could speak for."""
        now = self.context.now
        return distinct_speakers(
            {
                signer.name: frozenset[str]().union(
                    *(signer.voices(item, now, without=without) for item in found)
                )
                for signer in self.signers
            }
        )

    def basis(self, found: tuple[Candidate, ...], reached: tuple[str, ...]) -> Candidate:
        """The first candidate with which one of the reached speaks."""
        speaking = [signer for signer in self.signers if signer.name in reached]
        return next(
            item for item in found if any(signer.voices(item, self.context.now) for signer in speaking)
        )

    def objections(self, found: tuple[Candidate, ...]) -> tuple[tuple[Candidate, Objection], ...]:
        """Candidates by keys of the named that do not count, with the reason."""
        return tuple(
            (item, objection)
            for item in found
            for signer in self.signers
            for objection in signer.objections(item, self.context.now)
        )

    @property
    def stale(self) -> Mapping[str, WhenStale]:
        """Trust roots of the named signers' identities that nobody renewed in time, and what that does."""
        roots = (self.context.trust_roots.get(name) for name in sorted(self._roots))
        return {
            root.name: root.when_stale for root in roots if root is not None and root.stale(self.context.now)
        }

    @property
    def undecided(self) -> frozenset[str]:
        """Stale roots on which nothing may rest."""
        return frozenset(name for name, what in self.stale.items() if what is WhenStale.INDETERMINATE)

    @property
    def deadline(self) -> datetime | None:
        """When the next of those roots becomes stale."""
        roots = (self.context.trust_roots.get(name) for name in self._roots)
        moments = [root.expires_at for root in roots if root is not None and root.expires_at is not None]
        return min((moment for moment in moments if moment > self.context.now), default=None)

    def deadline_of(self, found: tuple[Candidate, ...]) -> datetime | None:
        """When the first of what they rest on ends: a trust root, or what a Notary Project trust policy says."""
        trusted = {name for signer in self.signers for name in signer.notation}
        ends = [
            result.good_until
            for item in found
            for result in item.notation
            if result.trust in trusted and result.good_until is not None
        ]
        moments = [moment for moment in (*ends, self.deadline) if moment is not None]
        return min((moment for moment in moments if moment > self.context.now), default=None)

    @property
    def _roots(self) -> frozenset[str]:
        return frozenset(identity.trust_root for signer in self.signers for identity in signer.identities)

    def nobody_trusted(self, node: NodeEvidence) -> Check:
        """The Check of a rule that names fewer than it wants."""
        message = "The policy names fewer signers with keys or identities than must have signed."
        remedy = "Name the signers and their keys or identities in the policy."
        return Check(
            Result.VIOLATED,
            "no-trusted-keys",
            message,
            remedy,
            node.digest,
            Absent("trusted-key"),
            platform_of(node),
        )

    def stale_check(self, node: NodeEvidence) -> Check:
        """The Check for an answer that rests on a stale root: a warning, or undetermined."""
        names = ", ".join(sorted(self.stale))
        remedy = "Renew it: `gatekeeper trust update`, or import a newer file with `gatekeeper trust import`."
        if self.undecided:
            source = f"trust-root {', '.join(sorted(self.undecided))}"
            basis = Unavailable(source, Cause.STALE, "nobody renewed it in time")
            message = f"What signed rests on a trust root that is stale: {names}."
            return Check(
                Result.UNDETERMINED,
                "trust-root-stale",
                message,
                remedy,
                node.digest,
                basis,
                platform_of(node),
            )
        return Check(
            Result.VIOLATED,
            "trust-root-stale",
            f"A trust root is stale: {names}.",
            remedy,
            node.digest,
            Absent("renewed-trust-root"),
            platform_of(node),
            level=Level.WARN,
        )


def platform_of(node: NodeEvidence) -> str | None:
    """A node's platform in words."""
    return str(node.platform) if node.platform else None


def unasked_of(gap: Unavailable, node: NodeEvidence) -> Check:
    """The Check for a node whose signatures could not be asked."""
    return unasked(gap, node.digest, platform_of(node))


def distinct_speakers(voices: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """The most signers that can each be given a voice of their own: one shared key never speaks for two."""
    speaker: dict[str, str] = {}

    def place(name: str, tried: set[str]) -> bool:
        for voice in sorted(voices[name]):
            if voice not in tried:
                tried.add(voice)
                if voice not in speaker or place(speaker[voice], tried):
                    speaker[voice] = name
                    return True
        return False

    return tuple(name for name in sorted(voices) if place(name, set()))
