"""``attestation-missing``: an image about which nobody trusted attests what must be attested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

from gatekeeper.core.evidence import Candidate
from gatekeeper.core.patterns import Pattern, PatternKind
from gatekeeper.core.rules.attested import Demand, Fault
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.signed import SignedVia
from gatekeeper.core.verdict import Level

_REMEDY = "Attest it: `cosign attest --type TYPE --predicate FILE --key KEY REPOSITORY@DIGEST`."


@dataclass(frozen=True, slots=True)
class AttestationMissing:
    """Fails each image without a verified attestation of one type, by the named signers, that says what it must."""

    id: ClassVar[str] = "attestation-missing"
    required: ClassVar[frozenset[str]] = frozenset({"predicate"})

    level: Level = Level.FAIL
    predicate: str = "slsa-provenance"
    """Predicate type (a URI), or a short name of ``PREDICATE_TYPES``."""
    signers: tuple[str, ...] = ()
    """Names from the policy's signers; empty: every signer of the policy."""
    threshold: int = 1
    signed_via: SignedVia = SignedVia.ANY
    max_age: timedelta | None = None
    """By the time that the predicate itself names, else the proven time of its signature."""
    claims: Mapping[str, str] = field(default_factory=dict)
    """JSON pointer into the predicate -> glob that the value there must match."""

    def __post_init__(self) -> None:
        if self.threshold < 1:
            raise ValueError("threshold must be at least 1")
        if self.signers and self.threshold > len(set(self.signers)):
            raise ValueError("threshold is larger than the number of signers named")
        for pointer in self.claims:
            if not pointer.startswith("/"):
                raise ValueError(f"claims: {pointer!r} is no JSON pointer; write for example '/builder/id'")

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image."""
        demand = Demand(
            "attestation",
            self.predicate,
            self.signers,
            self.threshold,
            self.signed_via,
            self.max_age,
            _REMEDY,
            self._fault,
        )
        return demand.check(context)

    def _fault(self, item: Candidate) -> Fault | None:
        said = item.predicate.claims if item.predicate is not None else {}
        for pointer, glob in self.claims.items():
            value = said.get(pointer)
            if value is None:
                return Fault("attestation-claim-missing", f"it says nothing at {pointer}")
            if not Pattern(PatternKind.GLOB, glob).matches(value):
                return Fault("attestation-claim-differs", f"{pointer} is {value[:200]!r}, not {glob}")
        return None
