"""``sbom-missing``: an image of which nobody says what is inside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from gatekeeper.core.component import SbomFormat
from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Absent, NodeEvidence, Sbom, Sboms, Trust, Unavailable
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.signed import Named, SignedVia, candidates_in, places_of
from gatekeeper.core.rules.unasked import unasked
from gatekeeper.core.verdict import Level, Result

READABLE_FORMATS = frozenset(SbomFormat) - {SbomFormat.OS_ONLY}
"""What lists more than the packages of the operating system."""

_REMEDY = (
    "Attach an SBOM to the digest: `syft REPOSITORY@DIGEST -o cyclonedx-json`, "
    "then `cosign attest --type cyclonedx --predicate FILE`."
)


class SbomTrust(StrEnum):
    """How far an SBOM must be trusted to count."""

    ANY = "any"
    SIGNED = "signed"
    """By a signer of the policy: the SBOM itself, or the index that binds it by digest."""


@dataclass(frozen=True, slots=True)
class SbomMissing:
    """Fails each image without a readable SBOM. An SBOM of the index counts for each image that the index lists."""

    id: ClassVar[str] = "sbom-missing"

    level: Level = Level.FAIL
    trust: SbomTrust = SbomTrust.ANY
    signers: tuple[str, ...] = ()
    """With ``trust = "signed"``: by whom; empty: by any signer of the policy."""
    minimum_components: int = 1
    """An SBOM that lists fewer says nothing."""

    def __post_init__(self) -> None:
        if self.minimum_components < 0:
            raise ValueError("minimum_components must not be negative")

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image."""
        named = Named.of(context, self.signers, 1)
        root = context.evidence.root
        for node in context.images:
            places = (node.sboms,) if node.digest == root.digest else (node.sboms, root.sboms)
            vouching = candidates_in(places_of(context, node, SignedVia.ANY))
            signed = frozenset(
                item.signature for item in vouching if item.signature and named.reached((item,))
            )
            yield self._check_node(node, places, signed)

    def _check_node(
        self, node: NodeEvidence, places: tuple[Sboms | Absent | Unavailable, ...], signed: frozenset[Digest]
    ) -> Check:
        platform = str(node.platform) if node.platform else None
        found = sorted(
            (item for place in places if isinstance(place, Sboms) for item in place.items),
            key=lambda item: (item.document, item.carrier),
        )
        readable = [item for item in found if item.format in READABLE_FORMATS]
        full = [item for item in readable if item.components >= self.minimum_components]
        enough = [item for item in full if self._trusted(item, signed)]
        if enough:
            best = enough[0]
            message = f"A {best.format} SBOM lists {best.components} components."
            return Check(Result.SATISFIED, "sbom-present", message, "", node.digest, best.document, platform)
        gaps = [place for place in places if isinstance(place, Unavailable)]
        gaps += [place.gap for place in places if isinstance(place, Sboms) and place.gap is not None]
        if gaps:
            gap = min(gaps, key=lambda gap: (gap.cause.blames_content, gap.source, gap.cause, gap.detail))
            return unasked(gap, node.digest, platform)
        reason_code, message, basis, settles = self._most_telling(found, readable, full)
        return Check(
            Result.VIOLATED, reason_code, message, _REMEDY, node.digest, basis, platform, settles=settles
        )

    def _trusted(self, item: Sbom, signed: frozenset[Digest]) -> bool:
        if self.trust is SbomTrust.ANY:
            return True
        return item.trust in (Trust.SIGNED, Trust.SIGNED_INDEX) and not signed.isdisjoint(item.signatures)

    def _most_telling(
        self, found: list[Sbom], readable: list[Sbom], full: list[Sbom]
    ) -> tuple[str, str, Digest | Absent, bool]:
        if full:
            signed = [item for item in full if item.trust is not Trust.UNSIGNED]
            if signed:
                message = "There is an SBOM, but signed by nobody whom this rule names."
                return "sbom-by-other-signer", message, signed[0].document, True
            return "sbom-unsigned", "There is an SBOM, but nobody signed it.", full[0].document, True
        if readable:
            message = (
                f"The SBOM lists {readable[0].components} components, fewer than {self.minimum_components}."
            )
            return "sbom-empty", message, readable[0].document, False
        if found:
            message = f"There is an SBOM, but its format {found[0].format[:80]!r} cannot be read."
            return "sbom-unreadable", message, found[0].document, False
        return "sbom-missing", "There is no SBOM.", Absent("sbom"), True
