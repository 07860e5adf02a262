"""``sbom-coverage-low``: an SBOM of which too little can be looked up, so that silence about it means nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.core.evidence import Sbom
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.sboms import SbomTrust, sboms_of
from gatekeeper.core.verdict import Level, Result


@dataclass(frozen=True, slots=True)
class SbomCoverageLow:
    """Fails each image whose best trusted SBOM names fewer of its packages well enough than the policy demands."""

    id: ClassVar[str] = "sbom-coverage-low"

    level: Level = Level.FAIL
    minimum_percent: int = 90
    """Share of packages with a purl and a version, and for OS packages a known distribution. Unreadable ones count
    against it."""
    trust: SbomTrust = SbomTrust.SIGNED
    signers: tuple[str, ...] = ()
    """Whose signature counts; empty: that of any signer of the policy."""

    def __post_init__(self) -> None:
        if not 0 < self.minimum_percent <= 100:
            raise ValueError("minimum_percent must be from 1 to 100")

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image."""
        for sboms in sboms_of(context, self.trust, self.signers):
            if not sboms.trusted:
                yield sboms.untrusted()
                continue
            best = max(sboms.trusted, key=lambda sbom: (_percent(sbom), sbom.identified, sbom.document))
            share = (
                f"{best.identified} of {best.packages + best.unreadable} packages of the {best.format} SBOM can be "
                f"looked up ({_percent(best)} %)"
            )
            if _percent(best) >= self.minimum_percent:
                yield sboms.check(Result.SATISFIED, "sbom-coverage-enough", f"{share}.", "", best.document)
                continue
            remedy = (
                "Make the SBOM with a tool that writes package URLs, from the image and not from its sources."
            )
            message = f"Only {share}, fewer than {self.minimum_percent} %."
            yield sboms.check(
                Result.VIOLATED, "sbom-coverage-low", message, remedy, best.document, settles=True
            )


def _percent(sbom: Sbom) -> int:
    """A document that lists nothing covers nothing."""
    whole = sbom.packages + sbom.unreadable
    return 100 * sbom.identified // whole if whole else 0
