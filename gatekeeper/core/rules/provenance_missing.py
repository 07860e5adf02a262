"""``provenance-missing``: an image of which nobody trusted says who built it, from what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from gatekeeper.core.evidence import Candidate
from gatekeeper.core.patterns import Pattern, PatternKind
from gatekeeper.core.predicate import Provenance
from gatekeeper.core.rules.attested import Demand, Fault
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.signed import SignedVia
from gatekeeper.core.verdict import Level

_REMEDY = (
    "Build with provenance and attest it: "
    "`cosign attest --type slsaprovenance1 --predicate FILE --key KEY REPOSITORY@DIGEST`."
)


@dataclass(frozen=True, slots=True)
class ProvenanceMissing:
    """Fails each image without a verified SLSA provenance, by the named signers, that says what it must."""

    id: ClassVar[str] = "provenance-missing"
    optional: ClassVar[frozenset[str]] = frozenset({"builders", "build_types", "sources", "source_refs"})

    level: Level = Level.FAIL
    signers: tuple[str, ...] = ()
    """Names from the policy's signers; empty: every signer of the policy."""
    threshold: int = 1
    signed_via: SignedVia = SignedVia.ANY
    builders: tuple[str, ...] = ()
    """Globs over the builder's id; empty: any. So are the next three."""
    build_types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """Over the source repository, without ``git+``, reference and ``.git``."""
    source_refs: tuple[str, ...] = ()
    materials_pinned: bool = False
    """True: it must list dependencies, each with a digest."""
    max_age: timedelta | None = None
    """Since the build finished; else since the proven time of the signature."""

    def __post_init__(self) -> None:
        if self.threshold < 1:
            raise ValueError("threshold must be at least 1")
        if self.signers and self.threshold > len(set(self.signers)):
            raise ValueError("threshold is larger than the number of signers named")

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image."""
        demand = Demand(
            "provenance",
            "slsa-provenance",
            self.signers,
            self.threshold,
            self.signed_via,
            self.max_age,
            _REMEDY,
            self._fault,
        )
        return demand.check(context)

    def _fault(self, item: Candidate) -> Fault | None:
        said = item.predicate.facts if item.predicate is not None else None
        if not isinstance(said, Provenance):
            return Fault("provenance-unreadable", "it is no provenance")
        for what, globs, value in (
            ("builder", self.builders, said.builder),
            ("build-type", self.build_types, said.build_type),
            ("source", self.sources, said.source),
            ("source-ref", self.source_refs, said.source_ref),
        ):
            if globs and not any(Pattern(PatternKind.GLOB, glob).matches(value) for glob in globs):
                found = repr(value[:200]) if value else "not said"
                return Fault(f"provenance-{what}-differs", f"the {what} is {found}, not {' or '.join(globs)}")
        if self.materials_pinned and not said.materials:
            return Fault("provenance-materials-missing", "it lists no dependencies")
        if self.materials_pinned and said.unpinned:
            return Fault(
                "provenance-materials-unpinned", f"a dependency has no digest: {said.unpinned[0][:200]}"
            )
        return None
