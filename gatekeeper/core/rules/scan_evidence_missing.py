"""``scan-evidence-missing``: an image of which nobody can say whether it is vulnerable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.core.evidence import Absent
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.sboms import SbomTrust
from gatekeeper.core.rules.scanned import Scanned, scanned_images
from gatekeeper.core.rules.unasked import unasked
from gatekeeper.core.verdict import Level, Result

_REMEDY = (
    "Attach a signed SBOM (`cosign attest --type cyclonedx --predicate FILE`), "
    "or a signed scan report (`cosign attest --type vuln --predicate FILE`)."
)


@dataclass(frozen=True, slots=True)
class ScanEvidenceMissing:
    """Fails an image without a trusted SBOM and without a trusted scan report."""

    id: ClassVar[str] = "scan-evidence-missing"

    level: Level = Level.FAIL
    trust: SbomTrust = SbomTrust.SIGNED
    """How far an SBOM must be trusted to count."""
    signers: tuple[str, ...] = ()
    """Whose SBOMs and scan reports count; empty: any signer of the policy."""

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image."""
        for scanned in scanned_images(context, trust=self.trust, signers=self.signers):
            yield self._check_one(scanned)

    def _check_one(self, scanned: Scanned) -> Check:
        sboms = scanned.sboms
        if sboms.trusted:
            best = sboms.trusted[0]
            message = f"A {best.format} SBOM lists {best.components} components to match with the feeds."
            return sboms.check(Result.SATISFIED, "scan-evidence-present", message, "", best.document)
        if scanned.reports:
            report = scanned.reports[0]
            message = f"{report.report.scanner[:80]} scanned it."
            return sboms.check(Result.SATISFIED, "scan-evidence-present", message, "", report.document)
        if sboms.gap is not None:
            return unasked(sboms.gap, scanned.node.digest, sboms.platform)
        if sboms.read:
            message = "There is an SBOM, but nobody trusted signed it; it may raise findings, never clear the image."
            code, basis = "scan-evidence-untrusted", sboms.read[0].document
            return sboms.check(Result.VIOLATED, code, message, _REMEDY, basis, settles=True)
        message = "There is neither an SBOM nor a scan report."
        return sboms.check(
            Result.VIOLATED, "scan-evidence-missing", message, _REMEDY, Absent("scan"), settles=True
        )
