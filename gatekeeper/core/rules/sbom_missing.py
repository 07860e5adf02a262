"""``sbom-missing``: an image of which nobody says what is inside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.core.component import SbomFormat
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.sboms import REMEDY, NodeSboms, SbomTrust, sboms_of
from gatekeeper.core.rules.unasked import unasked
from gatekeeper.core.verdict import Level, Result


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
    os_only: bool = False
    """Accept one that lists the packages of the operating system alone."""

    def __post_init__(self) -> None:
        if self.minimum_components < 0:
            raise ValueError("minimum_components must not be negative")

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image."""
        for sboms in sboms_of(context, self.trust, self.signers):
            yield self._check(sboms)

    def _check(self, sboms: NodeSboms) -> Check:
        enough = [
            item
            for item in sboms.trusted
            if item.components >= self.minimum_components and self._whole(item.format)
        ]
        if enough:
            best = enough[0]
            message = f"A {best.format} SBOM lists {best.components} components."
            return sboms.check(Result.SATISFIED, "sbom-present", message, "", best.document)
        if sboms.gap is not None:
            return unasked(sboms.gap, sboms.node.digest, sboms.platform)
        whole = [item for item in sboms.read if self._whole(item.format)]
        if sboms.read and not whole:
            message = "The only SBOM lists the packages of the operating system and nothing else."
            return sboms.check(
                Result.VIOLATED, "sbom-os-only", message, REMEDY, sboms.read[0].document, settles=True
            )
        if whole and not any(item.components >= self.minimum_components for item in whole):
            message = (
                f"The SBOM lists {whole[0].components} components, fewer than {self.minimum_components}."
            )
            return sboms.check(Result.VIOLATED, "sbom-empty", message, REMEDY, whole[0].document)
        return sboms.untrusted()

    def _whole(self, format_: str) -> bool:
        return self.os_only or format_ != SbomFormat.OS_ONLY
