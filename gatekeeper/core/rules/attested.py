"""What the rules about attestations have in common: a predicate of a type, from a signer, that says what it must."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Absent, Candidate, NodeEvidence, Outcome, Purpose
from gatekeeper.core.predicate import Summary, TestReport, UnreadPredicate, is_of_type
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.signature_missing import BY_A_STRANGER
from gatekeeper.core.rules.signed import (
    Named,
    Places,
    SignedVia,
    candidates_in,
    gap_in,
    places_of,
    platform_of,
    unasked_of,
)
from gatekeeper.core.verdict import Result

AHEAD = timedelta(hours=1)
"""How far the clock of whoever attested may be ahead."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a verified attestation does not say what it must."""

    reason_code: str
    message: str


@dataclass(frozen=True, slots=True)
class Demand:
    """What must be attested. ``word`` begins reason codes: ``attestation`` | ``provenance``."""

    word: str
    predicate: str
    """A short name of ``PREDICATE_TYPES``, or a predicate type."""
    signers: tuple[str, ...]
    threshold: int
    signed_via: SignedVia
    max_age: timedelta | None
    remedy: str
    fault: Callable[[Candidate], Fault | None]
    """What is wrong with the content, beyond type, result and age."""

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image, and one more where it rests on a stale trust root."""
        named = Named.of(context, self.signers, self.threshold)
        for node in context.images:
            if named.enough_can_speak:
                yield from self._check_node(named, node, places_of(context, node, self.signed_via))
            else:
                yield named.nobody_trusted(node)

    def _check_node(self, named: Named, node: NodeEvidence, places: Places) -> Iterator[Check]:
        now = named.context.now
        found = candidates_in(places)
        typed = tuple(item for item in found if self._is_wanted(item))
        meeting = tuple(item for item in typed if self._fault(item, now) is None)
        reached = named.reached(meeting)
        if len(reached) >= self.threshold:
            if len(named.reached(meeting, without=named.undecided)) < self.threshold:
                yield named.stale_check(node)
                return
            if len(named.reached(meeting, without=frozenset(named.stale))) < self.threshold:
                yield named.stale_check(node)
            basis = named.basis(meeting, reached)
            yield Check(
                Result.SATISFIED,
                f"{self.word}-verified",
                f"Attested by {', '.join(reached)}: {basis.predicate_type}.",
                "",
                node.digest,
                basis.carrier,
                platform_of(node),
                deadline=min(
                    (moment for moment in (named.deadline, self._grows_old(meeting)) if moment is not None),
                    default=None,
                ),
            )
            return
        gap = gap_in(places, found, lambda item: item.purpose is not Purpose.SIGNATURE)
        if gap is not None:
            yield unasked_of(gap, node)
            return
        fault, basis_of, settles = self._most_telling(named, found, typed, meeting, reached)
        yield Check(
            Result.VIOLATED,
            fault.reason_code,
            fault.message,
            self.remedy,
            node.digest,
            basis_of,
            platform_of(node),
            settles=settles,
        )

    def _is_wanted(self, item: Candidate) -> bool:
        return (
            item.outcome is Outcome.VERIFIED
            and item.purpose is Purpose.ATTESTATION
            and item.predicate_type is not None
            and is_of_type(item.predicate_type, self.predicate)
        )

    def _fault(self, item: Candidate, now: datetime) -> Fault | None:
        facts = item.predicate.facts if item.predicate is not None else None
        if facts is None or isinstance(facts, UnreadPredicate):
            detail = facts.detail if facts is not None else "it was stored by an older version"
            return self._say("unreadable", f"the predicate cannot be read: {detail}")
        if isinstance(facts, Summary | TestReport) and not facts.passed:
            return self._say("says-failed", "it says that the image failed")
        return self._age_fault(facts.said_at or item.proven_at, now) or self.fault(item)

    def _age_fault(self, said_at: datetime | None, now: datetime) -> Fault | None:
        if self.max_age is None:
            return None
        if said_at is None:
            return self._say("undated", "it does not say when it was made")
        if said_at > now + AHEAD:
            return self._say("from-the-future", f"it says that it was made on {said_at:%Y-%m-%d}")
        if now - said_at > self.max_age:
            return self._say("too-old", f"it was made on {said_at:%Y-%m-%d %H:%M:%S} UTC")
        return None

    def _grows_old(self, meeting: tuple[Candidate, ...]) -> datetime | None:
        """When the first of those that count becomes too old; then it is judged again."""
        if self.max_age is None:
            return None
        said = [
            item.predicate.facts.said_at or item.proven_at for item in meeting if item.predicate is not None
        ]
        return min((moment + self.max_age for moment in said if moment is not None), default=None)

    def _say(self, what: str, message: str) -> Fault:
        return Fault(f"{self.word}-{what}", message)

    def _most_telling(
        self,
        named: Named,
        found: tuple[Candidate, ...],
        typed: tuple[Candidate, ...],
        meeting: tuple[Candidate, ...],
        reached: tuple[str, ...],
    ) -> tuple[Fault, Digest | Absent, bool]:
        """(what is wrong, basis, settles), from which a person learns most."""
        if reached:
            message = f"Attested by {', '.join(reached)}, but {self.threshold} signers are needed."
            return self._say("threshold-not-reached", message), meeting[0].carrier, True
        for item, objection in named.objections(typed):
            fault = self._say(objection.reason_code, f"Attested, but {objection.message}.")
            return fault, item.carrier, True
        for item in typed:
            content = self._fault(item, named.context.now)
            if content is not None and named.reached((item,)):
                message = f"There is an attestation {item.predicate_type}, but {content.message}."
                return Fault(content.reason_code, message), item.carrier, False
        if typed:
            message = (
                f"There is an attestation {typed[0].predicate_type}, but by nobody whom this rule names."
            )
            return self._say("by-other-signer", message), typed[0].carrier, True
        for item in found:
            if (
                item.outcome is Outcome.REFUSED
                and item.purpose is Purpose.ATTESTATION
                and item.reason_code not in BY_A_STRANGER
            ):
                message = f"An attestation was refused: {item.detail}"
                return self._say(f"refused:{item.reason_code}", message), item.carrier, False
        message = f"There is no verified attestation of the type {self.predicate}."
        return self._say("missing", message), Absent(self.word), True
