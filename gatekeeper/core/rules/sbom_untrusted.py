"""``sbom-untrusted``: an image whose SBOMs nobody vouches for who may."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.sboms import SbomTrust, sboms_of
from gatekeeper.core.verdict import Level, Result


@dataclass(frozen=True, slots=True)
class SbomUntrusted:
    """Fails each image without an SBOM on the demanded rung of the trust ladder."""

    id: ClassVar[str] = "sbom-untrusted"

    level: Level = Level.FAIL
    trust: SbomTrust = SbomTrust.SIGNED
    signers: tuple[str, ...] = ()
    """Whose signature counts; empty: that of any signer of the policy."""

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image."""
        for sboms in sboms_of(context, self.trust, self.signers):
            if not sboms.trusted:
                yield sboms.untrusted()
                continue
            best = min(sboms.trusted, key=lambda sbom: (sbom.trust.rank, sbom.document))
            message = f"A {best.format} SBOM is trusted: {best.trust}."
            yield sboms.check(Result.SATISFIED, "sbom-trusted", message, "", best.document)
